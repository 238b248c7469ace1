// SPDX-License-Identifier: MIT
#include "data/archive.h"

#include "tests/data/fixtures.h"

#include <map>
#include <set>

namespace fanin {
namespace {

using namespace testing_data;

struct Seen {
  std::map<std::string, Bytes> files;
  double last_fraction = 0;
};

Seen walk(const Path& path, const MemberLimits& limits = {}) {
  Seen seen;
  const MemberVisitor visitor{
      .wanted = [](std::string_view name) { return name.find("unwanted") == std::string_view::npos; },
      .visit = [&](const std::string& name,
                   std::span<const std::byte> b) { seen.files[name] = Bytes(b.begin(), b.end()); },
      .progress =
          [&](double fraction) {
            EXPECT_GE(fraction, seen.last_fraction);
            EXPECT_LE(fraction, 1.0);
            seen.last_fraction = fraction;
          }};
  std::filesystem::is_directory(path) ? read_folder(path, visitor, limits) : read_archive(path, visitor, limits);
  return seen;
}

std::set<std::string> everything_below(const Path& path) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) names.insert(entry.path().string());
  return names;
}

TEST(Archive, ReadsTarAndTarGz) {
  for (const bool gzip : {false, true}) {
    const Path tar = scratch_folder("t") / "a.tar";
    write_tar(tar,
              {{"x/", {}, AE_IFDIR},
               {"x/a", bytes_of("alpha")},
               {"./b c", bytes_of("")},
               {"x/unwanted", bytes_of("no")},
               {"x/d\xc3\xa9", Bytes(1'000'000, std::byte{7})}},
              gzip);
    EXPECT_TRUE(is_archive(read_file(tar)));
    const Seen seen = walk(tar);
    ASSERT_EQ(seen.files.size(), 3u);
    EXPECT_EQ(seen.files.at("x/a"), bytes_of("alpha"));
    EXPECT_TRUE(seen.files.at("b c").empty());
    EXPECT_EQ(seen.files.at("x/d\xc3\xa9").size(), 1'000'000u);
  }
}

TEST(Archive, HostileMembersTouchNothing) {
  const Path folder = scratch_folder("t");
  const Path victim = folder / "victim";
  write_file(victim, bytes_of("unharmed"));
  const Path tar = folder / "hostile.tar";
  write_tar(tar, {{"../escaped", bytes_of("1")},
                  {"a/../../escaped", bytes_of("2")},
                  {"..", bytes_of("3")},
                  {"/etc/fanin-escaped", bytes_of("4")},
                  {"link", {}, AE_IFLNK, victim.string()},
                  {"link/through", bytes_of("5")},
                  {"hard", {}, AE_IFREG, victim.string(), true},
                  {"device", {}, AE_IFCHR},
                  {"pipe", {}, AE_IFIFO},
                  {"new\nline", bytes_of("6")},
                  {"colour\x1b[31m", bytes_of("7")},
                  {"same", bytes_of("8")},
                  {"same", bytes_of("9")}});
  const std::set<std::string> before = everything_below(folder);
  const Seen seen = walk(tar);
  EXPECT_EQ(everything_below(folder), before);
  EXPECT_EQ(read_file(victim), bytes_of("unharmed"));
  EXPECT_FALSE(std::filesystem::exists(folder.parent_path() / "escaped"));
  std::set<std::string> names;
  for (const auto& [name, content] : seen.files) names.insert(name);
  EXPECT_EQ(names, (std::set<std::string>{"etc/fanin-escaped", "link/through", "same"}));
  EXPECT_EQ(seen.files.at("same"), bytes_of("9"));
}

TEST(Archive, LimitsStopBombs) {
  const Path tar = scratch_folder("t") / "bomb.tar.gz";
  write_tar(tar, {{"a", Bytes(3'000'000)}, {"b unwanted", Bytes(3'000'000)}});
  EXPECT_LT(std::filesystem::file_size(tar), 100'000u);
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { walk(tar, {.member_bytes = 2'999'999}); }),
                  "member a has 3000000 bytes");
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { walk(tar, {.total_bytes = 5'000'000}); }),
                  "unpacks to more than 5000000");
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { walk(tar, {.members = 1}); }), "more than 1 members");
  EXPECT_EQ(walk(tar, {.member_bytes = 3'000'000, .total_bytes = 6'000'000, .members = 2}).files.size(), 1u);
}

// A header may claim any size; nothing is allocated for the claim.
TEST(Archive, AHugeClaimIsRefused) {
  const Path tar = scratch_folder("t") / "claim.tar";
  write_tar(tar, {{"a", Bytes(10)}}, false);
  Bytes content = read_file(tar);
  const auto set_size = [&content](const char* octal) {
    std::memcpy(content.data() + 124, octal, 12);
    std::memset(content.data() + 148, ' ', 8);
    unsigned sum = 0;
    for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned>(content[i]);
    std::snprintf(reinterpret_cast<char*>(content.data() + 148), 8, "%06o", sum);
  };
  set_size("77777777777");  // 8 GiB - 1
  write_file(tar, content);
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { walk(tar); }), "member a has 8589934591 bytes");
  set_size("00077777777");  // 16 MiB - 1: within limits, but not there
  write_file(tar, content);
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { walk(tar); }), "damaged");
}

TEST(Archive, DamageIsAnError) {
  const Path tar = scratch_folder("t") / "a.tar.gz";
  Bytes noise(200'000);
  for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = static_cast<std::byte>((i * i * 2654435761u) >> 13);
  write_tar(tar, {{"a", noise}, {"b", noise}});
  const Bytes whole = read_file(tar);
  for (const std::size_t size :
       {std::size_t{1}, std::size_t{20}, whole.size() / 4, whole.size() / 2, whole.size() - 1000}) {
    write_file(tar, Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)));
    EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { walk(tar); }), "damaged") << size;
  }
  Bytes broken = whole;
  for (std::size_t i = 0; i < 50; ++i) broken[whole.size() / 3 + i] ^= std::byte{0x55};
  write_file(tar, broken);
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { walk(tar); }), "damaged");
  write_file(tar, bytes_of("PK\x03\x04 a zip file would start so"));
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { walk(tar); }), "damaged");
}

TEST(Archive, FoldersAreReadInNameOrder) {
  const Path folder = scratch_folder("f");
  for (const char* name : {"b/2", "a/1", "b/10", "unwanted", "c"}) write_file(folder / name, bytes_of(name));
  std::filesystem::create_symlink("/", folder / "root");  // folders behind links are not entered
  std::vector<std::string> names;
  read_folder(folder, {.wanted = [](std::string_view name) { return name != "unwanted"; },
                       .visit = [&](const std::string& name, std::span<const std::byte>) { names.push_back(name); },
                       .progress = {}});
  EXPECT_EQ(names, (std::vector<std::string>{"a/1", "b/10", "b/2", "c"}));
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { walk(folder / "missing" / "x"); }), "missing");
}

}  // namespace
}  // namespace fanin
