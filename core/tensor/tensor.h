// A Tensor owns aligned memory; a View borrows it. Both are (pixels x channels) matrices with a pixel stride, so a
// range of channels or of images is again a view and costs nothing: that is how concatenation and blocking work here.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/tensor/shape.h"

#include <memory>
#include <span>

namespace fanin {

struct ConstView {
  const float* data = nullptr;
  Shape shape;
  std::ptrdiff_t stride = 0;  // floats from one pixel to the next, >= shape.channels

  ConstView channels(int first, int count) const;
  ConstView images(int first, int count) const;
  const float* pixel(std::size_t index) const { return data + static_cast<std::ptrdiff_t>(index) * stride; }
};

struct View {
  float* data = nullptr;
  Shape shape;
  std::ptrdiff_t stride = 0;

  View channels(int first, int count) const;
  View images(int first, int count) const;
  float* pixel(std::size_t index) const { return data + static_cast<std::ptrdiff_t>(index) * stride; }
  operator ConstView() const { return {data, shape, stride}; }
};

// Zero-filled floats on a 64-byte boundary.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t floats);  // throws ErrorKind::memory, naming the bytes
  float* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::span<float> span() const { return {data_.get(), size_}; }

 private:
  struct Free {
    void operator()(float* p) const;
  };
  std::unique_ptr<float[], Free> data_;
  std::size_t size_ = 0;
};

class Tensor {
 public:
  Tensor() = default;
  explicit Tensor(Shape shape, std::ptrdiff_t stride = 0);  // stride 0 means shape.channels
  View view() { return {buffer_.data(), shape_, stride_}; }
  ConstView view() const { return {buffer_.data(), shape_, stride_}; }
  const Shape& shape() const { return shape_; }

 private:
  Shape shape_;
  std::ptrdiff_t stride_ = 0;
  Buffer buffer_;
};

void copy(ConstView from, View to);        // shapes must be equal
void accumulate(ConstView from, View to);  // to += from
void fill(View view, float value);

}  // namespace fanin
