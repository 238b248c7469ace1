// SPDX-License-Identifier: MIT
#include "data/image_folder.h"

#include "core/check.h"
#include "core/tensor/parallel.h"
#include "data/resize.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace {

// A hostile file may claim little and unpack to gigabytes, so stb_image gets its memory here.
thread_local std::size_t largest_allocation = 0;
void* limited_malloc(std::size_t size) { return size <= largest_allocation ? std::malloc(size) : nullptr; }
void* limited_realloc(void* p, std::size_t size) { return size <= largest_allocation ? std::realloc(p, size) : nullptr; }

}  // namespace

#define STBI_MALLOC(size) limited_malloc(size)
#define STBI_REALLOC(p, size) limited_realloc(p, size)
#define STBI_FREE(p) std::free(p)
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_NO_SIMD  // the fast paths round colours differently
#define STBI_MAX_DIMENSIONS 8192
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb_image.h>
#include <stb_image_write.h>
#pragma GCC diagnostic pop

namespace fanin {

namespace {

constexpr std::size_t kLargestFile = 64u << 20;     // bytes of one PNG or JPEG
constexpr std::size_t kGroupBytes = 32u << 20, kGroupImages = 256;  // encoded images decoded together
constexpr std::size_t kLargestUnresized = 1024 * 1024;               // pixels; a group then needs 768 MB at worst
constexpr std::size_t kLargestSet = std::size_t{16} << 30;           // bytes of decoded pixels

const std::uint8_t* as_bytes(std::span<const std::byte> b) { return reinterpret_cast<const std::uint8_t*>(b.data()); }

std::uint32_t big_endian(const std::uint8_t* p) {
  return std::uint32_t{p[0]} << 24 | std::uint32_t{p[1]} << 16 | std::uint32_t{p[2]} << 8 | p[3];
}

std::uint32_t crc32(const std::uint8_t* data, std::size_t size) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t n = 0; n < 256; ++n) {
      std::uint32_t c = n;
      for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0xedb88320u ^ (c >> 1) : c >> 1;
      t[n] = c;
    }
    return t;
  }();
  std::uint32_t crc = ~0u;
  for (std::size_t i = 0; i < size; ++i) crc = table[(crc ^ data[i]) & 255] ^ (crc >> 8);
  return ~crc;
}

// Null if the chunks of a PNG are whole up to IEND and their checksums match, else what is wrong.
const char* png_defect(const std::uint8_t* p, std::size_t size) {
  for (std::size_t at = 8; at + 12 <= size;) {
    const std::size_t length = big_endian(p + at);
    if (length > size - at - 12) return "truncated";
    if (crc32(p + at + 4, length + 4) != big_endian(p + at + 8 + length)) return "checksum mismatch";
    if (std::memcmp(p + at + 4, "IEND", 4) == 0) return nullptr;
    at += length + 12;
  }
  return "truncated";
}

// Null if an end marker follows the start of the scan: within a scan, 0xff 0xd9 can be nothing else.
const char* jpeg_defect(const std::uint8_t* p, std::size_t size) {
  std::size_t at = 2;
  while (at + 4 <= size && p[at] == 0xff && p[at + 1] != 0xda) {
    at += p[at + 1] == 0xff ? 1 : 2 + (std::size_t{p[at + 2]} << 8 | p[at + 3]);
  }
  for (; at + 2 <= size; ++at) {
    if (p[at] == 0xff && p[at + 1] == 0xd9) return nullptr;
  }
  return "truncated";
}

const char* defect_of(const std::uint8_t* p, std::size_t size) {
  static constexpr std::uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  if (size >= sizeof png && std::memcmp(p, png, sizeof png) == 0) return png_defect(p, size);
  if (size >= 2 && p[0] == 0xff && p[1] == 0xd8) return jpeg_defect(p, size);
  return size == 0 ? "empty file" : "neither PNG nor JPEG";
}

}  // namespace

DecodedImage decode_image(std::span<const std::byte> file, const std::string& source, std::size_t largest_pixels) {
  FANIN_CHECK(file.size() <= kLargestFile, input, "{}: an image file of {} bytes; at most {} are read", source, file.size(),
              kLargestFile);
  const char* defect = defect_of(as_bytes(file), file.size());
  FANIN_CHECK(defect == nullptr, input, "{}: not a readable image ({})", source, defect);
  const int size = static_cast<int>(file.size());
  DecodedImage image;
  int channels = 0;
  largest_allocation = 1u << 20;  // for the headers
  const int known = stbi_info_from_memory(as_bytes(file), size, &image.width, &image.height, &channels);
  FANIN_CHECK(known != 0, input, "{}: not a readable image ({})", source, stbi_failure_reason());
  const std::size_t pixels = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  FANIN_CHECK(pixels <= largest_pixels, input, "{}: {}x{} pixels; at most {} in all are read here", source, image.height,
              image.width, largest_pixels);
  largest_allocation = pixels * 16 + (1u << 20);  // 16-bit RGBA is 8 bytes a pixel; JPEG rounds sides up to whole blocks
  const std::unique_ptr<stbi_uc, decltype(&std::free)> decoded(
      stbi_load_from_memory(as_bytes(file), size, &image.width, &image.height, &channels, 3), std::free);
  FANIN_CHECK(decoded != nullptr, input, "{}: not a readable image ({})", source, stbi_failure_reason());
  image.pixels.assign(decoded.get(), decoded.get() + pixels * 3);
  return image;
}

std::vector<std::byte> encode_png(std::span<const std::uint8_t> pixels, int height, int width) {
  int size = 0;
  const std::unique_ptr<unsigned char, decltype(&std::free)> png(
      stbi_write_png_to_mem(pixels.data(), 3 * width, width, height, 3, &size), std::free);
  FANIN_CHECK(png != nullptr, memory, "no memory to encode a {}x{} PNG", height, width);
  const std::byte* first = reinterpret_cast<const std::byte*>(png.get());
  return {first, first + size};
}

void ImageFolder::add(const std::string& name, std::span<const std::byte> bytes) {
  waiting_.push_back({name, {bytes.begin(), bytes.end()}});
  waiting_bytes_ += bytes.size();
  if (waiting_.size() >= kGroupImages || waiting_bytes_ >= kGroupBytes) decode_waiting();
}

void ImageFolder::decode_waiting() {
  std::vector<DecodedImage> decoded(waiting_.size());
  std::vector<std::string> errors(waiting_.size());
  parallel_for(static_cast<int>(waiting_.size()), [&](int i) {
    const std::size_t k = static_cast<std::size_t>(i);
    try {
      DecodedImage image = decode_image(waiting_[k].bytes, source_ + "/" + waiting_[k].name,
                                        options_.size > 0 ? kLargestPhoto : kLargestUnresized);
      if (options_.size > 0 && (image.height != options_.size || image.width != options_.size)) {
        DecodedImage small{options_.size, options_.size, {}};
        small.pixels.resize(static_cast<std::size_t>(3 * options_.size * options_.size));
        resize(image.pixels, image.height, image.width, 3, options_.size, options_.size, small.pixels);
        image = std::move(small);
      }
      decoded[k] = std::move(image);
    } catch (const std::bad_alloc&) {
      errors[k] = source_ + "/" + waiting_[k].name + ": not enough memory to decode it";
    } catch (const std::exception& error) {
      errors[k] = error.what();
    }
  });
  for (std::size_t k = 0; k < waiting_.size(); ++k) {
    if (errors[k].empty()) {
      keep(waiting_[k].name, decoded[k]);
      continue;
    }
    FANIN_CHECK(!options_.strict, input, "{}", errors[k]);
    if (++corrupt_ <= 10) examples_.push_back(errors[k]);
  }
  waiting_.clear();
  waiting_bytes_ = 0;
}

void ImageFolder::keep(const std::string& name, const DecodedImage& image) {
  if (images_.empty()) {
    height_ = image.height;
    width_ = image.width;
    first_name_ = name;
  }
  FANIN_CHECK(image.height == height_ && image.width == width_, input,
              "{}/{} has {}x{} pixels but {} has {}x{}; resize all with --size N", source_, name, image.height, image.width,
              first_name_, height_, width_);
  FANIN_CHECK(pixels_.size() + image.pixels.size() <= kLargestSet, memory,
              "{}: the images need more than {} bytes decoded; give a smaller --size", source_, kLargestSet);
  images_.push_back({name, pixels_.size()});
  pixels_.insert(pixels_.end(), image.pixels.begin(), image.pixels.end());
}

void ImageFolder::sort_by_name() {
  std::stable_sort(images_.begin(), images_.end(), [](const Image& a, const Image& b) { return a.name < b.name; });
  std::vector<Image> unique;
  for (Image& image : images_) {  // of two members with one name the later counts, as when unpacking
    if (!unique.empty() && unique.back().name == image.name) unique.pop_back();
    unique.push_back(std::move(image));
  }
  images_ = std::move(unique);
}

DatasetParts ImageFolder::finish() {
  decode_waiting();
  sort_by_name();
  std::vector<std::string> names;
  for (const Image& image : images_) names.push_back(image.name);
  ClassFolders folders = sort_into_classes(names, options_.split_seed);
  split_was_drawn_ = folders.split_was_drawn;
  FANIN_CHECK(folders.class_names.size() >= 2, input,
              "{}: {} readable images ({} corrupt) in {} class folders; expected train/<class>/*.png and test/<class>/*.png, or "
              "<class>/*.png with at least 2 classes", source_, images_.size(), corrupt_, folders.class_names.size());
  DatasetParts parts;
  parts.image = {1, height_, width_, 3};
  parts.class_names = std::move(folders.class_names);
  for (std::size_t i = 0; i < images_.size(); ++i) {
    const ClassFolders::File file = folders.files[i];
    if (file.label < 0) {
      ++outside_;
      continue;
    }
    std::vector<std::uint8_t>& pixels = file.test ? parts.test_pixels : parts.train_pixels;
    const auto begin = pixels_.begin() + static_cast<std::ptrdiff_t>(images_[i].offset);
    pixels.insert(pixels.end(), begin, begin + static_cast<std::ptrdiff_t>(parts.image.size()));
    (file.test ? parts.test_labels : parts.train_labels).push_back(file.label);
  }
  std::vector<bool> trained(parts.class_names.size());
  for (const std::int32_t label : parts.train_labels) trained[static_cast<std::size_t>(label)] = true;
  for (std::size_t k = 0; k < trained.size(); ++k) {
    FANIN_CHECK(trained[k], input, "{}: class \"{}\" has no training image; give it a folder in train/", source_,
                parts.class_names[k]);
  }
  return parts;
}

}  // namespace fanin
