// E f(z) for z ~ N(0, 1), where f is smooth but for one kink or jump: Gauss-Legendre rules of 12 points on panels that
// end at the kink and get narrower towards it by factors of 2, so that neither the kink nor a feature as narrow as 1e-9
// beside it (a tanh of a large argument) is smeared. Beyond 13 deviations a Gaussian holds less than 1e-37.
// On a panel [a, 2a] from the kink a function with its singularities at or behind the kink loses a factor
// (3 + sqrt(8))^-24 < 1e-18 (Trefethen 2013, Approximation Theory and Approximation Practice, theorem 19.3).
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

namespace fanin {

struct Abscissa {
  double z = 0, weight = 0;
};

namespace detail {

// Nodes and weights on [-1, 1] (Abramowitz & Stegun 1964, table 25.4, n = 12), symmetric.
inline constexpr Abscissa kLegendre[6] = {{0.125233408511468915472441369464, 0.249147045813402785000562436043},
                                          {0.367831498998180193752691536644, 0.233492536538354808760849898925},
                                          {0.587317954286617447296702418941, 0.203167426723065921749064455810},
                                          {0.769902674194304687036893833213, 0.160078328543346226334652529543},
                                          {0.904117256370474856678465866119, 0.106939325995318430960254718194},
                                          {0.981560634246719250690549090149, 0.047175336386511827194615961485}};

template <class Visit>
void panel(double a, double b, Visit&& visit) {
  a = std::max(a, -13.0);
  b = std::min(b, 13.0);
  if (a >= b) return;
  const double centre = 0.5 * (a + b), half = 0.5 * (b - a);
  for (const Abscissa& l : kLegendre)
    for (const double z : {centre - half * l.z, centre + half * l.z})
      visit(z, half * l.weight * 0.39894228040143267794 * std::exp(-0.5 * z * z));
}

}  // namespace detail

// Calls visit(z, weight) for every node of the rule.
template <class Visit>
void for_gaussian(Visit&& visit, double kink = 0.0) {
  constexpr int kLevels = 30;
  const double narrowest = std::ldexp(1.0, -kLevels);
  for (const double side : {-1.0, 1.0}) {
    const auto one = [&](double from, double to) {
      detail::panel(std::min(kink + side * from, kink + side * to), std::max(kink + side * from, kink + side * to),
                    visit);
    };
    one(0.0, narrowest);
    for (int level = kLevels; level > 0; --level) one(std::ldexp(1.0, -level), std::ldexp(1.0, 1 - level));
    for (double from = 1.0; from < 26.0 + std::fabs(kink); from += 1.0) one(from, from + 1.0);
  }
}

template <class Function>
double gaussian_mean(Function&& f, double kink = 0.0) {
  double sum = 0.0;
  for_gaussian([&](double z, double weight) { sum += weight * f(z); }, kink);
  return sum;
}

// E f(u) f(v) for standard normal u, v with correlation c. For each u the inner rule has its kink where v is at that of f.
template <class Function>
double gaussian_product(Function&& f, double c, double kink = 0.0) {
  if (c >= 1.0) return gaussian_mean([&](double z) { return f(z) * f(z); }, kink);
  if (c <= -1.0) return gaussian_mean([&](double z) { return f(z) * f(-z); }, kink);
  const double rest = std::sqrt((1.0 - c) * (1.0 + c));
  return gaussian_mean(
      [&](double u) {
        const double inner_kink = std::clamp((kink - c * u) / rest, -13.0, 13.0);
        return f(u) * gaussian_mean([&](double w) { return f(c * u + rest * w); }, inner_kink);
      },
      kink);
}

}  // namespace fanin
