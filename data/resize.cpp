// SPDX-License-Identifier: MIT
#include "data/resize.h"

#include "core/check.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace fanin {

namespace {

constexpr std::int32_t kOne = 1 << 14;  // weights sum to this

struct Taps {
  int first = 0;
  std::vector<std::int32_t> weights;
};

std::vector<Taps> taps_for(int in, int out) {
  const double ratio = static_cast<double>(in) / out, half = std::max(1.0, ratio);
  std::vector<Taps> result(static_cast<std::size_t>(out));
  for (int i = 0; i < out; ++i) {
    const double centre = (i + 0.5) * ratio - 0.5;
    const int begin = std::max(0, static_cast<int>(std::ceil(centre - half)));
    const int end = std::min(in - 1, static_cast<int>(std::floor(centre + half)));
    std::vector<double> tent;
    double sum = 0;
    for (int j = begin; j <= end; ++j) {
      tent.push_back(std::max(0.0, half - std::abs(j - centre)));
      sum += tent.back();
    }
    Taps& taps = result[static_cast<std::size_t>(i)];
    taps.first = begin;
    std::int32_t left = kOne;
    for (const double weight : tent) {
      taps.weights.push_back(static_cast<std::int32_t>(std::lround(weight / sum * kOne)));
      left -= taps.weights.back();
    }
    *std::max_element(taps.weights.begin(), taps.weights.end()) += left;  // rounding must not change a constant image
  }
  return result;
}

// One axis: `in` lines of `length` values each, `step` apart, to one line per tap set.
void blend(const std::vector<Taps>& taps, const std::uint8_t* in, std::size_t step, std::size_t length,
           std::uint8_t* out) {
  for (const Taps& t : taps) {
    for (std::size_t k = 0; k < length; ++k) {
      const std::uint8_t* value = in + static_cast<std::size_t>(t.first) * step + k;
      std::int32_t sum = kOne / 2;
      for (std::size_t j = 0; j < t.weights.size(); ++j) sum += t.weights[j] * value[j * step];
      out[k] = static_cast<std::uint8_t>(std::clamp(sum / kOne, 0, 255));
    }
    out += length;
  }
}

}  // namespace

void resize(std::span<const std::uint8_t> bytes, int height, int width, int channels, int out_height, int out_width,
            std::span<std::uint8_t> out) {
  const bool positive = height > 0 && width > 0 && channels > 0 && out_height > 0 && out_width > 0;
  FANIN_CHECK(positive, shape, "cannot resize {}x{}x{} to {}x{}", height, width, channels, out_height, out_width);
  const std::size_t h = static_cast<std::size_t>(height), w = static_cast<std::size_t>(width);
  const std::size_t c = static_cast<std::size_t>(channels);
  const std::size_t oh = static_cast<std::size_t>(out_height), ow = static_cast<std::size_t>(out_width);
  FANIN_CHECK(bytes.size() == h * w * c && out.size() == oh * ow * c, shape,
              "resize {}x{}x{} to {}x{}: {} bytes in, {} out", h, w, c, oh, ow, bytes.size(), out.size());
  const std::vector<Taps> across = taps_for(width, out_width), down = taps_for(height, out_height);
  std::vector<std::uint8_t> rows(h * ow * c);  // resized across only
  for (std::size_t y = 0; y < h; ++y) blend(across, bytes.data() + y * w * c, c, c, rows.data() + y * ow * c);
  blend(down, rows.data(), ow * c, ow * c, out.data());
}

}  // namespace fanin
