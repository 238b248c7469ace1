// SPDX-License-Identifier: MIT
#include "data/cifar.h"

#include "data/import.h"
#include "tests/data/fixtures.h"

namespace fanin {
namespace {

using namespace testing_data;

struct Parsed {
  std::vector<std::uint8_t> pixels;
  std::vector<std::int32_t> labels;
};

Parsed parse(CifarFormat format, const Bytes& bytes) {
  Parsed p;
  parse_cifar(format, bytes, "batch.bin", p.pixels, p.labels);
  return p;
}

TEST(Cifar, PlanesBecomePixels) {
  Bytes file;
  append_record(file, {3}, 10);
  append_record(file, {9}, 77);
  const Parsed p = parse(CifarFormat::cifar10, file);
  EXPECT_EQ(p.labels, (std::vector<std::int32_t>{3, 9}));
  ASSERT_EQ(p.pixels.size(), 2u * 3072);
  for (const std::size_t image : {0u, 1u}) {
    for (const std::size_t pixel : {0u, 1u, 31u, 32u, 1023u}) {
      for (const std::size_t channel : {0u, 1u, 2u}) {
        EXPECT_EQ(p.pixels[image * 3072 + pixel * 3 + channel],
                  static_cast<std::uint8_t>(file[image * 3073 + 1 + channel * 1024 + pixel]));
      }
    }
  }
}

TEST(Cifar, HundredUsesTheFineLabel) {
  Bytes file;
  append_record(file, {19, 99}, 1);
  const Parsed p = parse(CifarFormat::cifar100, file);
  EXPECT_EQ(p.labels, (std::vector<std::int32_t>{99}));
  EXPECT_EQ(p.pixels[1], static_cast<std::uint8_t>(file[2 + 1024]));
}

TEST(Cifar, WrongSizesAreNamed) {
  Bytes file;
  append_record(file, {3}, 10);
  append_record(file, {4}, 10);
  file.pop_back();
  const std::string message = error_of(ErrorKind::input, [&] { parse(CifarFormat::cifar10, file); });
  EXPECT_MENTIONS(message, "batch.bin: 6145 bytes");
  EXPECT_MENTIONS(message, "byte 3073");
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { parse(CifarFormat::cifar10, {}); }), "0 bytes");
}

TEST(Cifar, LabelsOutOfRangeGiveTheByte) {
  Bytes ten;
  append_record(ten, {3}, 10);
  append_record(ten, {10}, 10);
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { parse(CifarFormat::cifar10, ten); }),
                  "label 10 at byte 3073 (image 1)");
  Bytes hundred;
  append_record(hundred, {3, 100}, 10);
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { parse(CifarFormat::cifar100, hundred); }), "label 100 at byte 1");
}

Path cifar10_folder(int records) {
  const Path folder = scratch_folder("cifar-10-batches-bin");
  for (int batch = 1; batch <= 6; ++batch) {
    Bytes file;
    for (int i = 0; i < records; ++i) append_record(file, {(batch + i) % 10}, batch * 16 + i);
    write_file(folder / (batch == 6 ? "test_batch.bin" : "data_batch_" + std::to_string(batch) + ".bin"), file);
  }
  write_file(folder / "batches.meta.txt", bytes_of("p\nq\nr\ns\nt\nu\nv\nw\nx\r\ny\n\n"));
  return folder;
}

TEST(Cifar, ReadsAFolder) {
  const Path folder = cifar10_folder(3);
  ImportReport report;
  const Dataset d = import_dataset(folder, {}, &report);
  EXPECT_EQ(d.name, "cifar10");
  EXPECT_EQ(d.train.size(), 15);
  EXPECT_EQ(d.test.size(), 3);
  EXPECT_EQ(d.class_names.front(), "p");
  EXPECT_EQ(d.class_names[8], "x");
  EXPECT_EQ(d.train.labels[0], 1);
  EXPECT_EQ(d.train.labels[3], 2);  // batches are in their order
  EXPECT_EQ(d.test.labels[0], 6);
  ASSERT_EQ(report.notes.size(), 1u);
  EXPECT_MENTIONS(report.notes[0], "15 training and 3 test images, where CIFAR-10 has 50000 and 10000");
}

TEST(Cifar, ReadsTheHundredFromATar) {
  Bytes train, test;
  std::string names;
  for (int i = 0; i < 100; ++i) {
    append_record(train, {0, i}, i);
    names += "fine" + std::to_string(i) + "\n";
  }
  append_record(test, {1, 42}, 5);
  const Path tar = scratch_folder("t") / "cifar-100-binary.tar.gz";
  write_tar(tar, {{"cifar-100-binary/train.bin", train},
                  {"cifar-100-binary/test.bin", test},
                  {"cifar-100-binary/fine_label_names.txt", bytes_of(names)},
                  {"cifar-100-binary/coarse_label_names.txt", bytes_of("c\n")}});
  const Dataset d = import_dataset(tar);
  EXPECT_EQ(d.name, "cifar100");
  EXPECT_EQ(d.classes(), 100);
  EXPECT_EQ(d.class_names[42], "fine42");
  EXPECT_EQ(d.test.labels[0], 42);
}

TEST(Cifar, MissingAndMixedFilesAreErrors) {
  const Path folder = cifar10_folder(2);
  std::filesystem::remove(folder / "data_batch_4.bin");
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { import_dataset(folder); }), "data_batch_4.bin is missing");
  write_file(folder / "train.bin", {});
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { import_dataset(folder); }), "both CIFAR-10 and CIFAR-100");
}

TEST(Cifar, TwoCopiesAndWrongNamesAreErrors) {
  const Path folder = cifar10_folder(2);
  write_file(folder / "batches.meta.txt", bytes_of("p\nq\n"));
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { import_dataset(folder); }), "2 class names instead of 10");
  write_file(folder / "again" / "test_batch.bin", {});
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { import_dataset(folder); }),
                  "a second file of the name test_batch.bin");
}

TEST(Cifar, CanBeShrunk) {
  const Dataset d = import_dataset(cifar10_folder(2), {.size = 8});
  EXPECT_EQ(d.image, (Shape{1, 8, 8, 3}));
  EXPECT_EQ(d.train.pixels.size(), 10u * 192);
}

TEST(Cifar, ThePythonVersionIsRecognized) {
  const Path folder = scratch_folder("cifar-10-batches-py");
  write_file(folder / "data_batch_1", bytes_of("pickle"));
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { import_dataset(folder); }), "Python version of CIFAR");
}

}  // namespace
}  // namespace fanin
