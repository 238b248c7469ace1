// What lessons measure on: images made small, Gaussian inputs as theory has them, and networks with them.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/lessons/lesson.h"
#include "apps/study/birth.h"

#include <memory>
#include <string>

namespace fanin {

// The first `train` and `test` images of the lesson's data (classes in their proportions), averaged over squares of
// pixels down to side x side. Throws ErrorKind::usage where the data's images are not squares of a multiple of `side`.
Dataset small_images(const LessonContext& context, int train, int test, int side);

// Ten clusters, as easy as MNIST and as small as needed: an image of side x side numbers is sqrt(1 - noise^2) times the
// prototype of its class plus noise times its own numbers, all standard normal; as bytes, 32 to a deviation. Stream
// lesson/clusters/...
Dataset clusters(int train, int test, int side, double noise, std::uint64_t seed);

// Standard normal inputs of `features` numbers; labels go round. Stream lesson/input.
KeptBatch gaussian_batch(int images, int features, int classes, std::uint64_t seed);

// Two of them of mean square q, with correlation c up to rounding: the second is first made orthogonal to the other.
KeptBatch gaussian_pair(int features, int classes, double q, double c, std::uint64_t seed);

// A network for one fixed batch, filled by `scheme` from seed 1 on: what birth(), predict_birth() and
// jacobian_spectrum() take.
std::unique_ptr<Session> session_on(const std::string& model, const std::string& scheme, const KeptBatch& batch,
                                    int classes);

}  // namespace fanin
