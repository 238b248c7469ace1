// The two shapes of the house. Activations are N images of H x W pixels with C channels, channels last in memory.
// Weights are kernel row, kernel column, input channel of the group, output channel ("HWIO"), output channels
// contiguous.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace fanin {

struct Shape {
  int images = 0, height = 0, width = 0, channels = 0;

  std::size_t pixels() const {
    return static_cast<std::size_t>(images) * static_cast<std::size_t>(height) * static_cast<std::size_t>(width);
  }
  std::size_t size() const { return pixels() * static_cast<std::size_t>(channels); }
  Shape with_images(int count) const { return {count, height, width, channels}; }
  Shape with_channels(int count) const { return {images, height, width, count}; }
  bool operator==(const Shape&) const = default;
};

std::string to_string(const Shape& shape);  // "128x32x32x16"

// A weight knows its groups, so that a fan can be right (see init/fan.h).
struct WeightShape {
  int kernel_height = 1, kernel_width = 1;
  int in_per_group = 1, out_per_group = 1, groups = 1;
  int rank = 4;  // dimensions in a file: 4 convolution, 2 linear, 1 vector (bias, scale, shift)

  static WeightShape conv(int kernel, int in_channels, int out_channels, int groups) {
    return {kernel, kernel, in_channels / groups, out_channels / groups, groups, 4};
  }
  static WeightShape linear(int in, int out) { return {1, 1, in, out, 1, 2}; }
  static WeightShape vector(int size) { return {1, 1, 1, size, 1, 1}; }
  // A bias has one number an output, and the fans of its layer's weight.
  static WeightShape bias(const WeightShape& weight) {
    WeightShape shape = weight;
    shape.rank = 1;
    return shape;
  }

  int in_channels() const { return in_per_group * groups; }
  int out_channels() const { return out_per_group * groups; }
  int taps() const { return kernel_height * kernel_width; }
  std::size_t size() const {
    if (rank == 1) return static_cast<std::size_t>(out_channels());
    return static_cast<std::size_t>(taps()) * static_cast<std::size_t>(in_per_group) *
           static_cast<std::size_t>(out_channels());
  }
  // The dimensions that PyTorch gives this weight: (out, in / groups, kh, kw), (out, in) or (size).
  std::vector<std::size_t> file_dimensions() const;
  bool operator==(const WeightShape&) const = default;
};

// Calls visit(hwio_index, oihw_index) for every element: its place in memory and its place in a file.
template <class Visit>
void for_each_element(const WeightShape& s, Visit&& visit) {
  const std::size_t out = static_cast<std::size_t>(s.out_channels());
  const std::size_t in = s.rank == 1 ? 1 : static_cast<std::size_t>(s.in_per_group);
  const std::size_t taps = s.rank == 1 ? 1 : static_cast<std::size_t>(s.taps());
  for (std::size_t t = 0; t < taps; ++t)
    for (std::size_t i = 0; i < in; ++i)
      for (std::size_t o = 0; o < out; ++o) visit((t * in + i) * out + o, (o * in + i) * taps + t);
}

std::string to_string(const WeightShape& shape);  // "(16, 3, 3, 3)", as in a file

}  // namespace fanin
