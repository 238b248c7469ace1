// The part of lesson schoenholz2017 that trains: accuracy over depth and weight variance.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/lessons/lesson.h"

namespace fanin {

double schoenholz_training_units(const LessonContext& context);  // of progress
void schoenholz_training(LessonContext& context);

}  // namespace fanin
