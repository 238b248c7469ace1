// What a residual branch carries besides its layers, for initializations that need scalars to learn:
//   plain      nothing
//   skipinit   x + scale * F(x), and biases in the convolutions of the branch (De & Smith 2020)
//   rezero     x + scale * F(x) (Bachlechner et al. 2020)
//   fixup      scale * F(x) + bias, and a scalar bias before each convolution of the branch, each activation and the
//              classifier; no norm (Zhang, Dauphin & Ma 2019)
// The scalars' values at birth are a scheme's business: `skipinit`, `rezero`, `fixup`.
// SPDX-License-Identifier: MIT
#pragma once

#include "models/options.h"

namespace fanin {

// Reads residual=; throws ErrorKind::usage for fixup with a norm.
ResidualForm read_residual(ModelSpec& spec, const ModelOptions& options);

bool branch_biases(ResidualForm form);  // of convolutions
// x + a scalar bias under fixup, else x itself.
Node shifted(Network& net, const std::string& name, Node x, ResidualForm form);
// The end of a branch: times "scale", and under fixup plus "bias".
Node branch_end(Network& net, Node y, ResidualForm form);

}  // namespace fanin
