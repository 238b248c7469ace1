// Where `--data` leads: the built-in synthetic set, a cache file, or a folder.
// SPDX-License-Identifier: MIT
#pragma once

#include "data/dataset.h"

#include <string_view>

namespace fanin {

// "synthetic", "synthetic:train=2000,test=1000,seed=7", a cache written by `fanin data import`, a folder of CIFAR binary files, or an
// image folder. Throws ErrorKind::usage or ErrorKind::input.
Dataset open_dataset(std::string_view spec);

// Keeps the first `train_size` training images of a seeded, class-balanced choice (0: all), and moves `validation` of them from training to
// testing in place of the test split (0: keep the test split). Same seed, same choice.
Dataset select(const Dataset& dataset, int train_size, int validation, std::uint64_t seed);

}  // namespace fanin
