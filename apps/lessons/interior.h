// Signals of convolutional networks away from the border. A pixel that is further from the border than the layers in
// front of it can reach sees no padding: there values are those of an endless image, and those under circular padding,
// which fanin does not have. So what theory says about convolutions without a border can be measured exactly.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/birth.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fanin {

struct InteriorPlan {
  std::string model, scheme;
  std::vector<std::string> nodes;  // all on maps of side x side pixels
  int side = 44, rim = 21;         // pixels of images; how many of each edge are left out
  int images = 1, seeds = 10;
  std::uint64_t seed = 1;  // the first
};

// E x^2 of each node in the order of the plan, over the pixels of the interior; standard normal images (stream
// lesson/image of each seed), training mode. Throws ErrorKind::usage for a node that the network has not.
std::vector<OverSeeds> interior_squares(const InteriorPlan& plan);

// x_0, ..., x_10 of a pre-activation ResNet of ten blocks a stage: behind the stem and behind each block of the first
// stage. `options` go behind the model's name: ",norm=none".
InteriorPlan ten_blocks(const std::string& options, const std::string& scheme, int seeds, std::uint64_t seed = 1);

// x_10 / x_0 on average over networks, and log2 of the factor of a block that this is, with its standard error. Not the
// mean of the logarithms: those of single narrow networks lie lower.
struct Doubling {
  double ratio = 0, slope = 0, error = 0;
};
Doubling doubling(const std::vector<OverSeeds>& squares);

// A chain of `layers` convolutions kernel x kernel with `width` channels behind `act`, on a map of inputs with
// variance `length`; weights N(0, weight_variance / fan_in), biases N(0, bias_variance). kernel = 1 on side = 1 is the
// fully connected network.
struct ChainPlan {
  std::string act = "tanh";
  int layers = 10, width = 64, kernel = 3, side = 32;
  double weight_variance = 1.0, bias_variance = 0.0, length = 1.0;
  int seeds = 10;
  std::uint64_t seed = 1;
};

// For each seed, a random gradient at the centre pixel of the last convolution is passed back: its squares, summed over
// the pixels of the first convolution's output, over those at the start. On average chi1^layers in the limit of wide
// layers; no path from that pixel meets the border if side > 2 * layers (kernel 3).
OverSeeds gradient_growth(const ChainPlan& plan);

// (mean)^(1 / layers) with the standard error that follows.
struct PerLayer {
  double factor = 0, error = 0;
};
PerLayer per_layer(const OverSeeds& growth, int layers);

}  // namespace fanin
