// SPDX-License-Identifier: MIT
#include "core/train/loss.h"

#include "core/check.h"
#include "core/tensor/parallel.h"

#include <cmath>

namespace fanin {

namespace {

// Writes the softmax of one row of K logits, in double: exp(x_k - max) / sum. Returns log of the sum, plus max.
double row_softmax(const float* logits, int classes, double* probabilities) {
  double largest = static_cast<double>(logits[0]);
  for (int k = 1; k < classes; ++k) largest = std::fmax(largest, static_cast<double>(logits[k]));
  double sum = 0.0;
  for (int k = 0; k < classes; ++k) {
    probabilities[k] = std::exp(static_cast<double>(logits[k]) - largest);
    sum += probabilities[k];
  }
  for (int k = 0; k < classes; ++k) probabilities[k] /= sum;
  return largest + std::log(sum);
}

int first_largest(const float* logits, int classes) {
  int best = 0;
  for (int k = 1; k < classes; ++k)
    if (logits[k] > logits[best]) best = k;
  return best;
}

}  // namespace

// One thread: a batch of logits is a few thousand numbers, less than a fork and join costs.
LossResult softmax_cross_entropy(ConstView logits, std::span<const int> labels, float label_smoothing, View gradient,
                                 const MixedLabels& mixed) {
  const int classes = logits.shape.channels, images = logits.shape.images;
  FANIN_CHECK(labels.size() == static_cast<std::size_t>(images), shape, "loss: {} logits rows but {} labels", images,
              labels.size());
  LossResult result;
  const double smoothing = static_cast<double>(label_smoothing), share = smoothing / classes;
  constexpr int kOnStack = 1024;
  double stack[kOnStack];
  std::vector<double> heap(
      static_cast<std::size_t>(classes > kOnStack ? classes : 0));  // empty for all usual data sets
  double* const p = classes > kOnStack ? heap.data() : stack;
  for (int n = 0; n < images; ++n) {
    const float* row = logits.pixel(static_cast<std::size_t>(n));
    const int label = labels[static_cast<std::size_t>(n)];
    const int other = mixed.other.empty() ? label : mixed.other[static_cast<std::size_t>(n)];
    FANIN_CHECK(label >= 0 && label < classes, shape,
                "loss: label {} but {} classes; the network needs as many outputs as the data has classes", label,
                classes);
    const double log_sum = row_softmax(row, classes, p);
    const double mine = (1.0 - smoothing) * mixed.share, others = (1.0 - smoothing) * (1.0 - mixed.share);
    double loss = mine * (log_sum - static_cast<double>(row[label]));
    if (others > 0.0) loss += others * (log_sum - static_cast<double>(row[other]));
    if (share > 0.0)
      for (int k = 0; k < classes; ++k) loss += share * (log_sum - static_cast<double>(row[k]));
    result.loss_sum += loss;
    result.correct += first_largest(row, classes) == label;
    if (gradient.data == nullptr) continue;
    float* to = gradient.pixel(static_cast<std::size_t>(n));
    for (int k = 0; k < classes; ++k)
      to[k] = static_cast<float>((p[k] - share - (k == label ? mine : 0.0) - (k == other ? others : 0.0)) / images);
  }
  return result;
}

void softmax(View logits) {
  const int classes = logits.shape.channels;
  std::vector<double> p(static_cast<std::size_t>(classes));
  for (std::size_t n = 0; n < logits.shape.pixels(); ++n) {
    row_softmax(logits.pixel(n), classes, p.data());
    for (int k = 0; k < classes; ++k) logits.pixel(n)[k] = static_cast<float>(p[static_cast<std::size_t>(k)]);
  }
}

}  // namespace fanin
