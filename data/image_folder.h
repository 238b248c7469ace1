// Class folders of PNG and JPEG files as a data set: see class_folders.h for the layouts. Corrupt files are named and
// counted.
// SPDX-License-Identifier: MIT
#pragma once

#include "data/class_folders.h"
#include "data/dataset.h"
#include "data/image_file.h"

#include <cstddef>

namespace fanin {

struct ImageFolderOptions {
  int size = 0;         // resize to size x size; 0: all images must have one size
  bool strict = false;  // a corrupt image is an error instead of being skipped
  std::uint64_t split_seed = 0;
};

// Collects images in any order, decodes them in groups on all threads, and sorts them by name at the end.
class ImageFolder {
 public:
  ImageFolder(std::string source, ImageFolderOptions options) : source_(std::move(source)), options_(options) {}
  void add(const std::string& name, std::span<const std::byte> bytes);
  bool empty() const { return images_.empty() && waiting_.empty() && corrupt_ == 0; }
  DatasetParts finish();  // throws ErrorKind::input

  int corrupt() const { return corrupt_; }
  const std::vector<std::string>& corrupt_examples() const { return examples_; }  // the first ten, with reasons
  int outside() const { return outside_; }                                        // images in no class folder
  bool split_was_drawn() const { return split_was_drawn_; }

 private:
  struct Image {
    std::string name;
    std::size_t offset = 0;  // into pixels_
  };
  struct Encoded {
    std::string name;
    std::vector<std::byte> bytes;
  };
  void decode_waiting();
  void keep(const std::string& name, const DecodedImage& image);
  void sort_by_name();

  std::string source_;
  ImageFolderOptions options_;
  int height_ = 0, width_ = 0;
  std::string first_name_;  // where height_ and width_ come from
  std::vector<Image> images_;
  std::vector<std::uint8_t> pixels_;
  std::vector<Encoded> waiting_;
  std::size_t waiting_bytes_ = 0;
  int corrupt_ = 0, outside_ = 0;
  std::vector<std::string> examples_;
  bool split_was_drawn_ = false;
};

}  // namespace fanin
