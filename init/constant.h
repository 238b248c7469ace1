// Every weight the same number. As weights of a layer it leaves all units equal for ever: the textbook failure of
// symmetry.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/initializer.h"

namespace fanin {

InitializerPtr constant(double value);

}  // namespace fanin
