// SPDX-License-Identifier: MIT
#include "layers/pool.h"

#include "core/check.h"
#include "core/kernels/transform.h"
#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

#include <algorithm>
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
      : kind_(kind), kernel_(o.kernel), stride_(o.stride == 0 ? o.kernel : o.stride), ceil_(o.ceil) {
    FANIN_CHECK(kernel_ > 0 && stride_ > 0, shape, "{} with kernel {} and stride {}; both must be at least 1", kind,
                kernel_, stride_);
  }
  std::string describe() const override {
    return fmt::format("{0} {1}x{1} /{2}{3}", kind_, kernel_, stride_, ceil_ ? " ceil" : "");
  }
  Traits traits() const override {
    return {.kind = kind_ == std::string_view("max_pool") ? Traits::Kind::max_pool : Traits::Kind::average_pool,
            .kernel = kernel_,
            .stride = stride_};
  }
  Shape output_shape(const Shape& x) const override {
    FANIN_CHECK(x.height >= kernel_ && x.width >= kernel_, shape,
                "a window of {0}x{0} does not fit into {1}x{2} pixels; use a larger image or a smaller kernel", kernel_,
                x.height, x.width);
    return {x.images, windows(x.height), windows(x.width), x.channels};
  }

 protected:
  // A window over the pixels of image n: rows [top, top + height), columns [left, left + width).
  struct Window {
    int n, top, left, height, width;
    float share() const { return 1.0f / static_cast<float>(height * width); }
  };

  template <class Fn>
  void for_each_window(const Shape& x, const Shape& y, int n, Fn&& fn) const {
    for (int h = 0; h < y.height; ++h)
      for (int w = 0; w < y.width; ++w) {
        const int top = h * stride_, left = w * stride_;
        fn(pixel_index(y, n, h, w),
           Window{n, top, left, std::min(kernel_, x.height - top), std::min(kernel_, x.width - left)});
      }
  }
  template <class Fn>  // fn(index of an input pixel)
  static void for_each_pixel(const Shape& x, const Window& window, Fn&& fn) {
    for (int i = 0; i < window.height; ++i)
      for (int j = 0; j < window.width; ++j) fn(pixel_index(x, window.n, window.top + i, window.left + j));
  }

  // Windows along one side. With ceil a last one may hang over, if it begins inside.
  int windows(int size) const {
    const int inside = (size - kernel_) / stride_ + 1;
    return inside + (ceil_ && (size - kernel_) % stride_ != 0 && inside * stride_ < size ? 1 : 0);
  }

  const char* const kind_;
  const int kernel_, stride_;
  const bool ceil_;
};

class AveragePool : public WindowPool {
 public:
  explicit AveragePool(const PoolOptions& o) : WindowPool("average_pool", o) {}
  BackwardNeeds needs() const override { return {}; }
  Offers offers() const override { return {.transformed_input = true}; }

  void forward(ConstView x, View y, const Pass& pass) override {
    if (!pass.transform.identity()) return forward_transformed(x, pass.transform, y);
    const int channels = x.shape.channels;
    parallel_for(x.shape.images, [&](int n) {
      for_each_window(x.shape, y.shape, n, [&](std::size_t out, const Window& window) {
        VectorMap sum(y.pixel(out), channels);
        sum.setZero();
        for_each_pixel(x.shape, window, [&](std::size_t p) { sum += ConstVectorMap(x.pixel(p), channels); });
        sum *= window.share();
      });
    });
  }

  void backward(ConstView, ConstView, ConstView dy, View dx, Write write, const Pass& pass) override {
    if (dx.data == nullptr) return;
    const int channels = dx.shape.channels;
    parallel_for(dx.shape.images, [&](int n) {
      clear_if(write, dx.images(n, 1));
      for_each_window(dx.shape, dy.shape, n, [&](std::size_t out, const Window& window) {
        const ConstVectorMap gradient(dy.pixel(out), channels);
        for_each_pixel(dx.shape, window,
                       [&](std::size_t p) { VectorMap(dx.pixel(p), channels) += window.share() * gradient; });
      });
      finish_gradient(dx.images(n, 1), n, pass.backward_epilogue);
    });
  }

 private:
  void forward_transformed(ConstView x, const InputTransform& t, View y) const {
    parallel_for(x.shape.images, [&](int n) {
      for_each_window(x.shape, y.shape, n, [&](std::size_t out, const Window& window) {
        for_lanes(x.shape.channels, [&](int first, auto lanes) {
          using V = decltype(lanes);
          const LanesTransform<V> value(t, first);
          V sum = {};
          for_each_pixel(x.shape, window, [&](std::size_t p) { sum += value(load_lanes<V>(x.pixel(p) + first)); });
          store_lanes<V>(sum * window.share(), y.pixel(out) + first);
        });
      });
    });
  }
};

class MaxPool : public WindowPool {
 public:
  explicit MaxPool(const PoolOptions& o) : WindowPool("max_pool", o) {}
  BackwardNeeds needs() const override { return {.input = true}; }

  void forward(ConstView x, View y, const Pass&) override {
    parallel_for(x.shape.images, [&](int n) {
      for_each_window(x.shape, y.shape, n, [&](std::size_t out, const Window& window) {
        for (int c = 0; c < x.shape.channels; ++c) y.pixel(out)[c] = x.pixel(argmax(x, window, c))[c];
      });
    });
  }

  void backward(ConstView x, ConstView, ConstView dy, View dx, Write write, const Pass&) override {
    if (dx.data == nullptr) return;
    parallel_for(dx.shape.images, [&](int n) {
      clear_if(write, dx.images(n, 1));
      for_each_window(dx.shape, dy.shape, n, [&](std::size_t out, const Window& window) {
        for (int c = 0; c < x.shape.channels; ++c) dx.pixel(argmax(x, window, c))[c] += dy.pixel(out)[c];
      });
    });
  }

 private:
  static std::size_t argmax(ConstView x, const Window& window, int c) {
    std::size_t best = pixel_index(x.shape, window.n, window.top, window.left);
    for_each_pixel(x.shape, window, [&](std::size_t candidate) {
      const float value = x.pixel(candidate)[c];
      if (value > x.pixel(best)[c] || value != value) best = candidate;  // a NaN wins, so that it is seen
    });
    return best;
  }
};

class GlobalAveragePool : public Layer {
 public:
  std::string describe() const override { return "global_average_pool"; }
  Traits traits() const override { return {.kind = Traits::Kind::global_average}; }
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
  Traits traits() const override { return {.kind = Traits::Kind::flatten}; }
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
