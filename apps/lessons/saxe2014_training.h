// The part of lesson saxe2014 that trains: steps to a loss and best learning rate against depth.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/lessons/lesson.h"

namespace fanin {

double saxe_training_units(const LessonContext& context);  // of progress
void saxe_training(LessonContext& context);

}  // namespace fanin
