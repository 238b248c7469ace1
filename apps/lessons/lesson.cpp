// SPDX-License-Identifier: MIT
#include "apps/lessons/lesson.h"

#include <algorithm>

namespace fanin {

int LessonContext::pick(int quick, int usual, int full) const {
  switch (settings_.size) {
    case LessonSize::quick: return quick;
    case LessonSize::full: return full;
    default: return usual;
  }
}

void LessonContext::advance(double units, const std::string& what) {
  done_ += units;
  watcher_.progress(planned_ > 0.0 ? std::min(1.0, done_ / planned_) : 0.0, what);
}

void LessonContext::exact(const Text& text, bool held, std::string numbers) {
  outcome_.criteria.push_back({CriterionKind::exact, say(text), held, std::move(numbers)});
}

void LessonContext::outcome(const Text& text, bool held, std::string numbers) {
  outcome_.criteria.push_back({CriterionKind::outcome, say(text), held, std::move(numbers)});
}

void LessonContext::show(std::string name, std::vector<double> values, std::string note) {
  outcome_.views.push_back({std::move(name), std::move(values), std::move(note)});
}

}  // namespace fanin
