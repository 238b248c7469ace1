// All lessons, in the order of the course.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/lessons/lesson.h"

#include <vector>

namespace fanin {

const std::vector<Lesson>& lesson_catalog();
const Lesson& find_lesson(std::string_view name);  // throws ErrorKind::usage: "did you mean"

}  // namespace fanin
