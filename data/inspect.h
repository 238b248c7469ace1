// Looking at a data set before trusting it: a contact sheet and a count of duplicate images.
// SPDX-License-Identifier: MIT
#pragma once

#include "data/dataset.h"

namespace fanin {

struct ContactSheet {
  int height = 0, width = 0;
  std::vector<std::uint8_t> pixels;  // (height, width, 3)
};
// One row a class with its first `columns` training images, on white. Throws ErrorKind::usage unless images have 1 or 3
// channels.
ContactSheet contact_sheet(const Dataset& dataset, int columns = 16);

struct Duplicates {
  int in_train = 0;  // training images equal to an earlier training image
  int in_test = 0;   // test images equal to an earlier test image
  int test_also_in_train = 0;
};
Duplicates count_duplicates(const Dataset& dataset);  // equal 64-bit hashes of the pixels

}  // namespace fanin
