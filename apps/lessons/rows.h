// One function a lesson, each in its own file: lesson_<name>.cpp.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/lessons/lesson.h"

namespace fanin {

Lesson symmetry_lesson();
Lesson loss_at_birth_lesson();
Lesson dead_relu_lesson();
Lesson glorot2010_lesson();
Lesson he2015_lesson();
Lesson pytorch_default_lesson();
Lesson saxe2014_lesson();
Lesson schoenholz2017_lesson();
Lesson lsuv2016_lesson();
Lesson xiao2018_lesson();
Lesson fixup2019_lesson();
Lesson skipinit_lesson();
Lesson zero_gamma_lesson();
Lesson wrn_gamma_lesson();
Lesson bn_hides_init_lesson();
Lesson groups_and_fans_lesson();
Lesson form_b_vs_c_lesson();

}  // namespace fanin
