// fanin init, fans, check-init and list as a person sees them.
// SPDX-License-Identifier: MIT
#include "tests/support/command.h"

namespace fanin {
namespace {

void expect(const std::string& arguments, int exit_code, const std::vector<std::string>& parts) {
  static const test::Path folder = test::scratch_folder();
  const test::CommandResult result = test::run_fanin(folder, arguments);
  EXPECT_EQ(result.exit_code, exit_code) << arguments << "\n" << result.output;
  for (const std::string& part : parts)
    EXPECT_NE(result.output.find(part), std::string::npos) << arguments << "\n" << part << "\n" << result.output;
}

TEST(InitCommand, SaysWhatFillsWhatAndWritesIt) {
  const test::Path folder = test::scratch_folder();
  const test::CommandResult result =
      test::run_fanin(folder, "init wrn-10-1 --scheme 'kaiming_normal;fc.weight=zeros' --out w.safetensors");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  for (const char* part : {"rule", "promised std", "fc.weight", "constant 0", "default", "77,850 parameters", "wrote"})
    EXPECT_NE(result.output.find(part), std::string::npos) << part << "\n" << result.output;
  EXPECT_GT(std::filesystem::file_size(folder / "w.safetensors"), 4u * 77850u);
}

TEST(InitCommand, PresetsAndStreams) {
  expect("init wrn-10-1 --scheme wrn-pytorch --stream torch --seed 0", 0,
         {"every one by a rule of the scheme", "uniform from 0 to 1"});
  expect("init wrn-10-1 --stream mt", 2, {"unknown stream 'mt'"});
  expect("init wrn-10-1 --scheme 'kaiming_normal;conv_bias=zeros'", 2,
         {"rule 'conv_bias' matches no parameter", "'conv_bias?='"});
  expect("init wrn-10-1 --scheme 'conv=trunc_normal:mean=9'", 0, {"warning", "more than 2 std outside"});
}

TEST(InitCommand, RulesMayComeFromAFile) {
  const test::Path folder = test::scratch_folder();
  test::write_file(folder / "rules.txt", "# the last layer starts from nothing\nconv=orthogonal\n\nfc.weight=zeros\n");
  test::write_file(folder / "empty.txt", "# nothing\n");
  for (const char* arguments : {"init wrn-10-1 --scheme @rules.txt", "check-init @rules.txt",
                                "compare --scheme @rules.txt --model wrn-10-1 --seeds 1 --epochs 1 --data "
                                "synthetic:train=64,test=32 --batch 32"}) {
    const test::CommandResult result = test::run_fanin(folder, arguments);
    EXPECT_EQ(result.exit_code, 0) << arguments << "\n" << result.output;
    EXPECT_NE(result.output.find("orthogonal"), std::string::npos) << arguments << "\n" << result.output;
  }
  const test::CommandResult empty = test::run_fanin(folder, "init wrn-10-1 --scheme @empty.txt");
  EXPECT_EQ(empty.exit_code, 3);
  EXPECT_NE(empty.output.find("empty.txt holds no rule"), std::string::npos) << empty.output;
  EXPECT_EQ(test::run_fanin(folder, "init wrn-10-1 --scheme @absent.txt").exit_code, 3);
}

TEST(InitCommand, FansWithTheirFormula) {
  expect("fans resnext-29-8x64d", 0, {"3 x 3 x 512 / 8", "4608", "pytorch#23854"});
}

TEST(InitCommand, CheckInitPassesTheSound) {
  expect("check-init 'conv=orthogonal;linear=sparse' --seeds 2", 0,
         {"rows orthonormal", "zeros in each column", "0 failed"});
  expect("check-init kaimng_normal", 2, {"did you mean"});
}

TEST(InitCommand, ExplainTellsFormulaSourceClaimAndNumbers) {
  expect("explain delta_orthogonal", 0,
         {"formula  gain Q at the centre tap", "source   Xiao et al. 2018", "claim    plain tanh CNNs",
          "options  gain=1"});
  expect("explain kaiming_normal:mode=fan_out --model wrn-10-1", 0,
         {"He et al. 2015", "group1.block0.conv0.weight", "288", "normal, variance 2 / fan_out",
          "0.08333"});  // sqrt(2 / 288)
  expect("explain 'wrn-lua;fc.weight=eye'", 0,
         {"a preset", "ea02518", "uniform: an initializer", "eye: an initializer"});
  expect("explain orthogonl", 2, {"unknown scheme 'orthogonl'; did you mean 'orthogonal'?"});
}

TEST(InitCommand, StepsOverANetworkSeeImages) {
  const std::string data = " --data synthetic:train=64,test=32 --batch 32";
  expect("explain lsuv --model plain-5-8" + data, 0,
         {"Mishkin & Matas 2016", "orthogonal: an initializer", "then outputs scaled to variance 1", "none", ": kept"});
  expect("init plain-5-8 --scheme lsuv" + data, 0, {"then outputs scaled to variance 1"});
  expect("init plain-5-8 --scheme lsuv --image 8x8x3" + data, 4, {"lsuv looks at images", "32x32x3", "8x8x3"});
  expect("check-init lsuv --model plain-5-8 --seeds 1", 0, {"has variance 1", "0 failed"});
  expect("probe --scheme lsuv --model plain-5-8" + data, 0, {"promised", "none"});
  expect("list schemes", 0, {"lsuv", "base orthogonal", "delta_orthogonal", "zero_hadamard"});
}

std::string hashes(const test::Path& run) {  // the last column of metrics.csv
  std::istringstream lines(test::file_text(run / "metrics.csv"));
  std::string line, result;
  while (std::getline(lines, line)) result += line.substr(line.rfind(',')) + "\n";
  return result;
}

// Killed somewhere, continued, on another number of threads: the same run, bit for bit.
TEST(InitCommand, ARunFromAStepOverTheNetworkResumesExactly) {
  const test::Path folder = test::scratch_folder();
  const std::string run =
      "train --model plain-8-8 --data synthetic:train=320,test=32 --batch 16 --lr 0.01 --epochs 3 --seed 3";
  EXPECT_EQ(test::run_fanin(folder, run + " --scheme lsuv --threads 1 --run whole").exit_code, 0);
  test::run_fanin(folder, run + " --scheme lsuv --threads 2 --run parts", "timeout -s KILL 0.15");
  EXPECT_EQ(test::run_fanin(folder, run + " --scheme lsuv --threads 2 --run parts").exit_code, 0);
  EXPECT_EQ(hashes(folder / "whole"), hashes(folder / "parts"));
  const test::CommandResult other = test::run_fanin(folder, run + " --threads 1 --run orthogonal --scheme orthogonal");
  EXPECT_NE(hashes(folder / "whole"), hashes(folder / "orthogonal")) << other.output;
}

TEST(InitCommand, ASchemeInAFileBecomesPartOfTheRun) {
  const test::Path folder = test::scratch_folder();
  test::write_file(folder / "rules.txt", "# convolutions\nconv=orthogonal\n\nlinear=zeros  # no opinion yet\n");
  const test::CommandResult result = test::run_fanin(
      folder,
      "train --scheme @rules.txt --model wrn-10-1 --data synthetic:train=20,test=10 --batch 10 --epochs 1 --run r");
  EXPECT_EQ(result.exit_code, 0) << result.output;
  EXPECT_NE(test::file_text(folder / "r/config.toml").find("conv=orthogonal;linear=zeros"), std::string::npos);
  EXPECT_EQ(test::run_fanin(folder, "train --scheme @nothing.txt --run s").exit_code, 3);
}

TEST(InitCommand, ListsPresetsAndGains) {
  expect("list presets", 0, {"prlz77-resnext", "bamos/densenet.pytorch", "flax-default"});
  expect("list gains", 0, {"gelu", "1.5335", "none"});
}

}  // namespace
}  // namespace fanin
