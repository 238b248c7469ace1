// One function a lesson, each in its own file: lesson_<name>.cpp.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/lessons/lesson.h"

namespace fanin {

Lesson symmetry_lesson();

}  // namespace fanin
