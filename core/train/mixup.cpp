// SPDX-License-Identifier: MIT
#include "core/train/mixup.h"

#include "core/check.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

Mixup::Mixup(double alpha, std::uint64_t seed) : alpha_(alpha), seed_(seed) {
  FANIN_CHECK(alpha >= 0.0 && alpha <= 4.0, usage, "mixup {}; give 0 (off) to 4", alpha);
}

// X = U^(1/a), Y = V^(1/a); given X + Y <= 1, X / (X + Y) is Beta(a, a). In logarithms, as X and Y may underflow.
double beta_draw(double alpha, const Rng& rng) {
  for (std::uint64_t i = 0;; i += 2) {
    const double x = std::log(rng.uniform(i)) / alpha, y = std::log(rng.uniform(i + 1)) / alpha;
    const double larger = std::max(x, y), log_sum = larger + std::log1p(std::exp(std::min(x, y) - larger));
    if (log_sum <= 0.0) return std::exp(x - log_sum);
  }
}

MixedLabels Mixup::mix(Batch& batch, std::int64_t step) {
  if (alpha_ == 0.0) return {};
  const Shape shape = batch.images.shape;
  const double drawn = beta_draw(alpha_, Rng::stream(seed_, fmt::format("mixup/share/{}", step)));
  const double share = std::max(drawn, 1.0 - drawn);  // the same mixtures, seen from the larger part
  const std::vector<std::uint32_t> partner =
      Rng::stream(seed_, fmt::format("mixup/{}", step)).permutation(static_cast<std::uint32_t>(shape.images));
  if (images_.shape().images < shape.images) {
    images_ = Tensor(shape);
    labels_.resize(static_cast<std::size_t>(shape.images));
  }
  const View mixed = images_.view().images(0, shape.images);
  const float mine = static_cast<float>(share), others = static_cast<float>(1.0 - share);
  const std::size_t pixels = shape.pixels() / static_cast<std::size_t>(shape.images);
  parallel_for(shape.images, [&](int n) {
    const std::size_t own = static_cast<std::size_t>(n), other = partner[own];
    for (std::size_t p = 0; p < pixels; ++p) {
      const float *a = batch.images.pixel(own * pixels + p), *b = batch.images.pixel(other * pixels + p);
      float* to = mixed.pixel(own * pixels + p);
      for (int c = 0; c < shape.channels; ++c) to[c] = mine * a[c] + others * b[c];
    }
    labels_[own] = batch.labels[other];
  });
  batch.images = mixed;
  return {.other = std::span<const int>(labels_).first(batch.labels.size()), .share = share};
}

}  // namespace fanin
