// The mean-field theory of plain networks at birth: h' = W f(h) + b, where the layer is wide, W has variance
// weight_variance / fan_in and b has variance bias_variance. Then h is Gaussian, and its length q (second moment of a
// unit) and the correlation c of two inputs go from layer to layer by maps of one number (Poole et al. 2016, section 2;
// Schoenholz et al. 2017, sections 2-4; the names below are theirs).
//   length         q' = weight_variance E f(sqrt(q) z)^2 + bias_variance
//   correlation    c' = (weight_variance E f(u) f(v) + bias_variance) / q',  u, v Gaussian of length q, correlation c
//   chi            weight_variance E f'(u) f'(v): slope of that map at a fixed q; chi1 = chi at c = 1 is also the factor
//                  by which a layer multiplies the squared gradient
// Integrals are exact to about 12 digits (gaussian_mean.h).
// SPDX-License-Identifier: MIT
#pragma once

#include "core/activation_functions.h"

#include <optional>
#include <string_view>

namespace fanin {

class MeanField {
 public:
  // An activation of layers/activation.h; throws ErrorKind::usage for another name or a negative variance.
  MeanField(std::string_view activation, double weight_variance, double bias_variance = 0.0);

  double length(double q) const;                 // q >= 0
  double length_slope(double q) const;           // of this map: d length / dq, q > 0
  double correlation(double c, double q) const;  // |c| <= 1, q > 0; q need not be a fixed point
  double chi(double c, double q) const;
  double chi1(double q) const { return chi(1.0, q); }

  // The length that layers tend to from 1: 0 if it dies out, nothing if it grows beyond all bounds. 1 where every
  // length stays (relu with weight_variance 2).
  std::optional<double> fixed_length() const;
  // Where the correlation of two inputs ends, given q*; 1 in the ordered phase (chi1 <= 1).
  double fixed_correlation(double q) const;
  // Layers over which a correlation's distance from c* falls by e: -1 / ln chi(c*) (Schoenholz et al. 2017, equation 9);
  // infinite at the critical point, where chi1 = 1. Networks train to about 6 of these (their section 5).
  double correlation_depth(double q) const;
  double length_depth(double q) const;  // likewise of q itself: -1 / ln(length_slope)

 private:
  activation_functions::Function f_, derivative_;
  double weight_variance_, bias_variance_;
};

struct CriticalPoint {
  double weight_variance = 0, length = 0;
};
// The weight variance at which chi1 = 1 at the fixed point, for a bias variance: where gradients neither vanish nor
// explode. Of several the one with the shortest q*; nothing if there is none (relu with any bias). Searched for q* in
// [1e-12, 1e+8].
std::optional<CriticalPoint> critical_point(std::string_view activation, double bias_variance = 0.0);

}  // namespace fanin
