// SPDX-License-Identifier: MIT
#include "layers/pool.h"

#include "core/check.h"
#include "core/kernels/transform.h"
#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

#include <memory>

namespace fanin {

namespace {

std::size_t pixel_index(const Shape& s, int n, int h, int w) {
  return (static_cast<std::size_t>(n) * static_cast<std::size_t>(s.height) + static_cast<std::size_t>(h)) *
             static_cast<std::size_t>(s.width) +
         static_cast<std::size_t>(w);
}

// Mean over the pixels of one image of the value that x is read as.
void transformed_mean(ConstView x, const InputTransform& t, float* mean) {
  for_lanes(x.shape.channels, [&](int first, auto lanes) {
    using V = decltype(lanes);
    const LanesTransform<V> value(t, first);
    V sum = {};
    for (std::size_t p = 0; p < x.shape.pixels(); ++p) sum += value(load_lanes<V>(x.pixel(p) + first));
    store_lanes<V>(sum / static_cast<float>(x.shape.pixels()), mean + first);
  });
}

void clear_if(Write write, View dx) {
  if (write == Write::overwrite) as_matrix(dx).setZero();
}

class WindowPool : public Layer {
 public:
  WindowPool(const char* kind, const PoolOptions& o)
      : kind_(kind), kernel_(o.kernel), stride_(o.stride == 0 ? o.kernel : o.stride) {
    FANIN_CHECK(kernel_ > 0 && stride_ > 0, shape, "{} with kernel {} and stride {}; both must be at least 1", kind,
                kernel_, stride_);
  }
  std::string describe() const override { return fmt::format("{0} {1}x{1} /{2}", kind_, kernel_, stride_); }
  Shape output_shape(const Shape& x) const override {
    FANIN_CHECK(x.height >= kernel_ && x.width >= kernel_, shape,
                "a window of {0}x{0} does not fit into {1}x{2} pixels; use a larger image or a smaller kernel", kernel_,
                x.height, x.width);
    return {x.images, (x.height - kernel_) / stride_ + 1, (x.width - kernel_) / stride_ + 1, x.channels};
  }

 protected:
  // Calls fn(output pixel, window) for every window of image n; window(i, j) is the index of an input pixel.
  template <class Fn>
  void for_each_window(const Shape& x, const Shape& y, int n, Fn&& fn) const {
    for (int h = 0; h < y.height; ++h)
      for (int w = 0; w < y.width; ++w)
        fn(pixel_index(y, n, h, w), [&](int i, int j) { return pixel_index(x, n, h * stride_ + i, w * stride_ + j); });
  }
  template <class Fn>
  void for_each_tap(Fn&& fn) const {
    for (int i = 0; i < kernel_; ++i)
      for (int j = 0; j < kernel_; ++j) fn(i, j);
  }

  const char* const kind_;
  const int kernel_, stride_;
};

class AveragePool : public WindowPool {
 public:
  explicit AveragePool(const PoolOptions& o)
      : WindowPool("average_pool", o), share_(1.0f / static_cast<float>(kernel_ * kernel_)) {}
  BackwardNeeds needs() const override { return {}; }
  Offers offers() const override { return {.transformed_input = true}; }

  void forward(ConstView x, View y, const Pass& pass) override {
    if (!pass.transform.identity()) return forward_transformed(x, pass.transform, y);
    const int channels = x.shape.channels;
    parallel_for(x.shape.images, [&](int n) {
      for_each_window(x.shape, y.shape, n, [&](std::size_t out, auto window) {
        VectorMap sum(y.pixel(out), channels);
        sum.setZero();
        for_each_tap([&](int i, int j) { sum += ConstVectorMap(x.pixel(window(i, j)), channels); });
        sum *= share_;
      });
    });
  }

  void backward(ConstView, ConstView, ConstView dy, View dx, Write write, const Pass& pass) override {
    if (dx.data == nullptr) return;
    const int channels = dx.shape.channels;
    parallel_for(dx.shape.images, [&](int n) {
      clear_if(write, dx.images(n, 1));
      for_each_window(dx.shape, dy.shape, n, [&](std::size_t out, auto window) {
        const ConstVectorMap gradient(dy.pixel(out), channels);
        for_each_tap([&](int i, int j) { VectorMap(dx.pixel(window(i, j)), channels) += share_ * gradient; });
      });
      finish_gradient(dx.images(n, 1), n, pass.backward_epilogue);
    });
  }

 private:
  void forward_transformed(ConstView x, const InputTransform& t, View y) const {
    parallel_for(x.shape.images, [&](int n) {
      for_each_window(x.shape, y.shape, n, [&](std::size_t out, auto window) {
        for_lanes(x.shape.channels, [&](int first, auto lanes) {
          using V = decltype(lanes);
          const LanesTransform<V> value(t, first);
          V sum = {};
          for_each_tap([&](int i, int j) { sum += value(load_lanes<V>(x.pixel(window(i, j)) + first)); });
          store_lanes<V>(sum * share_, y.pixel(out) + first);
        });
      });
    });
  }

  const float share_;
};

class MaxPool : public WindowPool {
 public:
  explicit MaxPool(const PoolOptions& o) : WindowPool("max_pool", o) {}
  BackwardNeeds needs() const override { return {.input = true}; }

  void forward(ConstView x, View y, const Pass&) override {
    parallel_for(x.shape.images, [&](int n) {
      for_each_window(x.shape, y.shape, n, [&](std::size_t out, auto window) {
        for (int c = 0; c < x.shape.channels; ++c) y.pixel(out)[c] = x.pixel(argmax(x, window, c))[c];
      });
    });
  }

  void backward(ConstView x, ConstView, ConstView dy, View dx, Write write, const Pass&) override {
    if (dx.data == nullptr) return;
    parallel_for(dx.shape.images, [&](int n) {
      clear_if(write, dx.images(n, 1));
      for_each_window(dx.shape, dy.shape, n, [&](std::size_t out, auto window) {
        for (int c = 0; c < x.shape.channels; ++c) dx.pixel(argmax(x, window, c))[c] += dy.pixel(out)[c];
      });
    });
  }

 private:
  template <class Window>
  std::size_t argmax(ConstView x, Window window, int c) const {
    std::size_t best = window(0, 0);
    for_each_tap([&](int i, int j) {
      const std::size_t candidate = window(i, j);
      const float value = x.pixel(candidate)[c];
      if (value > x.pixel(best)[c] || value != value) best = candidate;  // a NaN wins, so that it is seen
    });
    return best;
  }
};

class GlobalAveragePool : public Layer {
 public:
  std::string describe() const override { return "global_average_pool"; }
  Shape output_shape(const Shape& x) const override { return {x.images, 1, 1, x.channels}; }
  BackwardNeeds needs() const override { return {}; }
  Offers offers() const override { return {.transformed_input = true}; }

  void forward(ConstView x, View y, const Pass& pass) override {
    if (pass.transform.identity())
      return parallel_for(x.shape.images,
                          [&](int n) { as_matrix(y.images(n, 1)) = as_matrix(x.images(n, 1)).colwise().mean(); });
    parallel_for(x.shape.images, [&](int n) { transformed_mean(x.images(n, 1), pass.transform, y.images(n, 1).data); });
  }

  void backward(ConstView, ConstView, ConstView dy, View dx, Write write, const Pass& pass) override {
    if (dx.data == nullptr) return;
    const float share = 1.0f / static_cast<float>(dx.shape.height * dx.shape.width);
    parallel_for(dx.shape.images, [&](int n) {
      clear_if(write, dx.images(n, 1));
      const ConstVectorMap gradient(dy.pixel(static_cast<std::size_t>(n)), dx.shape.channels);
      const View image = dx.images(n, 1);
      for (std::size_t p = 0; p < image.shape.pixels(); ++p)
        VectorMap(image.pixel(p), image.shape.channels) += share * gradient;
      finish_gradient(image, n, pass.backward_epilogue);
    });
  }
};

class Flatten : public Layer {
 public:
  std::string describe() const override { return "flatten"; }
  Shape output_shape(const Shape& x) const override { return {x.images, 1, 1, x.height * x.width * x.channels}; }
  BackwardNeeds needs() const override { return {}; }

  void forward(ConstView x, View y, const Pass&) override {
    parallel_for(x.shape.images, [&](int n) { as_matrix(rows_of(y, n, x.shape)) = as_matrix(x.images(n, 1)); });
  }

  void backward(ConstView, ConstView, ConstView dy, View dx, Write write, const Pass&) override {
    if (dx.data == nullptr) return;
    parallel_for(dx.shape.images, [&](int n) {
      clear_if(write, dx.images(n, 1));
      as_matrix(dx.images(n, 1)) += as_matrix(rows_of(dy, n, dx.shape));
    });
  }

 private:
  // Row n of the flat matrix as the image that it was.
  template <class AnyView>
  static AnyView rows_of(AnyView flat, int n, const Shape& image) {
    return {flat.pixel(static_cast<std::size_t>(n)), image.with_images(1), image.channels};
  }
};

}  // namespace

Node average_pool(Network& net, const std::string& name, Node x, const PoolOptions& options) {
  return net.add(name, std::make_unique<AveragePool>(options), x);
}
Node max_pool(Network& net, const std::string& name, Node x, const PoolOptions& options) {
  return net.add(name, std::make_unique<MaxPool>(options), x);
}
Node global_average_pool(Network& net, const std::string& name, Node x) {
  return net.add(name, std::make_unique<GlobalAveragePool>(), x);
}
Node flatten(Network& net, const std::string& name, Node x) { return net.add(name, std::make_unique<Flatten>(), x); }

}  // namespace fanin
