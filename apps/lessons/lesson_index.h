// The course as a page: every lesson in order, with a link and the outcome of those that the folder holds.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/lessons/lesson.h"
#include "core/io/file.h"

namespace fanin {

// HTML. Reads FOLDER/NAME.json of every lesson of the catalog; throws ErrorKind::input if one is damaged.
std::string lesson_index(const io::Path& folder, Language language);

// The same as Markdown, which docs/lessons.md is made of.
std::string lesson_markdown(const io::Path& folder, Language language);

}  // namespace fanin
