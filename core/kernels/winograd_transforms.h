// The one-dimensional transforms of Winograd's F(2, 3) and F(4, 3) (Lavin & Gray 2015) on vectors of channels:
//   y = A^T [(G g) * (B^T d)],  kIn inputs d, 3 weights g, kOut outputs y, kSide products.
// Two-dimensional ones apply them to columns and then to rows. The gradient by the weights is the adjoint:
//   dg = G^T [(B^T d) * (A dy)].
// Tiles are kOut outputs apart and kStep inputs; the first input lies kBefore pixels before the first output's. The
// gradient by the input is a convolution with the same weights, turned: that of Turned.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/kernels/simd.h"

namespace fanin::winograd {

using simd::broadcast;
using simd::fma;
using simd::minus;
using simd::plus;
using simd::times;
using simd::Vec;

struct F2 {
  static constexpr int kStride = 1, kOut = 2, kIn = 4, kSide = 4, kStep = 2, kBefore = 1;
  using Turned = F2;
  // B^T d
  static void input(const Vec (&d)[4], Vec (&v)[4]) {
    v[0] = minus(d[0], d[2]);
    v[1] = plus(d[1], d[2]);
    v[2] = minus(d[2], d[1]);
    v[3] = minus(d[1], d[3]);
  }
  // A^T m
  static void output(const Vec (&m)[4], Vec (&y)[2]) {
    y[0] = plus(plus(m[0], m[1]), m[2]);
    y[1] = minus(minus(m[1], m[2]), m[3]);
  }
  // A dy
  static void gradient(const Vec (&y)[2], Vec (&z)[4]) {
    z[0] = y[0];
    z[1] = plus(y[0], y[1]);
    z[2] = minus(y[0], y[1]);
    z[3] = minus(simd::zero(), y[1]);
  }
  // G g
  static void weights(const Vec (&g)[3], Vec (&u)[4]) {
    const Vec half = broadcast(0.5f), even = plus(g[0], g[2]);
    u[0] = g[0];
    u[1] = times(half, plus(even, g[1]));
    u[2] = times(half, minus(even, g[1]));
    u[3] = g[2];
  }
  // G^T u
  static void weight_gradient(const Vec (&u)[4], Vec (&g)[3]) {
    const Vec half = broadcast(0.5f), even = times(half, plus(u[1], u[2]));
    g[0] = plus(u[0], even);
    g[1] = times(half, minus(u[1], u[2]));
    g[2] = plus(u[3], even);
  }
};

struct F4 {  // interpolates at 0, 1, -1, 2, -2 and infinity
  static constexpr int kStride = 1, kOut = 4, kIn = 6, kSide = 6, kStep = 4, kBefore = 1;
  using Turned = F4;
  static void input(const Vec (&d)[6], Vec (&v)[6]) {
    const Vec m4 = broadcast(-4.0f), m5 = broadcast(-5.0f), p4 = broadcast(4.0f), p2 = broadcast(2.0f);
    const Vec a = fma(m4, d[2], d[4]), b = fma(m4, d[1], d[3]);
    const Vec c = minus(d[4], d[2]), e = times(p2, minus(d[3], d[1]));
    v[0] = fma(p4, d[0], fma(m5, d[2], d[4]));
    v[1] = plus(a, b);
    v[2] = minus(a, b);
    v[3] = plus(c, e);
    v[4] = minus(c, e);
    v[5] = fma(p4, d[1], fma(m5, d[3], d[5]));
  }
  static void output(const Vec (&m)[6], Vec (&y)[4]) {
    const Vec a = plus(m[1], m[2]), b = minus(m[1], m[2]), c = plus(m[3], m[4]), e = minus(m[3], m[4]);
    y[0] = plus(plus(m[0], a), c);
    y[1] = fma(broadcast(2.0f), e, b);
    y[2] = fma(broadcast(4.0f), c, a);
    y[3] = plus(fma(broadcast(8.0f), e, b), m[5]);
  }
  static void gradient(const Vec (&y)[4], Vec (&z)[6]) {
    const Vec even = plus(y[0], y[2]), odd = plus(y[1], y[3]);
    const Vec even4 = fma(broadcast(4.0f), y[2], y[0]);
    const Vec odd4 = times(broadcast(2.0f), fma(broadcast(4.0f), y[3], y[1]));
    z[0] = y[0];
    z[1] = plus(even, odd);
    z[2] = minus(even, odd);
    z[3] = plus(even4, odd4);
    z[4] = minus(even4, odd4);
    z[5] = y[3];
  }
  static void weights(const Vec (&g)[3], Vec (&u)[6]) {
    const Vec sixth = broadcast(-1.0f / 6), even = plus(g[0], g[2]);
    const Vec a = times(broadcast(1.0f / 24), fma(broadcast(4.0f), g[2], g[0])), b = times(broadcast(1.0f / 12), g[1]);
    u[0] = times(broadcast(0.25f), g[0]);
    u[1] = times(sixth, plus(even, g[1]));
    u[2] = times(sixth, minus(even, g[1]));
    u[3] = plus(a, b);
    u[4] = minus(a, b);
    u[5] = g[2];
  }
  static void weight_gradient(const Vec (&u)[6], Vec (&g)[3]) {
    const Vec a = times(broadcast(-1.0f / 6), plus(u[1], u[2])), b = times(broadcast(-1.0f / 6), minus(u[1], u[2]));
    const Vec c = plus(u[3], u[4]), e = minus(u[3], u[4]);
    g[0] = fma(broadcast(0.25f), u[0], fma(broadcast(1.0f / 24), c, a));
    g[1] = fma(broadcast(1.0f / 12), e, b);
    g[2] = fma(broadcast(1.0f / 6), c, plus(a, u[5]));
  }
};

// With stride 2 every second input meets the weights g[0] and g[2] alone, as in a convolution with stride 1, and the
// others meet g[1]: F(2, 2) for the former, 3 products instead of 4, and one product an output for the latter. Two
// outputs take 5 products instead of 6; no transform multiplies.
struct Phases {
  static constexpr int kStride = 2, kSide = 5;
  static void weights(const Vec (&g)[3], Vec (&u)[5]) {
    u[0] = g[0];
    u[1] = plus(g[0], g[2]);
    u[2] = g[2];
    u[3] = u[4] = g[1];
  }
  static void weight_gradient(const Vec (&u)[5], Vec (&g)[3]) {
    g[0] = plus(u[0], u[1]);
    g[1] = plus(u[3], u[4]);
    g[2] = plus(u[1], u[2]);
  }
};

// Its gradient by the input: two of four pixels of dx see g[0] and g[2], the other two g[1].
struct StridedTurned2 : Phases {
  static constexpr int kOut = 4, kIn = 3, kStep = 2, kBefore = 0;
  static void input(const Vec (&d)[3], Vec (&v)[5]) {
    v[0] = minus(d[0], d[1]);
    v[1] = d[1];
    v[2] = minus(d[2], d[1]);
    v[3] = d[0];
    v[4] = d[1];
  }
  static void output(const Vec (&m)[5], Vec (&y)[4]) {
    y[0] = m[3];
    y[1] = plus(m[0], m[1]);
    y[2] = m[4];
    y[3] = plus(m[1], m[2]);
  }
};

struct Strided2 : Phases {
  static constexpr int kOut = 2, kIn = 5, kStep = 4, kBefore = 1;
  using Turned = StridedTurned2;
  static void input(const Vec (&d)[5], Vec (&v)[5]) {
    v[0] = minus(d[0], d[2]);
    v[1] = d[2];
    v[2] = minus(d[4], d[2]);
    v[3] = d[1];
    v[4] = d[3];
  }
  static void output(const Vec (&m)[5], Vec (&y)[2]) {
    y[0] = plus(plus(m[0], m[1]), m[3]);
    y[1] = plus(plus(m[1], m[2]), m[4]);
  }
  static void gradient(const Vec (&y)[2], Vec (&z)[5]) {
    z[0] = z[3] = y[0];
    z[1] = plus(y[0], y[1]);
    z[2] = z[4] = y[1];
  }
};

}  // namespace fanin::winograd
