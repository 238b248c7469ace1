// Windows over images as conv and the pools use them, on maps of one number per image and pixel. What lies outside an
// image is 0 and does not count.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/traits.h"
#include "core/tensor/shape.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace fanin {

struct Window {
  int height = 1, width = 1, stride = 1, padding = 0;
};

// Of a layer on images of `from`; a linear layer and everything else has a window of one pixel.
inline Window window_of(const Traits& t, const Shape& from) {
  if (t.kind == Traits::Kind::global_average || t.kind == Traits::Kind::flatten) return {from.height, from.width, 1, 0};
  return {t.kernel, t.kernel, t.stride, t.padding};
}

// Calls visit(index of the output pixel, index of an input pixel of its window, pixels of that window).
template <class Visit>
void for_windows(const Window& w, const Shape& from, const Shape& to, Visit&& visit) {
  std::size_t out = 0;
  for (int n = 0; n < to.images; ++n)
    for (int y = 0; y < to.height; ++y)
      for (int x = 0; x < to.width; ++x, ++out) {
        const int top = std::max(0, y * w.stride - w.padding), left = std::max(0, x * w.stride - w.padding);
        const int bottom = std::min(from.height, y * w.stride - w.padding + w.height);
        const int right = std::min(from.width, x * w.stride - w.padding + w.width);
        for (int r = top; r < bottom; ++r)
          for (int c = left; c < right; ++c)
            visit(out,
                  (static_cast<std::size_t>(n) * static_cast<std::size_t>(from.height) + static_cast<std::size_t>(r)) *
                          static_cast<std::size_t>(from.width) +
                      static_cast<std::size_t>(c),
                  (bottom - top) * (right - left));
      }
}

// Output: sum over the window of x / (pixels of the window)^power.
inline std::vector<double> gather(const Window& w, const std::vector<double>& x, const Shape& from, const Shape& to,
                                  int power = 0) {
  std::vector<double> y(to.pixels());
  for_windows(w, from, to,
              [&](std::size_t out, std::size_t in, int pixels) { y[out] += x[in] / std::pow(pixels, power); });
  return y;
}

// Its transpose: what `gather` takes from, `scatter` gives back to.
inline std::vector<double> scatter(const Window& w, const std::vector<double>& dy, const Shape& from, const Shape& to,
                                   int power = 0) {
  std::vector<double> dx(from.pixels());
  for_windows(w, from, to,
              [&](std::size_t out, std::size_t in, int pixels) { dx[in] += dy[out] / std::pow(pixels, power); });
  return dx;
}

// How often something that all pixels share arrives in the mean over an output, squared: the sum over the pixels of a
// window of (share of the outputs where that pixel lies inside the image)^2.
inline double shared_coverage(const Window& w, const Shape& from, const Shape& to) {
  const auto share = [&](int offset, int in, int out) {  // of the places along one side
    int inside = 0;
    for (int i = 0; i < out; ++i)
      inside += i * w.stride - w.padding + offset >= 0 && i * w.stride - w.padding + offset < in;
    return static_cast<double>(inside) / out;
  };
  double rows = 0.0, columns = 0.0;
  for (int r = 0; r < w.height; ++r) rows += std::pow(share(r, from.height, to.height), 2);
  for (int c = 0; c < w.width; ++c) columns += std::pow(share(c, from.width, to.width), 2);
  return rows * columns;
}

}  // namespace fanin
