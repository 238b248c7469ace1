// From what people have (the official tar.gz, a folder or tar of class folders, CIFAR's binary files) to a data set in
// memory.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/io/file.h"
#include "data/dataset.h"

#include <functional>

namespace fanin {

struct ImportOptions {
  std::string name = {};  // empty: cifar10, cifar100, or the name of the file or folder
  int size = 0;           // resize images to size x size; 0: as they are
  bool strict = false;    // a corrupt image is an error instead of being skipped
  std::uint64_t split_seed = 0;
  std::function<void(double fraction)> progress = {};
};

struct ImportReport {
  int corrupt = 0;                         // skipped
  std::vector<std::string> corrupt_names;  // the first ten, with reasons
  std::vector<std::string> notes;          // what a person should know
};

// Throws ErrorKind::input or usage.
Dataset import_dataset(const io::Path& path, const ImportOptions& options = {}, ImportReport* report = nullptr);

}  // namespace fanin
