// The part of lesson glorot2010 that trains: saturation of the top layer, and the order of methods by test error.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/lessons/lesson.h"

namespace fanin {

double glorot_training_units(const LessonContext& context);  // of progress
void glorot_training(LessonContext& context);

}  // namespace fanin
