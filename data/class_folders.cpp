// SPDX-License-Identifier: MIT
#include "data/class_folders.h"

#include "core/rng.h"

#include <algorithm>
#include <cctype>
#include <map>

namespace fanin {

namespace {

constexpr std::size_t kTestPart = 6;  // one image of six, as in CIFAR

std::vector<std::string_view> components(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    if (slash > 0) parts.push_back(path.substr(0, slash));
    path.remove_prefix(std::min(path.size(), slash + 1));
  }
  return parts;
}

struct Place {
  std::string_view split, folder;  // split: "train", "test" or empty; folder: the class, empty if there is none
};

Place place_of(std::string_view name) {
  const std::vector<std::string_view> parts = components(name);
  for (std::size_t i = 0; i + 2 < parts.size(); ++i) {
    if (parts[i] == "train" || parts[i] == "test") return {parts[i], parts[i + 1]};
  }
  return {};
}

// Folders that every file is below, while at least one more folder level remains for the class.
std::size_t shared_folders(const std::vector<std::string>& names) {
  if (names.empty()) return 0;
  const std::vector<std::string_view> first = components(names.front());
  std::size_t shared = first.size() < 2 ? 0 : first.size() - 2;
  for (const std::string& name : names) {
    const std::vector<std::string_view> parts = components(name);
    if (parts.size() < 2) return 0;
    shared = std::min(shared, parts.size() - 2);
    const std::size_t same = static_cast<std::size_t>(
        std::mismatch(parts.begin(), parts.end() - 2, first.begin(), first.end()).first - parts.begin());
    shared = std::min(shared, same);
  }
  return shared;
}

std::vector<Place> places_of(const std::vector<std::string>& names) {
  std::vector<Place> places;
  bool has_splits = false;
  for (const std::string& name : names) {
    places.push_back(place_of(name));
    has_splits = has_splits || places.back().split == "train";
  }
  if (has_splits) return places;
  const std::size_t shared = shared_folders(names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::vector<std::string_view> parts = components(names[i]);
    places[i] = {"", parts.size() >= shared + 2 ? parts[shared] : std::string_view{}};
  }
  return places;
}

}  // namespace

bool is_image_name(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  if (slash != std::string_view::npos) name.remove_prefix(slash + 1);
  if (name.starts_with('.')) return false;  // "._a.png" holds a Macintosh's notes on a.png
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return false;
  std::string extension(name.substr(dot + 1));
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension == "png" || extension == "jpg" || extension == "jpeg";
}

ClassFolders sort_into_classes(const std::vector<std::string>& names, std::uint64_t split_seed) {
  const std::vector<Place> places = places_of(names);
  ClassFolders result;
  result.files.resize(names.size());
  std::map<std::string_view, std::vector<std::size_t>> members;
  bool any_test = false;
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!places[i].folder.empty()) members[places[i].folder].push_back(i);
    any_test = any_test || places[i].split == "test";
  }
  result.split_was_drawn = !any_test;
  for (ClassFolders::File& file : result.files) file.label = -1;
  for (const auto& [name, indices] : members) {
    const std::int32_t label = static_cast<std::int32_t>(result.class_names.size());
    result.class_names.emplace_back(name);
    for (const std::size_t i : indices) result.files[i] = {label, places[i].split == "test"};
    if (any_test || indices.size() < 2) continue;
    const std::size_t count = std::max<std::size_t>(1, (indices.size() + kTestPart / 2) / kTestPart);
    const Rng rng = Rng::stream(split_seed, "split/" + std::string(name));
    const std::vector<std::uint32_t> order = rng.permutation(static_cast<std::uint32_t>(indices.size()));
    for (std::size_t k = 0; k < count; ++k) result.files[indices[order[k]]].test = true;
  }
  return result;
}

}  // namespace fanin
