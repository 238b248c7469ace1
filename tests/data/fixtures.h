// What the data tests are made of: scratch folders, tiny data sets, images and archives.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/check.h"
#include "data/dataset.h"
#include "data/image_file.h"
#include "tests/support/scratch.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

namespace fanin::testing_data {

using Bytes = std::vector<std::byte>;
using Path = std::filesystem::path;

inline Bytes bytes_of(std::string_view text) {
  const std::byte* p = reinterpret_cast<const std::byte*>(text.data());
  return {p, p + text.size()};
}

using test::scratch_folder;

inline void write_file(const Path& path, const Bytes& content) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
}

inline Bytes read_file(const Path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  return bytes_of(text);
}

template <class Fn>
std::string error_of(ErrorKind kind, Fn&& fn) {  // the message; empty and a failure if there was no such error
  try {
    fn();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}
inline bool mentions(const std::string& text, const std::string& part) {
  if (text.find(part) == std::string::npos) std::cerr << "\"" << text << "\" does not mention \"" << part << "\"\n";
  return text.find(part) != std::string::npos;
}
#define EXPECT_MENTIONS(text, part) EXPECT_TRUE(mentions(text, part))

inline Bytes plain_png(int height, int width, std::uint8_t red, std::uint8_t green, std::uint8_t blue) {
  std::vector<std::uint8_t> pixels;
  for (int i = 0; i < height * width; ++i) pixels.insert(pixels.end(), {red, green, blue});
  return encode_png(pixels, height, width);
}

// A data set of `train` + `test` images of 4 x 6 x 3 whose bytes count up, so that every image differs; labels 0, 1, 2,
// 0, ...
inline Dataset counting_dataset(int train, int test) {
  DatasetParts parts;
  parts.name = "counting";
  parts.image = {1, 4, 6, 3};
  parts.class_names = {"a", "b", "c"};
  for (int i = 0; i < train + test; ++i) {
    std::vector<std::uint8_t>& pixels = i < train ? parts.train_pixels : parts.test_pixels;
    for (int k = 0; k < 72; ++k) pixels.push_back(static_cast<std::uint8_t>((i * 7 + k * 3) & 255));
    (i < train ? parts.train_labels : parts.test_labels).push_back(i % 3);
  }
  return assemble(std::move(parts), "counting");
}

struct Member {
  std::string name;
  Bytes content = {};
  int type = AE_IFREG;
  std::string link = {};  // target of a symbolic or hard link
  bool hard = false;
};

inline void write_tar(const Path& path, const std::vector<Member>& members, bool gzip = true) {
  archive* out = archive_write_new();
  if (gzip) archive_write_add_filter_gzip(out);
  archive_write_set_format_pax_restricted(out);
  ASSERT_EQ(archive_write_open_filename(out, path.c_str()), ARCHIVE_OK);
  for (const Member& member : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, member.name.c_str());
    archive_entry_set_filetype(entry, static_cast<unsigned>(member.type));
    archive_entry_set_perm(entry, 0644);
    if (!member.link.empty())
      (member.hard ? archive_entry_set_hardlink : archive_entry_set_symlink)(entry, member.link.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(member.content.size()));
    ASSERT_LE(archive_write_header(out, entry), ARCHIVE_OK);
    if (!member.content.empty()) archive_write_data(out, member.content.data(), member.content.size());
    archive_entry_free(entry);
  }
  archive_write_free(out);
}

// A CIFAR-10 record: the label and planes that count up from `first`.
inline void append_record(Bytes& out, std::initializer_list<int> labels, int first) {
  for (const int label : labels) out.push_back(static_cast<std::byte>(label));
  for (int k = 0; k < 3072; ++k) out.push_back(static_cast<std::byte>((first + k * 5 + k / 1024) & 255));
}

}  // namespace fanin::testing_data
