// Small help for lists of channel blocks, and an activation applied to one of them.
// SPDX-License-Identifier: MIT
#pragma once

#include "init/gaussian_activation.h"
#include "init/moments_forward.h"

#include <algorithm>
#include <vector>

namespace fanin {

double average(const std::vector<double>& v);
// Of a channel over the batch, as BatchNorm sees it.
inline double variance(const ChannelBlock& b) { return std::max(0.0, average(*b.square) - b.shared); }

// Calls visit(block, channels) for the part of each block among the channels [first, first + count).
template <class Visit>
void for_overlaps(const std::vector<ChannelBlock>& blocks, int first, int count, Visit&& visit) {
  int begin = 0;
  for (std::size_t b = 0; b < blocks.size(); begin += blocks[b++].channels) {
    const int low = std::max(begin, first), high = std::min(begin + blocks[b].channels, first + count);
    if (low < high) visit(b, high - low);
  }
}

// Calls visit(block of a, block of b, channels) for the pieces into which both lists cut the same channels.
template <class Visit>
void for_common_blocks(const std::vector<ChannelBlock>& a, const std::vector<ChannelBlock>& b, Visit&& visit) {
  int first = 0;
  for (std::size_t i = 0; i < a.size(); first += a[i++].channels)
    for_overlaps(b, first, a[i].channels, [&](std::size_t j, int channels) { visit(i, j, channels); });
}

// What an activation does to a block: u ~ N(E u, E u^2 - (E u)^2) at every pixel. Where E u differs from pixel to pixel,
// relu takes it as it is and other activations its mean ratio to the deviation.
class ActivationOfBlock {
 public:
  ActivationOfBlock(const ChannelBlock& u, const Traits& traits);
  std::vector<double> map(GaussianActivation::What what) const;
  double shared() const;

 private:
  const ChannelBlock& u_;
  const Traits& traits_;
  std::vector<double> variance_;
  double mean_variance_ = 0, mean_ = 0;
  bool same_mean_ = true;
  GaussianActivation activation_;
};

}  // namespace fanin
