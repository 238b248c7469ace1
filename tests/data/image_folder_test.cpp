// SPDX-License-Identifier: MIT
#include "data/image_folder.h"

#include "data/import.h"
#include "tests/data/fixtures.h"

namespace fanin {
namespace {

using namespace testing_data;

// A baseline JPEG of one grey 8 x 8 block: all values 128 + 20 * 8 / 8 = 148. Its tables hold one code each.
Bytes grey_jpeg() {
  std::vector<int> b = {0xff, 0xd8, 0xff, 0xdb, 0, 67, 0};
  for (int i = 0; i < 64; ++i) b.push_back(8);                           // quantization
  b.insert(b.end(), {0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0});  // 8 x 8, one component
  b.insert(b.end(),
           {0xff, 0xc4, 0, 20, 0x00, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5});  // DC: "0" is 5 bits more
  b.insert(b.end(),
           {0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});  // AC: "0" ends the block
  b.insert(b.end(), {0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 0x51});                          // bits 0 10100 0 and padding
  b.insert(b.end(), {0xff, 0xd9});
  Bytes bytes;
  for (const int value : b) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

// Two 16 x 16 units of a baseline 4:2:0 JPEG, flat blocks: luma 148, red chroma 128, blue chroma 148 and then 150.
Bytes colour_jpeg() {
  std::vector<int> b = {0xff, 0xd8, 0xff, 0xdb, 0, 67, 0};
  for (int i = 0; i < 64; ++i) b.push_back(8);
  b.insert(b.end(), {0xff, 0xc0, 0, 17, 8, 0, 16, 0, 32, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0});
  b.insert(b.end(), {0xff, 0xc4, 0, 22, 0x00, 1, 1, 1, 0, 0, 0, 0,
                     0,    0,    0, 0,  0,    0, 0, 0, 0, 5, 0, 2});  // 0, 10, 110: 5, 0, 2 bits
  b.insert(b.end(), {0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  b.insert(b.end(), {0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0});
  const std::string plus20 = "0101000", same = "100", plus2 = "110100";  // each with the end of its block
  const std::string bits = plus20 + same + same + same + plus20 + same + same + same + same + same + plus2 + same;
  for (std::size_t i = 0; i < bits.size(); i += 8) {
    std::string byte = bits.substr(i, 8);
    byte.resize(8, '1');
    b.push_back(std::stoi(byte, nullptr, 2));
  }
  b.insert(b.end(), {0xff, 0xd9});
  Bytes bytes;
  for (const int value : b) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

std::uint32_t crc32(const std::byte* data, std::size_t size) {
  std::uint32_t crc = ~0u;
  for (std::size_t i = 0; i < size; ++i) {
    crc ^= static_cast<std::uint32_t>(data[i]);
    for (int k = 0; k < 8; ++k) crc = (crc & 1) != 0 ? 0xedb88320u ^ (crc >> 1) : crc >> 1;
  }
  return ~crc;
}

void store(Bytes& png, std::size_t at, std::uint32_t value) {
  for (std::size_t k = 0; k < 4; ++k) png[at + k] = static_cast<std::byte>(value >> (24 - 8 * k));
}

void set_png_size(Bytes& png, std::uint32_t width, std::uint32_t height) {  // with a right checksum
  store(png, 16, width);
  store(png, 20, height);
  store(png, 29, crc32(png.data() + 12, 17));
}

TEST(DecodeImage, PngRoundTrip) {
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < 5 * 9 * 3; ++i) pixels.push_back(static_cast<std::uint8_t>(i * 37));
  const DecodedImage image = decode_image(encode_png(pixels, 5, 9), "x.png");
  EXPECT_EQ(image.height, 5);
  EXPECT_EQ(image.width, 9);
  EXPECT_EQ(image.pixels, pixels);
}

TEST(DecodeImage, GreyJpegBecomesRgb) {
  const DecodedImage image = decode_image(grey_jpeg(), "x.jpg");
  EXPECT_EQ(image.height, 8);
  EXPECT_EQ(image.width, 8);
  EXPECT_EQ(image.pixels, std::vector<std::uint8_t>(192, 148));
}

// Between the units the chroma is 148.5 and 149.5; libjpeg rounds the left one down and the right one up. Then R = 148,
// G = 148 - 0.344136 * (20 or 22) and B = 148 + 1.772 * (20 or 22), rounded.
TEST(DecodeImage, ColoursAreThoseOfLibjpeg) {
  const DecodedImage image = decode_image(colour_jpeg(), "x.jpg");
  ASSERT_EQ(image.height, 16);
  ASSERT_EQ(image.width, 32);
  for (std::size_t p = 0; p < 16 * 32; ++p) {
    const bool left = p % 32 < 16;
    EXPECT_EQ(image.pixels[3 * p], 148);
    EXPECT_EQ(image.pixels[3 * p + 1], left ? 141 : 140);
    EXPECT_EQ(image.pixels[3 * p + 2], left ? 183 : 187) << p;
  }
}

TEST(DecodeImage, TruncatedFilesAreErrorsAtEveryLength) {
  for (const Bytes& whole : {plain_png(7, 7, 1, 2, 3), grey_jpeg(), colour_jpeg()}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { decode_image(part, "x"); }), "x: not a readable image");
    }
  }
}

TEST(DecodeImage, EveryFlippedPngByteIsNoticed) {
  const Bytes png = plain_png(7, 7, 1, 2, 3);
  for (std::size_t i = 0; i < png.size(); ++i) {
    Bytes broken = png;
    broken[i] ^= std::byte{0x10};
    error_of(ErrorKind::input, [&] { decode_image(broken, "x"); });
  }
}

TEST(DecodeImage, MutatedJpegsNeverCrash) {  // some still decode: the format has no checksum
  const Bytes jpeg = colour_jpeg();
  for (std::size_t i = 0; i < jpeg.size(); ++i) {
    for (const int flip : {0x01, 0x10, 0x80, 0xff}) {
      Bytes broken = jpeg;
      broken[i] ^= static_cast<std::byte>(flip);
      try {
        decode_image(broken, "x");
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::input);
      }
    }
  }
}

// stb_image 2.27 writes beyond its tables for these counts.
TEST(DecodeImage, OverfullHuffmanTablesAreRefused) {
  Bytes jpeg = grey_jpeg();
  const std::size_t table = 2 + 69 + 13;  // behind the start, the quantization table and the frame
  ASSERT_EQ(jpeg[table + 1], std::byte{0xc4});
  jpeg[table + 5 + 15] = std::byte{255};
  jpeg[table + 5 + 14] = std::byte{255};
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { decode_image(jpeg, "x"); }), "damaged Huffman table");
}

TEST(DecodeImage, AbsurdSizesAreRefusedBeforeDecoding) {
  Bytes png = plain_png(7, 7, 1, 2, 3);
  for (const std::uint32_t side : {0u, 8193u, 100'000u, 0x7fffffffu, 0xffffffffu}) {
    set_png_size(png, side, 7);
    error_of(ErrorKind::input, [&] { decode_image(png, "x"); });
  }
  set_png_size(png, 8000, 8000);
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { decode_image(png, "x"); }), "8000x8000 pixels; at most 50000000");
}

TEST(DecodeImage, ABombMayNotUnpackBeyondItsSize) {
  Bytes png = plain_png(1500, 1500, 0, 0, 0);  // 7 MB of zeros in a small file
  set_png_size(png, 8, 8);
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { decode_image(png, "x"); }), "outofmem");
}

TEST(DecodeImage, OtherFormatsAreRefused) {
  EXPECT_MENTIONS(error_of(ErrorKind::input, [] { decode_image(bytes_of("GIF89a..."), "x"); }), "neither PNG nor JPEG");
  EXPECT_MENTIONS(error_of(ErrorKind::input, [] { decode_image(bytes_of("P6 1 1 255 abc"), "x"); }),
                  "neither PNG nor JPEG");
  EXPECT_MENTIONS(error_of(ErrorKind::input, [] { decode_image({}, "x"); }), "empty file");
}

// Red pictures are class "red", and so on: pixels tell whether images and labels stayed together.
Path colour_folder(const std::string& name, int train, int test) {
  const Path folder = scratch_folder(name);
  for (int k = 0; k < train + test; ++k) {
    const std::string file = std::string(k < train ? "train/" : "test/");
    const std::uint8_t value = static_cast<std::uint8_t>(100 + k);
    write_file(folder / (file + "red") / (std::to_string(k) + ".png"), plain_png(6, 6, value, 0, 0));
    write_file(folder / (file + "blue") / (std::to_string(k) + ".PNG"), plain_png(6, 6, 0, 0, value));
  }
  return folder;
}

TEST(ImageFolder, ReadsTrainAndTest) {
  const Dataset d = import_dataset(colour_folder("colours", 12, 3));
  EXPECT_EQ(d.name, "colours");
  EXPECT_EQ(d.image, (Shape{1, 6, 6, 3}));
  EXPECT_EQ(d.class_names, (std::vector<std::string>{"blue", "red"}));
  EXPECT_EQ(d.train.size(), 24);
  EXPECT_EQ(d.test.size(), 6);
  for (const Split* split : {&d.train, &d.test}) {
    for (int i = 0; i < split->size(); ++i) {
      const std::uint8_t* pixel = split->pixels.data() + static_cast<std::size_t>(i) * 108;
      EXPECT_EQ(split->labels[static_cast<std::size_t>(i)], pixel[0] > 0 ? 1 : 0);
    }
  }
}

TEST(ImageFolder, ArchiveAndFolderGiveTheSameBytes) {
  const Path folder = colour_folder("colours", 30, 5);
  std::vector<Member> members;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    members.push_back({"./top/" + entry.path().lexically_relative(folder).string(), read_file(entry.path())});
  }
  std::reverse(members.begin(), members.end());
  const Path tar = scratch_folder("t") / "colours.tar.gz";
  write_tar(tar, members);
  const Dataset a = import_dataset(folder), b = import_dataset(tar);
  EXPECT_EQ(a.fingerprint, b.fingerprint);
  EXPECT_EQ(a.name, b.name);
}

TEST(ImageFolder, CorruptImagesAreNamedCountedAndSkippedOrFatal) {
  const Path folder = colour_folder("colours", 20, 2);
  for (int k = 0; k < 12; ++k)
    write_file(folder / "train/red" / ("bad" + std::to_string(k) + ".jpg"), bytes_of("nonsense"));
  ImportReport report;
  const Dataset d = import_dataset(folder, {}, &report);
  EXPECT_EQ(d.train.size(), 40);
  EXPECT_EQ(report.corrupt, 12);
  ASSERT_EQ(report.corrupt_names.size(), 10u);
  EXPECT_MENTIONS(report.corrupt_names[0], "train/red/bad0.jpg: not a readable image (neither PNG nor JPEG)");
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { import_dataset(folder, {.strict = true}); }), "bad0.jpg");
}

TEST(ImageFolder, MixedSizesNeedASize) {
  const Path folder = colour_folder("colours", 5, 2);
  write_file(folder / "train/red/large.png", plain_png(20, 10, 200, 0, 0));
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { import_dataset(folder); }), "large.png has 20x10 pixels but");
  const Dataset d = import_dataset(folder, {.size = 4});
  EXPECT_EQ(d.image, (Shape{1, 4, 4, 3}));
  EXPECT_EQ(d.train.size(), 11);
  EXPECT_EQ(d.train.pixels.back(), 0);
  EXPECT_EQ(d.train.pixels[d.train.pixels.size() - 3], 200);  // "large.png" sorts last; flat colours survive resizing
  error_of(ErrorKind::usage, [&] { import_dataset(folder, {.size = 5000}); });
}

TEST(ImageFolder, DrawsASplitWhenThereIsNone) {
  const Path folder = scratch_folder("pets");
  for (const char* name : {"cat", "dog"}) {
    for (int k = 0; k < 12; ++k) {
      write_file(folder / name / (std::to_string(k) + ".png"), plain_png(4, 4, static_cast<std::uint8_t>(k), 9, 9));
    }
  }
  ImportReport report;
  const Dataset d = import_dataset(folder, {.split_seed = 1}, &report);
  EXPECT_EQ(d.train.size(), 20);
  EXPECT_EQ(d.test.size(), 4);
  EXPECT_MENTIONS(report.notes.at(0), "a sixth of each class");
  EXPECT_EQ(import_dataset(folder, {.split_seed = 1}).fingerprint, d.fingerprint);
  EXPECT_NE(import_dataset(folder, {.split_seed = 2}).fingerprint, d.fingerprint);
}

TEST(ImageFolder, UselessFoldersAreExplained) {
  const Path empty = scratch_folder("empty");
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { import_dataset(empty); }),
                  "holds nothing to import (0 files of other kinds)");
  const Path flat = scratch_folder("flat");
  write_file(flat / "1.png", plain_png(4, 4, 1, 1, 1));
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { import_dataset(flat); }), "in 0 class folders");
  const Path one = scratch_folder("one");
  write_file(one / "cat/1.png", plain_png(4, 4, 1, 1, 1));
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { import_dataset(one); }), "in 1 class folders");
  const Path untrained = colour_folder("untrained", 2, 1);
  write_file(untrained / "test/green/1.png", plain_png(6, 6, 0, 9, 0));
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { import_dataset(untrained); }),
                  "class \"green\" has no training image");
  const Path bad = scratch_folder("bad");
  write_file(bad / "cat/1.png", bytes_of("x"));
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { import_dataset(bad); }), "0 readable images (1 corrupt)");
}

TEST(Import, OtherFilesAreRefused) {
  const Path file = scratch_folder("f") / "notes.txt";
  write_file(file, bytes_of("hello"));
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { import_dataset(file); }), "neither a folder nor a tar");
  write_file(file, {});
  error_of(ErrorKind::input, [&] { import_dataset(file); });
  error_of(ErrorKind::input, [&] { import_dataset(file.parent_path() / "absent"); });
}

// The real pictures, where they are at hand: tells that decoding, classes and statistics are right on 60,000 of them.
TEST(Import, RealCifar10Jpegs) {
  const char* path = std::getenv("FANIN_CIFAR10");
  if (path == nullptr) GTEST_SKIP() << "FANIN_CIFAR10 does not name an archive of CIFAR-10 JPEG files";
  ImportReport report;
  const Dataset d = import_dataset(path, {}, &report);
  EXPECT_EQ(d.train.size(), 50'000);
  EXPECT_EQ(d.test.size(), 10'000);
  EXPECT_EQ(report.corrupt, 0);
  EXPECT_EQ(d.class_names, (std::vector<std::string>{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog",
                                                     "horse", "ship", "truck"}));
  std::vector<int> counts(10);
  for (const std::int32_t label : d.test.labels) ++counts[static_cast<std::size_t>(label)];
  EXPECT_EQ(counts, std::vector<int>(10, 1000));
  // Known to four digits from another decoder.
  const double mean[] = {0.4913, 0.4821, 0.4465}, std[] = {0.2452, 0.2428, 0.2606};
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_NEAR(d.mean[c], mean[c], 5.1e-5);
    EXPECT_NEAR(d.std[c], std[c], 5.1e-5);
  }
}

}  // namespace
}  // namespace fanin
