// RunConfig from and to TOML.
// SPDX-License-Identifier: MIT
#include "apps/study/config.h"

#include "core/check.h"
#include "core/text.h"
#include "core/train/optimizer.h"
#include "core/train/schedule.h"

#include <fmt/format.h>

#include <sstream>
#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

namespace fanin {

namespace {

std::string where_of(const std::string& source, const toml::node& node, std::string_view key) {
  return fmt::format("{}:{}: {}", source, node.source().begin.line, key);
}

std::string number_text(const toml::node& node, const std::string& where) {
  if (const std::optional<std::int64_t> i = node.value_exact<std::int64_t>()) return fmt::format("{}", *i);
  if (const std::optional<double> d = node.value_exact<double>()) return fmt::format("{}", *d);
  fail(ErrorKind::usage, "{} must be a number", where);
}

// The node as the text that Setting::set takes, after checking its type.
std::string text_of(const toml::node& node, SettingKind kind, const std::string& where) {
  switch (kind) {
    case SettingKind::text: {
      const std::optional<std::string> s = node.value_exact<std::string>();
      FANIN_CHECK(s, usage, "{} must be a text in quotes", where);
      return *s;
    }
    case SettingKind::integer: {
      const std::optional<std::int64_t> i = node.value_exact<std::int64_t>();
      FANIN_CHECK(i, usage, "{} must be a whole number", where);
      return fmt::format("{}", *i);
    }
    case SettingKind::number: return number_text(node, where);
    case SettingKind::boolean: {
      const std::optional<bool> b = node.value_exact<bool>();
      FANIN_CHECK(b, usage, "{} must be true or false", where);
      return *b ? "true" : "false";
    }
    case SettingKind::words:
    case SettingKind::numbers: {
      FANIN_CHECK(node.is_array(), usage, "{} must be a list in brackets", where);
      std::vector<std::string> parts;
      for (const toml::node& element : *node.as_array())
        parts.push_back(text_of(element, kind == SettingKind::words ? SettingKind::text : SettingKind::number, where));
      return fmt::format("{}", fmt::join(parts, ","));
    }
  }
  fail(ErrorKind::usage, "{}: no such kind of setting", where);
}

const Setting& setting_named(std::string_view key, const std::string& where) {
  std::vector<std::string> known;
  for (const Setting& s : settings()) {
    if (key == s.key) return s;
    known.emplace_back(s.key);
  }
  fail(ErrorKind::usage, "{}: unknown setting '{}'{}", where, key, did_you_mean(key, known));
}

std::string quoted(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

// A TOML float needs a point or an exponent; integers are accepted for numbers, so the shortest form will do.
std::string toml_value(const Setting& s, const RunConfig& config) {
  const std::string text = s.get(config);
  if (s.kind == SettingKind::text) return quoted(text);
  if (s.kind == SettingKind::numbers) return "[" + text + "]";
  if (s.kind != SettingKind::words) return text;
  std::vector<std::string> parts;
  for (const std::string_view part : split(text, ',')) parts.push_back(quoted(std::string(part)));
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

}  // namespace

void read_toml(RunConfig& config, const io::Path& path) {
  read_toml_text(config, io::read_text(path, 1u << 20), path.string());
}

void read_toml_text(RunConfig& config, const std::string& content, const std::string& source) {
  toml::table table;
  try {
    table = toml::parse(content, source);
  } catch (const toml::parse_error& error) {
    fail(ErrorKind::usage, "{}:{}: {}", source, error.source().begin.line, error.description());
  }
  for (const auto& [key, node] : table) {
    const std::string where = where_of(source, node, key.str());
    const Setting& s = setting_named(key.str(), fmt::format("{}:{}", source, node.source().begin.line));
    s.set(config, text_of(node, s.kind, where), where);
  }
}

std::string to_toml(const RunConfig& config) {
  std::string result;
  for (const Setting& s : settings()) result += fmt::format("{} = {}  # {}\n", s.key, toml_value(s, config), s.help);
  return result;
}

}  // namespace fanin
