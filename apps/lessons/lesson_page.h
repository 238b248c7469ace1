// A lesson run whole: the page NAME.html around what the lesson draws, what is kept of it in NAME.json, and the table of
// contents index.html over every lesson that a folder holds.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/lessons/lesson.h"
#include "core/io/file.h"

#include <optional>

namespace fanin {

struct LessonResult {
  LessonOutcome outcome;
  std::string html;
};

// `predicted` is one of lesson.choices. `command` makes the page again.
LessonResult run_lesson(const Lesson& lesson, const LessonSettings& settings, std::optional<std::size_t> predicted,
                        const std::string& command, LessonWatcher& watcher);

// NAME.html, NAME.json, index.html and index.md anew. Throws ErrorKind::output; and ErrorKind::input if a NAME.json is damaged.
void write_lesson(const Lesson& lesson, const LessonResult& result, const LessonSettings& settings,
                  const io::Path& folder);

char choice_letter(std::size_t choice);  // 'a', 'b', ...
// 'b' or 'B' to 1. Throws ErrorKind::usage, listing the letters.
std::size_t parse_choice(const Lesson& lesson, std::string_view word);

}  // namespace fanin
