// The settings table: what goes out comes in again, what is unknown or of the wrong kind is refused with its place.
// SPDX-License-Identifier: MIT
#include "apps/study/config.h"

#include "apps/study/memory.h"
#include "apps/study/session.h"
#include "core/check.h"
#include "tests/support/command.h"

namespace fanin {
namespace {

TEST(Config, TomlRoundTrip) {
  RunConfig config;
  config.model = "wrn-10-1:norm=none";
  config.scheme = "conv=kaiming_normal:mode=fan_out;linear=torch_default";
  config.lr = 1.0 / 3.0;
  config.milestones = {1.5, 3.0};
  config.no_decay = {"bias", "norm"};
  config.nesterov = false;
  config.seed = 1234567890123ULL;
  RunConfig read;
  read_toml_text(read, to_toml(config), "test");
  EXPECT_EQ(difference(config, read), "");
  EXPECT_EQ(config_hash(config), config_hash(read));
  for (const Setting& s : settings()) EXPECT_EQ(s.get(config), s.get(read)) << s.key;
}

TEST(Config, EverySettingCanBeSetAndChangesTheHashIfItShould) {
  const RunConfig defaults;
  for (const Setting& s : settings()) {
    RunConfig changed;
    const std::string value = s.kind == SettingKind::boolean ? (s.get(defaults) == "true" ? "false" : "true")
                              : s.kind == SettingKind::text || s.kind == SettingKind::words ? "other"
                              : s.kind == SettingKind::integer                              ? "77"
                                                                                            : "0.625";
    set_setting(changed, s.key, value, s.key);
    EXPECT_EQ(s.get(changed), value) << s.key;
    EXPECT_EQ(config_hash(changed) != config_hash(defaults), s.changes_results) << s.key;
    EXPECT_NE(command_line(changed), "") << s.key;
  }
  EXPECT_EQ(command_line(defaults), "");
}

TEST(Config, DifferenceNamesBothValues) {
  RunConfig a, b;
  b.lr = 0.5;
  b.threads = 7;  // does not change results
  EXPECT_EQ(difference(a, b), "lr: 0.1 -> 0.5");
}

TEST(Config, ValuesThatNoRunCouldUse) {
  for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{{"schedule", "round"},
                                                                                   {"optimizer", "magic"},
                                                                                   {"label_smoothing", "1.0"},
                                                                                   {"warmup", "9"},
                                                                                   {"no_decay", "weights"},
                                                                                   {"momentum", "1"},
                                                                                   {"scheme", "nothing"}}) {
    RunConfig config;
    set_setting(config, key, value, key);
    EXPECT_THROW(check(config), Error) << key << " = " << value;
  }
  EXPECT_NO_THROW(check(RunConfig{}));
}

TEST(Memory, TheSmallestLimitCounts) {
  const test::Path root = test::scratch_folder();
  EXPECT_GT(available_memory(root), std::uint64_t{1} << 60) << "nothing known is no limit";
  test::write_file(root / "proc/meminfo", "MemTotal:       16000 kB\nMemAvailable:    8000 kB\n");
  EXPECT_EQ(available_memory(root), 8000u * 1024u);
  test::write_file(root / "sys/fs/cgroup/memory.max", "5000000\n");
  test::write_file(root / "sys/fs/cgroup/memory.current", "1000000\n");
  EXPECT_EQ(available_memory(root), 4000000u);
  test::write_file(root / "sys/fs/cgroup/memory.max", "max\n");
  EXPECT_EQ(available_memory(root), 8000u * 1024u);
  EXPECT_THROW(check_memory(10, 9, "a run"), Error);
  EXPECT_NO_THROW(check_memory(9, 9, "a run"));
}

}  // namespace
}  // namespace fanin
