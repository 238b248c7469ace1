// Convolution as matrix products, the readable rung: any kernel, stride, padding and groups.
//   A panel is the matrix (output pixels x kernel taps * input channels of the group) of a band of output rows
//   ("im2col"). Then
//     y = panel * W,   dpanel = dy * W^T scattered back into dx,   dW = panel^T * dy.
// A 1x1 convolution with stride 1 needs no panel: x itself is the matrix.
// Panels are about 128 KB, so that one fits the L2 cache next to its weights.
// SPDX-License-Identifier: MIT
#include "core/kernels/conv_candidate.h"
#include "core/kernels/conv_epilogue.h"
#include "core/kernels/conv_pack.h"
#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

#include <cstring>

namespace fanin {

namespace {

using ConstWeightMap = Eigen::Map<const RowMatrix, Eigen::Unaligned, Eigen::OuterStride<>>;
using WeightMap = Eigen::Map<RowMatrix, Eigen::Unaligned, Eigen::OuterStride<>>;

constexpr std::size_t kPanelFloats = 32768;

bool fits_all(const Conv2d&, const Shape&, ConvProduct) { return true; }
bool is_pointwise(const Conv2d& c) { return c.kernel == 1 && c.stride == 1 && c.padding == 0; }

// The sizes that everything below is cut by; they follow from the shapes alone.
struct Bands {
  int depth;          // panel columns: taps * input channels of a group
  int rows_per_band;  // output rows (of pixels) in a panel
  int bands_per_image;
  int out_width;

  Bands(const Conv2d& c, const Shape& y) : out_width(y.width) {
    depth = c.kernel * c.kernel * (c.in_channels / c.groups);
    const std::size_t row_floats = static_cast<std::size_t>(depth) * static_cast<std::size_t>(y.width);
    rows_per_band = std::clamp(static_cast<int>(kPanelFloats / row_floats), 1, y.height);
    bands_per_image = (y.height + rows_per_band - 1) / rows_per_band;
  }
  std::size_t panel_floats() const {
    return static_cast<std::size_t>(rows_per_band) * static_cast<std::size_t>(out_width) *
           static_cast<std::size_t>(depth);
  }
};

struct Band {
  int image, first_row, rows;
};

Band band_at(const Bands& b, int index, int out_height) {
  const int first = index % b.bands_per_image * b.rows_per_band;
  return {index / b.bands_per_image, first, std::min(b.rows_per_band, out_height - first)};
}

// Calls fn(panel column position, pixel of x) for every tap of every output pixel of a band; x pixel is null in the
// padding.
template <class AnyView, class Fn>
void for_each_tap(const Conv2d& c, AnyView x, const Band& band, int out_width, Fn&& fn) {
  for (int oh = band.first_row; oh < band.first_row + band.rows; ++oh)
    for (int ow = 0; ow < out_width; ++ow)
      for (int i = 0; i < c.kernel; ++i) {
        const int ih = oh * c.stride - c.padding + i;
        for (int j = 0; j < c.kernel; ++j) {
          const int iw = ow * c.stride - c.padding + j;
          const bool inside = ih >= 0 && ih < x.shape.height && iw >= 0 && iw < x.shape.width;
          const std::size_t pixel = (static_cast<std::size_t>(band.image) * static_cast<std::size_t>(x.shape.height) +
                                     static_cast<std::size_t>(ih)) *
                                        static_cast<std::size_t>(x.shape.width) +
                                    static_cast<std::size_t>(iw);
          fn(inside ? x.pixel(pixel) : nullptr);
        }
      }
}

void fill_panel(const Conv2d& c, ConstView x, const Band& band, int group, int out_width, float* panel) {
  const int channels = c.in_channels / c.groups;
  const std::size_t bytes = static_cast<std::size_t>(channels) * sizeof(float);
  for_each_tap(c, x, band, out_width, [&](const float* pixel) {
    if (pixel != nullptr)
      std::memcpy(panel, pixel + group * channels, bytes);
    else
      std::memset(panel, 0, bytes);
    panel += channels;
  });
}

void scatter_panel(const Conv2d& c, const float* panel, const Band& band, int group, int out_width, View dx) {
  const int channels = c.in_channels / c.groups;
  for_each_tap(c, dx, band, out_width, [&](float* pixel) {
    if (pixel != nullptr) VectorMap(pixel + group * channels, channels) += ConstVectorMap(panel, channels);
    panel += channels;
  });
}

ConstWeightMap weights_of(const Conv2d& c, const float* w, int group, int depth) {
  const int out = c.out_channels / c.groups;
  return {w + group * out, depth, out, Eigen::OuterStride<>(c.out_channels)};
}

// The output rows of a band, channels of one group, as a view with one row of pixels.
template <class AnyView>
AnyView band_of(AnyView y, const Band& band, int group, int groups) {
  const std::size_t first = (static_cast<std::size_t>(band.image) * static_cast<std::size_t>(y.shape.height) +
                             static_cast<std::size_t>(band.first_row)) *
                            static_cast<std::size_t>(y.shape.width);
  const int channels = y.shape.channels / groups;
  return {y.pixel(first) + group * channels, {1, band.rows, y.shape.width, channels}, y.stride};
}

float* thread_panel(const Bands& bands, float* panels) {
  return panels + static_cast<std::size_t>(omp_get_thread_num()) * Scratch::rounded(bands.panel_floats());
}

// x as the product reads it: a transformed image goes to the thread's scratch first.
struct Images {
  ConstView x;
  InputTransform transform;
  float* scratch;  // an image for each thread

  std::size_t floats() const { return x.shape.with_images(1).size(); }
  ConstView at(int image) const {
    if (transform.identity()) return x.images(image, 1);
    float* const to = scratch + static_cast<std::size_t>(omp_get_thread_num()) * Scratch::rounded(floats());
    const int pixels = x.shape.height * x.shape.width;
    const ConstView from = x.images(image, 1);
    for (int c = 0; c < x.shape.channels; c += simd::kLanes) {
      const int lanes = std::min(simd::kLanes, x.shape.channels - c);
      with_transform(transform, [&]<bool kAffine, bool kRelu>() {
        const Loader<kAffine, kRelu> transformed(transform, c, lanes);
        for (int p = 0; p < pixels; ++p)
          simd::store_n(transformed(simd::load_n(from.pixel(static_cast<std::size_t>(p)) + c, lanes)),
                        to + p * x.shape.channels + c, lanes);
      });
    }
    return {to, from.shape, x.shape.channels};
  }
};

std::size_t scratch_floats(const Conv2d& c, const Shape& x, ConvProduct product, int threads) {
  const Bands bands(c, c.output_shape(x));
  const std::size_t per_thread = Scratch::rounded(bands.panel_floats()) + Scratch::rounded(x.with_images(1).size());
  const bool sums = product == ConvProduct::backward_weights;
  return static_cast<std::size_t>(threads) * per_thread +
         (sums ? kWeightGradientChunks * Scratch::rounded(c.weight_shape().size()) : 0);
}

// One image of the forward product.
void forward_image(const Conv2d& c, const Bands& bands, ConstView x, const float* w, View y, bool add, float* panel) {
  for (int index = 0; index < bands.bands_per_image; ++index) {
    const Band band = band_at(bands, index, y.shape.height);
    for (int g = 0; g < c.groups; ++g) {
      MatrixMap target = as_matrix(band_of(y, band, g, c.groups));
      if (!add) target.setZero();
      if (is_pointwise(c)) {
        target.noalias() += as_matrix(band_of(x, band, g, c.groups)) * weights_of(c, w, g, bands.depth);
        continue;
      }
      fill_panel(c, x, band, g, y.shape.width, panel);
      const Eigen::Map<const RowMatrix> p(panel, target.rows(), bands.depth);
      target.noalias() += p * weights_of(c, w, g, bands.depth);
    }
  }
}

void forward(const Conv2d& c, ConstView x, const InputTransform& t, const float* w, View y, const ForwardEpilogue& e,
             std::span<float> scratch) {
  const Bands bands(c, y.shape);
  Scratch parts(scratch);
  float* const panels = parts.take(static_cast<std::size_t>(thread_count()) * Scratch::rounded(bands.panel_floats()));
  const Images images{x, t, parts.take(0)};
  parallel_for(y.shape.images, [&](int n) {
    forward_image(c, bands, images.at(n), w, y.images(n, 1), in_place(e, y), thread_panel(bands, panels));
    finish_forward(e, y, whole_image(y, n));
  });
}

// One image of the gradient by the input. Its bands overlap in dx.
void backward_image(const Conv2d& c, const Bands& bands, ConstView dy, const float* w, View dx, Write write,
                    float* panel) {
  if (write == Write::overwrite) as_matrix(dx).setZero();
  for (int index = 0; index < bands.bands_per_image; ++index) {
    const Band band = band_at(bands, index, dy.shape.height);
    for (int g = 0; g < c.groups; ++g) {
      const ConstView source = band_of(dy, band, g, c.groups);
      const auto weights = weights_of(c, w, g, bands.depth);
      if (is_pointwise(c)) {
        as_matrix(band_of(dx, band, g, c.groups)).noalias() += as_matrix(source) * weights.transpose();
        continue;
      }
      Eigen::Map<RowMatrix> p(panel, static_cast<Eigen::Index>(source.shape.pixels()), bands.depth);
      p.noalias() = as_matrix(source) * weights.transpose();
      scatter_panel(c, panel, band, g, dy.shape.width, dx);
    }
  }
}

void backward_input(const Conv2d& c, ConstView dy, const float* w, View dx, Write write, const BackwardEpilogue& e,
                    std::span<float> scratch) {
  const Bands bands(c, dy.shape);
  Scratch parts(scratch);
  float* const panels = parts.take(static_cast<std::size_t>(thread_count()) * Scratch::rounded(bands.panel_floats()));
  float* const images = parts.take(0);
  const Shape image = dx.shape.with_images(1);
  parallel_for(dy.shape.images, [&](int n) {
    float* const panel = thread_panel(bands, panels);
    if (empty(e)) return backward_image(c, bands, dy.images(n, 1), w, dx.images(n, 1), write, panel);
    const View dv{images + static_cast<std::size_t>(omp_get_thread_num()) * Scratch::rounded(image.size()), image,
                  image.channels};
    backward_image(c, bands, dy.images(n, 1), w, dv, Write::overwrite, panel);
    clear_sums(e, dx.shape, n);
    const std::size_t first = static_cast<std::size_t>(n) * image.pixels();
    finish_patch(e, dx, write,
                 {dv.data, dv.stride, image.height, image.width, n, first, 1, image.width, 0, image.channels});
  });
}

void correlate_image(const Conv2d& c, const Bands& bands, ConstView x, ConstView dy, float* dw, float* panel) {
  for (int index = 0; index < bands.bands_per_image; ++index) {
    const Band band = band_at(bands, index, dy.shape.height);
    for (int g = 0; g < c.groups; ++g) {
      const ConstView gradient = band_of(dy, band, g, c.groups);
      const int out = gradient.shape.channels;
      WeightMap target(dw + g * out, bands.depth, out, Eigen::OuterStride<>(c.out_channels));
      if (is_pointwise(c)) {
        target.noalias() += as_matrix(band_of(x, band, g, c.groups)).transpose() * as_matrix(gradient);
        continue;
      }
      fill_panel(c, x, band, g, dy.shape.width, panel);
      const Eigen::Map<const RowMatrix> p(panel, static_cast<Eigen::Index>(gradient.shape.pixels()), bands.depth);
      target.noalias() += p.transpose() * as_matrix(gradient);
    }
  }
}

void backward_weights(const Conv2d& c, ConstView x, const InputTransform& t, ConstView dy, float* dw,
                      std::span<float> scratch) {
  const Bands bands(c, dy.shape);
  const int count = dy.shape.images, chunks = std::min(kWeightGradientChunks, count);
  const std::size_t size = c.weight_shape().size();
  Scratch parts(scratch);
  float* const partials = parts.take(kWeightGradientChunks * size);
  float* const panels = parts.take(static_cast<std::size_t>(thread_count()) * Scratch::rounded(bands.panel_floats()));
  const Images images{x, t, parts.take(0)};
  parallel_for(chunks, [&](int chunk) {
    float* const partial = partials + static_cast<std::size_t>(chunk) * size;
    std::fill_n(partial, size, 0.0f);
    for (int n = chunk * count / chunks; n < (chunk + 1) * count / chunks; ++n)
      correlate_image(c, bands, images.at(n), dy.images(n, 1), partial, thread_panel(bands, panels));
  });
  add_chunks(partials, chunks, size, dw);
}

std::string tile(const Conv2d& c, const Shape& x, ConvProduct) {
  const Bands b(c, c.output_shape(x));
  return "panel of " + std::to_string(b.rows_per_band * b.out_width) + " px x " + std::to_string(b.depth);
}

}  // namespace

const ConvCandidate conv_gemm = {"gemm", fits_all, tile, scratch_floats, forward, backward_input, backward_weights};

}  // namespace fanin
