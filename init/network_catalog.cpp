// SPDX-License-Identifier: MIT
#include "init/network_catalog.h"

#include "core/check.h"
#include "core/spec.h"
#include "init/lsuv.h"

namespace fanin {

namespace {

struct Row {
  NetworkEntry entry;
  NetworkInitializerPtr (*make)(SpecOptions&);
};

const std::vector<Row>& rows() {
  static const std::vector<Row> list = {
      {{"lsuv", "tolerance=0.02, tries=10", "orthogonal", "W / std(output), layer after layer, until variance 1",
        "Mishkin & Matas 2016",
        "plain networks of 17-19 layers train with any activation, about as well as with BatchNorm", "plain-8-8"},
       [](SpecOptions& o) {
         const double tolerance = o.number("tolerance", 0.02);
         return lsuv(tolerance, o.integer("tries", 10, 1, 1000));
       }},
  };
  return list;
}

}  // namespace

const std::vector<NetworkEntry>& network_catalog() {
  static const std::vector<NetworkEntry> entries = [] {
    std::vector<NetworkEntry> result;
    for (const Row& row : rows()) result.push_back(row.entry);
    return result;
  }();
  return entries;
}

const NetworkEntry* find_network_entry(std::string_view name) {
  for (const Row& row : rows())
    if (row.entry.name == name) return &row.entry;
  return nullptr;
}

NetworkStep make_network_step(std::string_view spec) {
  SpecOptions options("scheme", parse_spec(spec));
  for (const Row& row : rows()) {
    if (row.entry.name != options.name()) continue;
    NetworkStep step{options.text("base", row.entry.base), row.make(options)};
    options.finish();
    return step;
  }
  fail(ErrorKind::usage, "unknown step '{}'", options.name());
}

}  // namespace fanin
