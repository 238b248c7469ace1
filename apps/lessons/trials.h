// Many small trainings at once, and what is said about their results.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/lessons/exercise.h"
#include "apps/lessons/lesson.h"
#include "apps/study/birth.h"

#include <string>
#include <vector>

namespace fanin {

// On all cores, one training on each; advances the lesson by 1 after each of them.
std::vector<Exercised> run_trials(LessonContext& context, const Dataset& data, const std::vector<Exercise>& trials);

// The first training batch of `images`, normalized, without augmentation.
KeptBatch batch_of(const Dataset& data, int images, std::uint64_t seed);

// Paired by seed, a - b: the mean and, from two seeds on, its 95 % interval (statistics.h).
IntervalRow paired_row(const std::string& name, const std::vector<double>& a, const std::vector<double>& b);

// "+0.4 [-1.2, 2.0]: no difference found"; the verdict only if there is an interval.
std::string paired_text(const LessonContext& context, const IntervalRow& row);
bool differs(const IntervalRow& row);  // the interval leaves 0 out

std::string listed(const std::vector<double>& values, const char* format = "{:.3f}");  // "0.1, 0.2"

}  // namespace fanin
