// SPDX-License-Identifier: MIT
#include "apps/lessons/catalog.h"

#include "apps/lessons/rows.h"
#include "core/check.h"
#include "core/text.h"

namespace fanin {

const std::vector<Lesson>& lesson_catalog() {
  static const std::vector<Lesson> all = {
      // Why weights are drawn at random, and how large
      symmetry_lesson(),
      loss_at_birth_lesson(),
      glorot2010_lesson(),
      he2015_lesson(),
      pytorch_default_lesson(),
      dead_relu_lesson(),
      // Beyond variance: the directions of a signal
      saxe2014_lesson(),
      schoenholz2017_lesson(),
      xiao2018_lesson(),
      lsuv2016_lesson(),
      // What BatchNorm and shortcuts make of it
      fixup2019_lesson(),
      skipinit_lesson(),
      zero_gamma_lesson(),
      wrn_gamma_lesson(),
      bn_hides_init_lesson(),
      // What published codes do
      groups_and_fans_lesson(),
      form_b_vs_c_lesson(),
  };
  return all;
}

const Lesson& find_lesson(std::string_view name) {
  std::vector<std::string> names;
  for (const Lesson& lesson : lesson_catalog()) {
    if (lesson.name == name) return lesson;
    names.emplace_back(lesson.name);
  }
  fail(ErrorKind::usage, "unknown lesson '{}'{}", name, did_you_mean(name, names));
}

}  // namespace fanin
