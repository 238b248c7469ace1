// One function a lesson, each in its own file: lesson_<name>.cpp.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/lessons/lesson.h"

namespace fanin {

Lesson symmetry_lesson();
Lesson loss_at_birth_lesson();
Lesson dead_relu_lesson();

}  // namespace fanin
