// The second moment of every gradient at birth, from the moments of the values (moments_forward.h): E (dL/dx)^2 of a
// channel, backwards from what it is at the output.
//   conv, linear   v * sum over the outputs that a pixel feeds
//   activation     times E f'(u)^2; 1/2 for relu behind a centred layer without bias
//   batch_norm     times scale^2 / (variance + epsilon) * (1 - 2 / M), M values a channel: what is along the mean and
//                  along x itself is taken out (batch_norm.h)
//   pools          a share of 1 / window; max_pool passes all of it to one pixel in window
//   several readers: the sum
// Gradients are taken to be independent of the weights and masks that they pass (Schoenholz et al. 2017, section 4). For
// fully connected relu networks that is exact at any width (Hanin & Nica 2020); else it errs by the order of 1 / width.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/moments_forward.h"

#include <optional>

namespace fanin {

// Of each node, mean over images, pixels and channels; nothing where it is not known. `output_square` is that of the
// last node: given, since it is the loss and not the initialization that decides it.
std::vector<std::optional<double>> backward_moments(const GraphMoments& graph, double output_square);

}  // namespace fanin
