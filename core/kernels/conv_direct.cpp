// Direct convolution: an image is copied once into packed, zero-bordered planes; then a register tile runs over it
// without a branch.
//   Fits     kernels above 1x1, any groups and channel counts; stride 1, and 2 except for backward_input; padding <
//            kernel.
//   Layout   Pack: [group][block of 16 input channels][padded row][padded column][16]; so the addresses of a tile's
//            pixels are one pointer plus compile-time distances. Weights: [group][output vectors][tap][input
//            channel][vector], zero-filled.
//   Tile     forward: 8 pixels x 2 vectors of output channels, or 16 x 1 when only one vector is left: 16 accumulators,
//            each input channel costs 2 loads and 8 broadcasts for 16 fused multiply-adds.
//            backward_weights: 8 input channels x 2 vectors of output channels, summed over the pixels of an image.
//   Threads  one image is one block of work; weight gradients go to kWeightGradientChunks private copies, added in
//            order.
//   backward_input is the forward tile over dy with flipped and transposed weights. With stride 2 dy would be three
//   quarters zeros:
//   77 GFLOP/s against 148 by conv_gemm, so that is left to it; likewise 1x1 with stride 2 (65 against 88).
//   Measurements: README.md of this folder.
// SPDX-License-Identifier: MIT
#include "core/kernels/conv_candidate.h"
#include "core/kernels/simd.h"
#include "core/tensor/parallel.h"

#include <cstring>

namespace fanin {

namespace {

using simd::kLanes;
using simd::Vec;

constexpr int kBlock = 16;  // input channels of a packed pixel: one cache line

int ceil_div(int a, int b) { return (a + b - 1) / b; }
std::size_t z(int n) { return static_cast<std::size_t>(n); }

bool fits(const Conv2d& c, const Shape&, ConvProduct product) {
  const bool stride_fits = c.stride == 1 || (c.stride == 2 && product != ConvProduct::backward_input);
  return c.kernel > 1 && stride_fits && c.padding < c.kernel;
}

// A convolution as the tile sees it: packed input planes, packed weights.
struct Geometry {
  int kernel, stride, groups;
  int in, out;        // channels per group
  int rows, columns;  // of a packed plane
  int out_height, out_width;
  int blocks() const { return ceil_div(in, kBlock); }
  int vectors() const { return ceil_div(out, kLanes); }
  std::size_t plane() const { return z(rows) * z(columns) * kBlock; }
  std::size_t image_floats() const { return plane() * z(blocks()) * z(groups); }
  std::size_t weight_floats() const { return z(groups) * z(vectors()) * z(kernel * kernel) * z(in) * kLanes; }
};

Geometry forward_geometry(const Conv2d& c, const Shape& y) {
  return {c.kernel,
          c.stride,
          c.groups,
          c.in_channels / c.groups,
          c.out_channels / c.groups,
          (y.height - 1) * c.stride + c.kernel,
          (y.width - 1) * c.stride + c.kernel,
          y.height,
          y.width};
}

// dx as a stride-1 convolution of the spread-out dy: input and output channels change places.
Geometry backward_geometry(const Conv2d& c, const Shape& dx) {
  return {c.kernel,
          1,
          c.groups,
          c.out_channels / c.groups,
          c.in_channels / c.groups,
          dx.height + c.kernel - 1,
          dx.width + c.kernel - 1,
          dx.height,
          dx.width};
}

// Copies image `n` of x into the planes, with `border` zero pixels before it; what a plane has no room for is never
// read.
void pack_image(const Geometry& g, ConstView x, int n, int border, float* planes) {
  std::memset(planes, 0, g.image_floats() * sizeof(float));
  for (int h = 0; h < x.shape.height; ++h) {
    const int row = border + h;
    if (row >= g.rows) break;
    for (int w = 0; w < x.shape.width; ++w) {
      const int column = border + w;
      if (column >= g.columns) break;
      const float* from = x.pixel((z(n) * z(x.shape.height) + z(h)) * z(x.shape.width) + z(w));
      float* to = planes + (z(row) * z(g.columns) + z(column)) * kBlock;
      for (int group = 0; group < g.groups; ++group)
        for (int c = 0; c < g.in; c += kBlock, to += g.plane()) {
          if (g.in - c >= kBlock)
            std::memcpy(to, from + group * g.in + c, kBlock * sizeof(float));  // a constant size is one move
          else
            std::memcpy(to, from + group * g.in + c, z(g.in - c) * sizeof(float));
        }
    }
  }
}

// source(group, tap, in, out) is the weight; each output vector's weights become one contiguous run.
template <class Source>
void pack_weights(const Geometry& g, float* packed, Source source) {
  const int taps = g.kernel * g.kernel;
  parallel_for(g.groups * g.vectors() * taps, [&](int index) {
    const int tap = index % taps, v = index / taps % g.vectors(), group = index / taps / g.vectors();
    float* to = packed + z(index) * z(g.in) * kLanes;
    for (int i = 0; i < g.in; ++i)
      for (int lane = 0; lane < kLanes; ++lane) {
        const int o = v * kLanes + lane;
        *to++ = o < g.out ? source(group, tap, i, o) : 0.0f;
      }
  });
}

// Tile: P pixels x V vectors, pixels XS packed pixels apart. `x` points at the tile's first pixel under tap (0, 0).
template <int P, int V, int XS>
void run_tile(const Geometry& g, const float* x, const float* w, float* y, std::ptrdiff_t stride, int last_lanes,
              bool accumulate) {
  Vec sum[P][V];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) sum[p][v] = simd::zero();
  const std::size_t vector_floats = z(g.kernel * g.kernel) * z(g.in) * kLanes;
  const float* weights = w;
  for (int i = 0; i < g.kernel; ++i)
    for (int j = 0; j < g.kernel; ++j) {
      const float* tap = x + (z(i) * z(g.columns) + z(j)) * kBlock;
      for (int first = 0; first < g.in; first += kBlock, tap += g.plane()) {
        const int depth = std::min(kBlock, g.in - first);
        for (int k = 0; k < depth; ++k, weights += kLanes) {
          Vec column[V];
#pragma GCC unroll 16
          for (int v = 0; v < V; ++v) column[v] = simd::load(weights + z(v) * vector_floats);
#pragma GCC unroll 16
          for (int p = 0; p < P; ++p) {
            const Vec value = simd::broadcast(tap[p * XS * kBlock + k]);
#pragma GCC unroll 16
            for (int v = 0; v < V; ++v) sum[p][v] = simd::fma(value, column[v], sum[p][v]);
          }
        }
      }
    }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p)
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      float* to = y + p * stride + v * kLanes;
      const int lanes = v + 1 < V ? kLanes : last_lanes;
      if (lanes == kLanes)
        simd::store(accumulate ? simd::plus(simd::load(to), sum[p][v]) : sum[p][v], to);
      else
        simd::store_n(accumulate ? simd::plus(simd::load_n(to, lanes), sum[p][v]) : sum[p][v], to, lanes);
    }
}

template <int V, int XS>
void run_row(const Geometry& g, const float* x, const float* w, float* y, std::ptrdiff_t stride, int last_lanes,
             bool accumulate) {
  constexpr int P = 16 / V;
  int p = 0;
  for (; p + P <= g.out_width; p += P)
    run_tile<P, V, XS>(g, x + p * XS * kBlock, w, y + p * stride, stride, last_lanes, accumulate);
  for (; p + 4 <= g.out_width; p += 4)
    run_tile<4, V, XS>(g, x + p * XS * kBlock, w, y + p * stride, stride, last_lanes, accumulate);
  for (; p < g.out_width; ++p)
    run_tile<1, V, XS>(g, x + p * XS * kBlock, w, y + p * stride, stride, last_lanes, accumulate);
}

template <int XS>
void run_image(const Geometry& g, const float* planes, const float* w, View y, int n, bool accumulate) {
  const std::size_t vector_floats = z(g.kernel * g.kernel) * z(g.in) * kLanes;
  for (int group = 0; group < g.groups; ++group)
    for (int v = 0; v < g.vectors(); v += 2) {
      const float* weights = w + (z(group) * z(g.vectors()) + z(v)) * vector_floats;
      const bool pair = v + 1 < g.vectors();
      const int last_lanes = std::min(kLanes, g.out - (v + (pair ? 1 : 0)) * kLanes);
      for (int h = 0; h < g.out_height; ++h) {
        const float* x = planes + z(group) * z(g.blocks()) * g.plane() + z(h * XS) * z(g.columns) * kBlock;
        float* to = y.pixel((z(n) * z(g.out_height) + z(h)) * z(g.out_width)) + group * g.out + v * kLanes;
        if (pair)
          run_row<2, XS>(g, x, weights, to, y.stride, last_lanes, accumulate);
        else
          run_row<1, XS>(g, x, weights, to, y.stride, last_lanes, accumulate);
      }
    }
}

std::size_t scratch_floats(const Conv2d& c, const Shape& x, int threads) {
  const Geometry f = forward_geometry(c, c.output_shape(x)), b = backward_geometry(c, x);
  const std::size_t image = std::max(f.image_floats(), b.image_floats());
  return std::max({f.weight_floats(), b.weight_floats(), kWeightGradientChunks * c.weight_shape().size()}) + kBlock +
         z(threads) * image;
}

float* thread_planes(const Geometry& g, std::span<float> planes) {
  return planes.data() + z(omp_get_thread_num()) * g.image_floats();
}

void forward(const Conv2d& c, ConstView x, const float* w, View y, std::span<float> scratch) {
  const Geometry g = forward_geometry(c, y.shape);
  pack_weights(g, scratch.data(), [&](int group, int tap, int i, int o) {
    return w[(z(tap) * z(g.in) + z(i)) * z(c.out_channels) + z(group * g.out + o)];
  });
  parallel_for(y.shape.images, [&](int n) {
    float* const planes = thread_planes(g, scratch.subspan(g.weight_floats()));
    pack_image(g, x, n, c.padding, planes);
    if (c.stride == 1)
      run_image<1>(g, planes, scratch.data(), y, n, false);
    else
      run_image<2>(g, planes, scratch.data(), y, n, false);
  });
}

void backward_input(const Conv2d& c, ConstView dy, const float* w, View dx, Write write, std::span<float> scratch) {
  const Geometry g = backward_geometry(c, dx.shape);
  pack_weights(
      g, scratch.data(), [&](int group, int tap, int o, int i) {  // o counts inputs of this pass: channels of dy
        return w[(z(c.kernel * c.kernel - 1 - tap) * z(g.out) + z(i)) * z(c.out_channels) + z(group * g.in + o)];
      });
  parallel_for(dx.shape.images, [&](int n) {
    float* const planes = thread_planes(g, scratch.subspan(g.weight_floats()));
    pack_image(g, dy, n, c.kernel - 1 - c.padding, planes);
    run_image<1>(g, planes, scratch.data(), dx, n, write == Write::add);
  });
}

// dw[k][o] += sum over the pixels of an image of x[pixel][k] * dy[pixel][o], for K input channels and V output vectors.
template <int K, int V, int XS>
void weight_tile(const Geometry& g, const float* x, const float* dy, std::ptrdiff_t stride, int last_lanes, float* dw,
                 int dw_stride) {
  Vec sum[K][V];
#pragma GCC unroll 16
  for (int k = 0; k < K; ++k)
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) sum[k][v] = simd::zero();
  for (int h = 0; h < g.out_height; ++h) {
    const float* pixel = x + z(h * XS) * z(g.columns) * kBlock;
    for (int w = 0; w < g.out_width; ++w, pixel += XS * kBlock, dy += stride) {
      Vec gradient[V];
#pragma GCC unroll 16
      for (int v = 0; v + 1 < V; ++v) gradient[v] = simd::load(dy + v * kLanes);
      gradient[V - 1] =
          last_lanes == kLanes ? simd::load(dy + (V - 1) * kLanes) : simd::load_n(dy + (V - 1) * kLanes, last_lanes);
#pragma GCC unroll 16
      for (int k = 0; k < K; ++k) {
        const Vec value = simd::broadcast(pixel[k]);
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) sum[k][v] = simd::fma(value, gradient[v], sum[k][v]);
      }
    }
  }
#pragma GCC unroll 16
  for (int k = 0; k < K; ++k)
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      float* to = dw + k * dw_stride + v * kLanes;
      const int lanes = v + 1 < V ? kLanes : last_lanes;
      simd::store_n(simd::plus(simd::load_n(to, lanes), sum[k][v]), to, lanes);
    }
}

template <int V, int XS>
void weight_column(const Geometry& g, const float* x, const float* dy, std::ptrdiff_t stride, int last_lanes, float* dw,
                   int dw_stride) {
  for (int first = 0; first < g.in; first += kBlock, x += g.plane()) {
    const int depth = std::min(kBlock, g.in - first);
    int k = 0;
    const auto step = [&]<int K>() {
      for (; k + K <= depth; k += K)
        weight_tile<K, V, XS>(g, x + k, dy, stride, last_lanes, dw + (first + k) * dw_stride, dw_stride);
    };
    step.template operator()<16 / V>();
    step.template operator()<4>();
    step.template operator()<3>();
    step.template operator()<1>();
  }
}

template <int XS>
void weight_image(const Geometry& g, const float* planes, ConstView dy, int n, float* dw) {
  const int total_out = g.out * g.groups;
  for (int group = 0; group < g.groups; ++group)
    for (int v = 0; v < g.vectors(); v += 2) {
      const bool pair = v + 1 < g.vectors();
      const int last_lanes = std::min(kLanes, g.out - (v + (pair ? 1 : 0)) * kLanes);
      const int first_out = group * g.out + v * kLanes;
      const float* gradient = dy.pixel(z(n) * z(g.out_height) * z(g.out_width)) + first_out;
      for (int i = 0; i < g.kernel; ++i)
        for (int j = 0; j < g.kernel; ++j) {
          const float* x = planes + z(group) * z(g.blocks()) * g.plane() + (z(i) * z(g.columns) + z(j)) * kBlock;
          float* to = dw + z((i * g.kernel + j) * g.in) * z(total_out) + first_out;
          if (pair)
            weight_column<2, XS>(g, x, gradient, dy.stride, last_lanes, to, total_out);
          else
            weight_column<1, XS>(g, x, gradient, dy.stride, last_lanes, to, total_out);
        }
    }
}

void backward_weights(const Conv2d& c, ConstView x, ConstView dy, float* dw, std::span<float> scratch) {
  const Geometry g = forward_geometry(c, dy.shape);
  const int images = dy.shape.images, chunks = std::min(kWeightGradientChunks, images);
  const std::size_t size = c.weight_shape().size();
  const std::span<float> all_planes = scratch.subspan((kWeightGradientChunks * size + kBlock - 1) / kBlock * kBlock);
  parallel_for(chunks, [&](int chunk) {
    float* const partial = scratch.data() + z(chunk) * size;
    std::fill_n(partial, size, 0.0f);
    float* const planes = thread_planes(g, all_planes);
    for (int n = chunk * images / chunks; n < (chunk + 1) * images / chunks; ++n) {
      pack_image(g, x, n, c.padding, planes);
      if (c.stride == 1)
        weight_image<1>(g, planes, dy, n, partial);
      else
        weight_image<2>(g, planes, dy, n, partial);
    }
  });
  add_chunks(scratch.data(), chunks, size, dw);
}

}  // namespace

const ConvCandidate conv_direct = {"direct", fits, scratch_floats, forward, backward_input, backward_weights};

}  // namespace fanin
