// Holds an initializer to what it says about itself, on weights that it just filled: for users (`fanin check-init`) as
// for an initializer of one's own. A sound initializer fails one check in 10,000 by chance.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

#include <vector>

namespace fanin {

struct SelfTestCheck {
  std::string name;     // "finite", "reproducible", "variance", "distribution", or a property's claim
  std::string finding;  // "std 0.0589 promised, 0.0591 measured (1.2 standard errors)"
  bool passed = false;
};

// Fills one weight of this shape from streams of `seed` and checks what can be checked.
std::vector<SelfTestCheck> self_test(const Initializer& initializer, const WeightShape& shape, std::uint64_t seed);

// Probability that a one-sample Kolmogorov-Smirnov statistic of n draws is at least d (Marsaglia, Tsang & Wang 2003 for
// the series, Stephens 1970 for the correction).
double kolmogorov_p(double d, std::size_t n);

}  // namespace fanin
