// SPDX-License-Identifier: MIT
#include "core/kernels/conv_pack.h"

#include "core/tensor/parallel.h"

#include <cstdint>
#include <cstring>

namespace fanin {

using micro::kLanes;
using micro::kPack;
using micro::Panels;
using micro::z;
using simd::Vec;

namespace {

template <bool kAffine, bool kRelu>
void pack_vector(const InputTransform& t, const PackRun& run, int offset, float* to) {
  const int lanes = std::clamp(run.channels - offset, 0, kLanes);
  const float* from = run.x + run.first + offset;
  const Loader<kAffine, kRelu> transformed(t, run.first + offset, lanes);
  if (lanes == kLanes)
    for (int p = 0; p < run.pixels; ++p, from += run.stride, to += kPack)
      simd::store(transformed(simd::load(from)), to);
  else
    for (int p = 0; p < run.pixels; ++p, from += run.stride, to += kPack)
      simd::store(transformed(simd::load_n(from, lanes)), to);
}

// A vector of channels of N operands. put(vector, pointer): how it is written to x.
template <int N, class Put>
void join_vector(const Joined& j, std::size_t pixel, int pixels, int channel, int lanes, float* to, const Put& put) {
  Rounded read[N];
  const float* from[N];
#pragma GCC unroll 4
  for (int k = 0; k < N; ++k) {
    read[k] = Rounded(j.operands[k].transform, channel, lanes);
    from[k] = j.operands[k].x.pixel(pixel) + channel;
  }
  float* x = j.x.pixel(pixel) + channel;
  for (int p = 0; p < pixels; ++p, x += j.x.stride, to += kPack) {
    const auto operand = [&](int k) {
      const float* const at = from[k] + p * j.operands[k].x.stride;
      return read[k](lanes == kLanes ? simd::load(at) : simd::load_n(at, lanes));
    };
    Vec sum = operand(0);
#pragma GCC unroll 4
    for (int k = 1; k < N; ++k) sum = simd::positive_part(simd::plus(sum, operand(k)));
    simd::store(sum, to);
    put(sum, x);
  }
}

}  // namespace

void pack_joined(const Joined& j, std::size_t pixel, int pixels, float* to, std::ptrdiff_t pack_stride, bool streamed) {
  const int channels = j.x.shape.channels;
  const auto run = [&]<int N>() {
    for (int c = 0; c < micro::packs(channels) * kPack; c += kLanes) {
      const int lanes = std::clamp(channels - c, 0, kLanes);
      float* const packed = to + c / kPack * pack_stride + c % kPack;
      const auto write = [&](const auto& put) { join_vector<N>(j, pixel, pixels, c, lanes, packed, put); };
      if (streamed)
        write([](Vec v, float* x) { simd::stream(v, x); });
      else if (lanes == kLanes)
        write([](Vec v, float* x) { simd::store(v, x); });
      else
        write([lanes](Vec v, float* x) { simd::store_n(v, x, lanes); });
    }
  };
  static_assert(kMostOperands == 4);
  if (j.count == 2) run.template operator()<2>();
  if (j.count == 3) run.template operator()<3>();
  if (j.count == 4) run.template operator()<4>();
  if (streamed) simd::finish_streams();
}

bool may_stream(View x) {
  constexpr std::size_t kManyFloats = std::size_t{2} << 20;  // 8 MiB: more than the L2 caches of a few cores
  constexpr std::size_t kBytes = kLanes * sizeof(float);
  return x.shape.channels % kLanes == 0 && x.stride % kLanes == 0 &&
         reinterpret_cast<std::uintptr_t>(x.data) % kBytes == 0 && x.shape.size() >= kManyFloats;
}

void pack_run(const InputTransform& t, const PackRun& run, float* to) {
  with_transform(t, [&]<bool kAffine, bool kRelu>() {
    for (int offset = 0; offset < kPack; offset += kLanes) pack_vector<kAffine, kRelu>(t, run, offset, to + offset);
  });
}

void pack_gradient_run(const Gradient& d, std::size_t pixel, int pixels, int first, int channels, float* to) {
  if (d.identity()) return pack_run({}, {d.g.pixel(pixel), d.g.stride, pixels, first, channels}, to);
  for (int offset = 0; offset < kPack; offset += kLanes) {
    const int lanes = std::clamp(channels - offset, 0, kLanes);
    const GradientLoader put_right(d, first + offset, lanes);
    const float *g = d.g.pixel(pixel) + first + offset, *y = d.y.pixel(pixel) + first + offset;
    float* out = to + offset;
    if (lanes == kLanes)
      for (int p = 0; p < pixels; ++p, g += d.g.stride, y += d.y.stride, out += kPack)
        simd::store(put_right(simd::load(g), simd::load(y)), out);
    else
      for (int p = 0; p < pixels; ++p, g += d.g.stride, y += d.y.stride, out += kPack)
        simd::store(put_right(simd::load_n(g, lanes), simd::load_n(y, lanes)), out);
  }
}

Grouping::Grouping(const Conv2d& c)
    : merge(1),
      in_single(c.in_channels / c.groups),
      out_single(c.out_channels / c.groups),
      taps(c.kernel * c.kernel),
      out_channels(c.out_channels) {
  const int widest = std::max(in_single, out_single);
  for (int m = 2; m <= c.groups && m * widest <= kPack; ++m)
    if (c.groups % m == 0) merge = m;
  count = c.groups / merge;
  in = in_single * merge;
  out = out_single * merge;
}

void pack_weight_block(const Grouping& g, const float* w, bool transposed, const WeightBlock& b, float* to,
                       std::ptrdiff_t row_stride) {
  const auto row_of = [&](int input) {
    return w + z(b.tap * g.in_single + input % g.in_single) * z(g.out_channels) + z(b.group * g.out);
  };
  const int columns = std::min(b.lanes, (transposed ? g.in : g.out) - b.first_column);
  for (int r = 0; r < b.rows; ++r)
    if (g.merge > 1 || columns < b.lanes) std::memset(to + r * row_stride, 0, z(b.lanes) * sizeof(float));
  if (transposed) {
    for (int j = 0; j < columns; ++j) {
      const int input = b.first_column + j, diagonal = input / g.in_single;
      const float* from = row_of(input) + b.first_row;
      for (int r = 0; r < b.rows; ++r)
        if (g.merge == 1 || (b.first_row + r) / g.out_single == diagonal) to[r * row_stride + j] = from[r];
    }
    return;
  }
  for (int r = 0; r < b.rows; ++r) {
    const int input = b.first_row + r;
    const int begin = std::max(0, g.merge == 1 ? 0 : input / g.in_single * g.out_single - b.first_column);
    const int end =
        std::min(columns, g.merge == 1 ? columns : (input / g.in_single + 1) * g.out_single - b.first_column);
    if (begin < end)
      std::memcpy(to + r * row_stride + begin, row_of(input) + b.first_column + begin, z(end - begin) * sizeof(float));
  }
}

void add_weight_row(const Grouping& g, const float* row, const WeightBlock& b, float* dw) {
  const int input = b.first_row % g.in_single, diagonal = b.first_row / g.in_single;
  float* const to = dw + z(b.tap * g.in_single + input) * z(g.out_channels) + z(b.group * g.out + b.first_column);
  const int begin = g.merge == 1 ? 0 : std::max(0, diagonal * g.out_single - b.first_column);
  const int end = g.merge == 1 ? g.out - b.first_column : (diagonal + 1) * g.out_single - b.first_column;
  for (int o = begin; o < std::min(b.lanes, end); ++o) to[o] += row[o];
}

void add_weight_chunks(const Grouping& g, float* partials, int chunks, std::size_t chunk_floats, float* dw) {
  const std::size_t row_floats = z(Panels{g.out}.padded());
  constexpr int kRows = 16;
  const int rows = g.count * g.taps * g.in;
  parallel_for(micro::ceil_div(rows, kRows), [&](int block) {
    for (int r = block * kRows; r < std::min(rows, (block + 1) * kRows); ++r) {
      float* const sum = partials + z(r) * row_floats;
      for (int chunk = 1; chunk < chunks; ++chunk) {
        const float* const other = sum + z(chunk) * chunk_floats;
        for (std::size_t i = 0; i < row_floats; i += kLanes)
          simd::store(simd::plus(simd::load(sum + i), simd::load(other + i)), sum + i);
      }
      add_weight_row(g, sum, {r / g.in / g.taps, r / g.in % g.taps, r % g.in, 1, 0, g.out}, dw);
    }
  });
}

std::size_t packed_weight_floats(const Grouping& g, bool transposed, int taps) {
  const Panels panels{transposed ? g.in : g.out};
  return z(g.count) * z(panels.padded()) * z(taps) * z(transposed ? g.out : g.in);
}

std::size_t packed_weight_offset(const Grouping& g, bool transposed, int taps, int group, int panel) {
  const Panels panels{transposed ? g.in : g.out};
  const std::size_t rows = z(taps) * z(transposed ? g.out : g.in);
  return rows * z(group * panels.padded() + panels.first_channel(panel));
}

void pack_weights(const Grouping& g, const float* w, bool transposed, std::span<const int> order, float* to) {
  const Panels panels{transposed ? g.in : g.out};
  const int depth = transposed ? g.out : g.in, taps = static_cast<int>(order.size());
  parallel_for(g.count * panels.count() * taps, [&](int index) {
    const int tap = index % taps, panel = index / taps % panels.count(), group = index / taps / panels.count();
    const int row = panels.width(panel) * kLanes;
    float* block = to + packed_weight_offset(g, transposed, taps, group, panel) + z(tap) * z(depth) * z(row);
    for (int first = 0; first < depth; first += kPack) {
      const int rows = std::min(kPack, depth - first);
      pack_weight_block(g, w, transposed, {group, order[z(tap)], first, rows, panels.first_channel(panel), row},
                        block + z(first) * z(row), row);
    }
  });
}

}  // namespace fanin
