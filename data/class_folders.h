// Which class and which split a file belongs to, from its path alone:
//   train/<class>/.../a.png and test/<class>/.../b.png       as given
//   <class>/.../a.png                                        a seeded part of each class goes to testing
// Folders above these, when all files share them, are ignored.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fanin {

struct ClassFolders {
  struct File {
    std::int32_t label = 0;  // -1: in no class folder, or outside train/ and test/
    bool test = false;
  };
  std::vector<std::string> class_names;  // sorted
  std::vector<File> files;               // one for each name
  bool split_was_drawn = false;  // no test/ folder: testing holds a seeded sixth of each class, but at least one image
};

bool is_image_name(std::string_view name);  // .png, .jpg, .jpeg in any case, not hidden

// `names` are sorted relative paths. Draws of class k come from stream split/<class name>.
ClassFolders sort_into_classes(const std::vector<std::string>& names, std::uint64_t split_seed);

}  // namespace fanin
