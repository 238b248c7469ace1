// The second moment of every value of a network at birth, predicted from its graph, its scheme and one batch of images
// without drawing a weight: E x^2 over the weights, for every image and pixel, of a channel.
//   conv, linear   v * sum over the window and its channels of E x^2, plus E b^2. Exact for centred weights of variance
//                  v (Initializer::centred), since E w w' = 0; borders count what lies inside the image
//   activation     E f(u)^2 for Gaussian u (gaussian_activation.h). Exact for relu behind a centred layer without bias,
//                  since u is as likely as -u; for others exact as the width grows (Poole et al. 2016)
//   sum            E (a + b)^2; a and b are uncorrelated if turning the signs of some weights turns one and not the other
//   concat         both
//   average pools  the covariance of pixels is not followed: with PoolPixels::independent the pixels of a window have
//                  in common what all pixels of the batch have (`shared` below), with ::equal everything. The truth lies
//                  between, unless neighbours have less in common than strangers
//   batch_norm     (E x^2 - shared) / (variance + epsilon) * scale^2 + shift^2. `shared` is E (mean over the batch)^2 of
//                  a channel, followed as one number per block of channels. The mean over a batch is exact but for epsilon
//   max_pool       unknown until the next BatchNorm; so is what uncentred weights compute (dirac, constants)
// Vectors (biases without a law, scales, shifts, scalars) count with the values that they have in the network.
// After Taki 2017, Hanin & Rolnick 2018 and De & Smith 2020, who follow one number per layer; the maps are what
// padding, strides and pools need.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"
#include "init/layer_law.h"

#include <memory>
#include <string>
#include <vector>

namespace fanin {

using MomentMap = std::shared_ptr<const std::vector<double>>;  // per image and pixel

// Neighbouring channels with the same law.
struct ChannelBlock {
  int channels = 0;
  MomentMap square, mean;  // E x^2, E x
  double shared = 0;       // E (mean over images and pixels)^2
};

struct NodeMoments {
  bool known = false;
  std::string reason;  // why not
  Shape shape;         // with the images of the maps
  std::vector<ChannelBlock> blocks;
  double square() const;  // mean over images, pixels and channels
};

enum class PoolPixels { independent, equal };

struct GraphMoments {
  int images = 0;  // of the batch
  std::vector<NodeSummary> nodes;
  std::vector<std::vector<std::size_t>> inputs;  // of each node, by index
  std::vector<LayerLaw> laws;
  std::vector<NodeMoments> values;
};

// `net` is prepared and initialized. Where every activation is relu or leaky_relu second moments pass linearly, and one
// map stands for the mean of all images.
GraphMoments forward_moments(const Network& net, const Scheme& scheme, ConstView images, PoolPixels pixels);

}  // namespace fanin
