// Resampling with a tent filter, per axis. Output pixel i is the weighted mean of the input pixels around
// (i + 1/2) * in / out - 1/2, with a tent of half-width max(1, in / out): bilinear interpolation when enlarging, a
// smooth area mean when shrinking, so that nothing aliases. Weights are rounded to 1/16384 and sums are integers: the
// same bytes everywhere.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>

namespace fanin {

// (height, width, channels) bytes to (out_height, out_width, channels). Throws ErrorKind::shape unless sizes fit.
void resize(std::span<const std::uint8_t> bytes, int height, int width, int channels, int out_height, int out_width,
            std::span<std::uint8_t> out);

}  // namespace fanin
