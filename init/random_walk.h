// Random-walk initialization (Sussillo & Abbott 2014, arXiv 1412.6558, section 2): N(0, g^2 / fan_in). The logarithm of
// the back-propagated norm walks at random over the layers; g removes its drift, which comes from finite width N:
//   linear   g = exp(1 / (2 N))
//   relu     g = sqrt(2) exp(1.2 / (max(N, 6) - 2.4))
// They derive it for layers of equal width; here N is fan_in.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

enum class WalkThrough { linear, relu };

double random_walk_gain(double width, WalkThrough activation);
InitializerPtr random_walk(WalkThrough activation);

}  // namespace fanin
