// What a network at birth looks like: the filters of its first convolution, and what its layers make of one image.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/birth.h"
#include "apps/study/figure.h"
#include "apps/study/text.h"

namespace fanin {

struct BirthPictures {
  std::vector<Tile> filters;  // of the first convolution that reads 1 or 3 channels, the first kMostFilters; or empty
  std::vector<Tile> maps;     // the image, then the first channels of some layers from input to output
};

inline constexpr int kMostFilters = 24, kMapLayers = 6, kMapChannels = 4;

// Of the weights that the network has, and the batch's first image among the others, in training mode.
BirthPictures birth_pictures(Network& net, const KeptBatch& batch, Language language = Language::en);

}  // namespace fanin
