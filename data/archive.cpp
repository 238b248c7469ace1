// SPDX-License-Identifier: MIT
#include "data/archive.h"

#include "core/check.h"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

namespace fanin {

namespace {

constexpr std::size_t kPiece = 256 * 1024;  // bytes asked from the decompressor at once

using ArchivePointer = std::unique_ptr<archive, decltype(&archive_read_free)>;

// The relative name with '/', or nothing if the member is to be passed over.
std::string clean_name(std::string_view name) {
  while (name.starts_with('/') || name.starts_with("./")) name.remove_prefix(1);
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return {};
  }
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    if (name.substr(begin, end - begin) == "..") return {};
    begin = end + 1;
  }
  return std::string(name);
}

std::string name_of(archive_entry* entry) {
  const char* name = archive_entry_pathname_utf8(entry);  // null when the current locale cannot convert a plain name
  if (name == nullptr) name = archive_entry_pathname(entry);
  return name == nullptr ? std::string{} : clean_name(name);
}

[[noreturn]] void fail_reading(archive* reader, const io::Path& path) {
  const char* reason = archive_error_string(reader);
  fail(ErrorKind::input, "{}: the archive is damaged near compressed byte {} ({}); fetch or copy it again",
       path.string(), archive_filter_bytes(reader, -1), reason != nullptr ? reason : "unknown reason");
}

class ArchiveWalk {
 public:
  ArchiveWalk(const io::Path& path, const MemberVisitor& visitor, const MemberLimits& limits)
      : path_(path), visitor_(visitor), limits_(limits), file_(path), reader_(archive_read_new(), archive_read_free) {
    archive_read_support_filter_gzip(reader_.get());
    archive_read_support_format_tar(reader_.get());
    const int opened = archive_read_open_memory(reader_.get(), file_.bytes().data(), file_.bytes().size());
    if (opened != ARCHIVE_OK) fail_reading(reader_.get(), path_);
  }

  void run() {
    archive_entry* entry = nullptr;
    for (std::uint64_t members = 0;; ++members) {
      const int status = archive_read_next_header(reader_.get(), &entry);
      if (status == ARCHIVE_EOF) break;
      if (status != ARCHIVE_OK && status != ARCHIVE_WARN) fail_reading(reader_.get(), path_);
      FANIN_CHECK(members < limits_.members, input, "{}: more than {} members", path_.string(), limits_.members);
      take(entry);
      if (visitor_.progress) visitor_.progress(position());
    }
  }

 private:
  double position() const {
    const double size = static_cast<double>(std::max<std::size_t>(1, file_.bytes().size()));
    return std::min(1.0, static_cast<double>(archive_filter_bytes(reader_.get(), -1)) / size);
  }

  void take(archive_entry* entry) {
    const std::string name = name_of(entry);
    const std::uint64_t claimed = static_cast<std::uint64_t>(std::max<std::int64_t>(0, archive_entry_size(entry)));
    check_total(claimed, name);
    const bool plain = archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr;
    if (!plain || name.empty() || !visitor_.wanted(name)) {
      total_ += claimed;
      return;
    }
    check_member(claimed, name);
    content_.clear();
    for (;;) {
      const std::size_t filled = content_.size();
      content_.resize(filled + kPiece);
      const la_ssize_t got = archive_read_data(reader_.get(), content_.data() + filled, kPiece);
      if (got < 0) fail_reading(reader_.get(), path_);
      content_.resize(filled + static_cast<std::size_t>(got));
      if (got == 0) break;
      check_member(content_.size(), name);
    }
    total_ += content_.size();
    visitor_.visit(name, content_);
  }

  void check_member(std::uint64_t bytes, const std::string& name) const {
    FANIN_CHECK(bytes <= limits_.member_bytes, input, "{}: member {} has {} bytes; at most {} are read", path_.string(),
                name, bytes, limits_.member_bytes);
  }
  void check_total(std::uint64_t next, const std::string& name) const {
    FANIN_CHECK(next <= limits_.total_bytes && total_ <= limits_.total_bytes - next, input,
                "{}: unpacks to more than {} bytes (at member {})", path_.string(), limits_.total_bytes, name);
  }

  const io::Path& path_;
  const MemberVisitor& visitor_;
  const MemberLimits& limits_;
  io::MappedFile file_;
  ArchivePointer reader_;
  std::vector<std::byte> content_;
  std::uint64_t total_ = 0;
};

std::vector<std::string> files_below(const io::Path& path, const MemberVisitor& visitor, const MemberLimits& limits) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::recursive_directory_iterator it(path, error);
  for (; !error && it != std::filesystem::recursive_directory_iterator(); it.increment(error)) {
    std::error_code ignored;
    if (!it->is_regular_file(ignored)) continue;
    const std::string name = clean_name(it->path().lexically_relative(path).generic_string());
    if (!name.empty() && visitor.wanted(name)) names.push_back(name);
    FANIN_CHECK(names.size() <= limits.members, input, "{}: more than {} files", path.string(), limits.members);
  }
  FANIN_CHECK(!error, input, "{}: cannot be listed ({})", path.string(), error.message());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

void read_archive(const io::Path& path, const MemberVisitor& visitor, const MemberLimits& limits) {
  ArchiveWalk(path, visitor, limits).run();
}

void read_folder(const io::Path& path, const MemberVisitor& visitor, const MemberLimits& limits) {
  const std::vector<std::string> names = files_below(path, visitor, limits);
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::vector<std::byte> content = io::read_bytes(path / names[i], limits.member_bytes);
    total += content.size();
    FANIN_CHECK(total <= limits.total_bytes, input, "{}: files of more than {} bytes in all", path.string(),
                limits.total_bytes);
    visitor.visit(names[i], content);
    if (visitor.progress) visitor.progress(static_cast<double>(i + 1) / static_cast<double>(names.size()));
  }
}

bool is_archive(std::span<const std::byte> bytes) {
  const std::byte gzip[] = {std::byte{0x1f}, std::byte{0x8b}};
  if (bytes.size() >= 2 && std::memcmp(bytes.data(), gzip, 2) == 0) return true;
  return bytes.size() >= 512 && std::memcmp(bytes.data() + 257, "ustar", 5) == 0;
}

}  // namespace fanin
