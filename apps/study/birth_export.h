// Births as data: JSON with everything, CSV with a row a node.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/birth_pictures.h"
#include "apps/study/birth_prediction.h"
#include "apps/study/curvature.h"
#include "apps/study/jacobian.h"

namespace fanin {

// A birth with its predictions, as `fanin probe` shows it.
struct ProbedScheme {
  Birth birth;
  std::vector<NodePrediction> predictions;  // as birth.nodes
  std::optional<Phase> phase;
  std::optional<JacobianSpectrum> jacobian;  // of the first image, under the last seed; likewise
  std::optional<Curvature> curvature;
  BirthPictures pictures;  // under the last seed; for the page
};

// An array of objects. Numbers over seeds are {"mean", "std", "values"}; what is not finite or not known is null.
std::string to_json(const std::vector<ProbedScheme>& schemes);
// Means over seeds; empty cells for what is not known.
std::string to_csv(const std::vector<ProbedScheme>& schemes);

}  // namespace fanin
