// Where `--data` leads: the built-in synthetic set, a cache file, or a folder.
// SPDX-License-Identifier: MIT
#pragma once

#include "data/dataset.h"

#include <string_view>

namespace fanin {

// "synthetic", "synthetic:train=2000,test=1000,seed=7", a cache written by `fanin data import` ("cifar10" finds
// cifar10.fanin), or anything that can be imported: a folder or archive of CIFAR binary files or of class folders, read
// anew each time and with corrupt images as errors. Throws ErrorKind::usage or input.
Dataset open_dataset(std::string_view spec);
bool needs_import(std::string_view spec);  // an archive or folder, which is slow to open: worth a cache

struct Selection {
  int train_size = 0, validation = 0, test_size = 0;  // images; 0: all, none, all
};

// Takes `train_size` training images in a seeded order whose every beginning holds the classes in their proportions.
// The first `validation` of them replace the test split, the others are trained on. So the validation images do not
// depend on train_size. Without validation, `test_size` takes as many test images in such an order, the same ones for
// every seed. Names and normalization constants stay those of the whole set. Throws ErrorKind::usage.
Dataset select(const Dataset& dataset, const Selection& selection, std::uint64_t seed);

}  // namespace fanin
