// The register tiles of micro.h in words, for ConvCandidate::tile.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/conv2d.h"

#include <string>

namespace fanin {

// "8px x 2v": pixels by vectors of the result's channels; "8ch x 2v" for weight gradients: input channels by vectors of
// output channels. Two of them where the channels need panels of two widths. Narrow groups count as merged (Grouping).
std::string register_tile(const Conv2d& c, ConvProduct product);

}  // namespace fanin
