// SPDX-License-Identifier: MIT
#include "core/spec.h"

#include "core/check.h"
#include "core/text.h"

#include <algorithm>

namespace fanin {

Spec parse_spec(std::string_view text) {
  const std::size_t colon = text.find(':');
  Spec spec{std::string(trim(text.substr(0, colon))), {}};
  if (colon == std::string_view::npos) return spec;
  for (const std::string_view option : split(text.substr(colon + 1), ',')) {
    const std::size_t equals = option.find('=');
    FANIN_CHECK(equals != std::string_view::npos, usage,
                "'{}': option '{}' has no value; write key=value, separated by commas", text, option);
    const std::string key(trim(option.substr(0, equals)));
    for (const std::pair<std::string, std::string>& given : spec.options)
      FANIN_CHECK(given.first != key, usage, "'{}': option '{}' is given twice; keep one", text, key);
    spec.options.emplace_back(key, trim(option.substr(equals + 1)));
  }
  return spec;
}

const std::string* SpecOptions::find(const std::string& key) {
  known_.push_back(key);
  for (const std::pair<std::string, std::string>& option : spec_.options)
    if (option.first == key) return &option.second;
  return nullptr;
}

std::string SpecOptions::text(const std::string& key, const std::string& fallback) {
  const std::string* found = find(key);
  return found == nullptr ? fallback : *found;
}

double SpecOptions::number(const std::string& key, double fallback) {
  const std::string* found = find(key);
  if (found == nullptr) return fallback;
  const std::optional<double> value = parse_number(*found);
  FANIN_CHECK(value, usage, "{} '{}': {}={} must be a number", kind_, spec_.name, key, *found);
  return *value;
}

int SpecOptions::integer(const std::string& key, int fallback, int least, int most) {
  const std::string* found = find(key);
  if (found == nullptr) return fallback;
  const std::optional<long long> value = parse_integer(*found);
  FANIN_CHECK(value && *value >= least && *value <= most, usage, "{} '{}': {}={} must be a whole number from {} to {}",
              kind_, spec_.name, key, *found, least, most);
  return static_cast<int>(*value);
}

std::string SpecOptions::word(const std::string& key, const std::string& fallback,
                              const std::vector<std::string>& legal) {
  const std::string* found = find(key);
  if (found == nullptr) return fallback;
  FANIN_CHECK(std::find(legal.begin(), legal.end(), *found) != legal.end(), usage, "{} '{}': unknown {} '{}'{}", kind_,
              spec_.name, key, *found, did_you_mean(*found, legal));
  return *found;
}

void SpecOptions::finish() const {
  for (const std::pair<std::string, std::string>& option : spec_.options)
    FANIN_CHECK(std::find(known_.begin(), known_.end(), option.first) != known_.end(), usage,
                "{} '{}': unknown option '{}'{}", kind_, spec_.name, option.first,
                known_.empty() ? std::string("; it takes none") : did_you_mean(option.first, known_));
}

}  // namespace fanin
