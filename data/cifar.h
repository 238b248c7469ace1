// The binary files of CIFAR-10 and CIFAR-100 (Krizhevsky 2009). A record is
//   CIFAR-10:  label, then 1024 red, 1024 green, 1024 blue bytes, each plane 32 x 32 row by row;   3073 bytes
//   CIFAR-100: coarse label, fine label, then the same planes;                                     3074 bytes
// Images become (32, 32, 3), labels the fine ones.
// SPDX-License-Identifier: MIT
#pragma once

#include "data/dataset.h"

#include <cstddef>
#include <map>
#include <string_view>

namespace fanin {

enum class CifarFormat { cifar10, cifar100 };

// Appends the records of one file. Throws ErrorKind::input, with the byte offset, for a size that is no whole number of
// records (or none) and for labels out of range.
void parse_cifar(CifarFormat format, std::span<const std::byte> bytes, const std::string& source,
                 std::vector<std::uint8_t>& pixels, std::vector<std::int32_t>& labels);

// Collects the members of a folder or archive that belong to either data set, whatever folder they are in.
class CifarFiles {
 public:
  static bool wanted(std::string_view name);  // data_batch_1.bin ... fine_label_names.txt
  void add(const std::string& name, std::span<const std::byte> bytes);
  bool empty() const { return files_.empty(); }

  // Throws ErrorKind::input if files are missing or malformed. `note` is filled when image counts are not the official
  // ones.
  DatasetParts finish(const std::string& source, std::string& note);

 private:
  void take(CifarFormat format, const std::string& file, const std::string& source, DatasetParts& parts, bool test);
  std::vector<std::string> class_names(CifarFormat format, const std::string& source) const;

  std::map<std::string, std::vector<std::byte>> files_;  // by file name without folders
};

}  // namespace fanin
