// SPDX-License-Identifier: MIT
#include "data/image_folder.h"

#include "core/check.h"
#include "core/tensor/parallel.h"
#include "data/resize.h"

#include <algorithm>
#include <new>

namespace fanin {

namespace {

constexpr std::size_t kGroupBytes = 32u << 20, kGroupImages = 256;  // encoded images decoded together
constexpr std::size_t kLargestUnresized = 1024 * 1024;              // pixels; a group then needs 768 MB at worst
constexpr std::size_t kLargestSet = std::size_t{16} << 30;          // bytes of decoded pixels

}  // namespace

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
    FANIN_CHECK(!options_.strict, input, "{}; remove it, or let `fanin data import` without --strict skip it",
                errors[k]);
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
              "{}/{} has {}x{} pixels but {} has {}x{}; resize all with --size N", source_, name, image.height,
              image.width, first_name_, height_, width_);
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
              "{}: {} readable images ({} corrupt) in {} class folders; expected train/<class>/*.png and "
              "test/<class>/*.png, or "
              "<class>/*.png with at least 2 classes",
              source_, images_.size(), corrupt_, folders.class_names.size());
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
