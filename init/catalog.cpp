// SPDX-License-Identifier: MIT
#include "init/catalog.h"

#include "core/check.h"
#include "core/text.h"
#include "init/rows.h"

namespace fanin {

const std::vector<InitializerEntry>& initializer_catalog() {
  static const std::vector<InitializerEntry> entries = [] {
    std::vector<InitializerEntry> result;
    for (const auto* rows : {&scale_rows(), &structured_rows()})
      for (const InitializerRow& row : *rows) result.push_back(row.entry);
    return result;
  }();
  return entries;
}

InitializerPtr make_initializer(std::string_view text) {
  SpecOptions options("initializer", parse_spec(text));
  std::vector<std::string> known;
  for (const auto* rows : {&scale_rows(), &structured_rows()})
    for (const InitializerRow& row : *rows) {
      known.push_back(row.entry.name);
      if (row.entry.name != options.name()) continue;
      InitializerPtr result = row.make(options);
      options.finish();
      return result;
    }
  fail(ErrorKind::usage, "unknown initializer '{}'{}", options.name(), did_you_mean(options.name(), known));
}

}  // namespace fanin
