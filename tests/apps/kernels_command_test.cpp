// fanin kernels and fanin bench conv: what they print is what runs, and the environment changes both.
// SPDX-License-Identifier: MIT
#include "tests/support/command.h"

#include <nlohmann/json.hpp>

#include <set>

namespace fanin {
namespace {

using nlohmann::json;

json run_json(const std::string& arguments, const std::string& environment = "") {
  static const test::Path folder = test::scratch_folder();
  const test::CommandResult result = test::run_fanin(folder, arguments + " --json", environment);
  EXPECT_EQ(result.exit_code, 0) << result.output;
  return json::parse(result.output);
}

json node(const json& all, const std::string& name) {
  for (const json& n : all["nodes"])
    if (n["node"] == name) return n;
  ADD_FAILURE() << "no node " << name;
  return {};
}

std::set<std::string> kernels_of(const json& all) {
  std::set<std::string> names;
  for (const json& n : all["nodes"])
    if (n.contains("products"))
      for (const json& p : n["products"]) names.insert(p["kernel"]);
  return names;
}

bool says(const json& text, const char* part) { return text.get<std::string>().find(part) != std::string::npos; }

TEST(KernelsCommand, EveryProductHasAKernelATileAndASpeed) {
  const json all = run_json("kernels wrn-10-1 --batch 2 --threads 2 --seconds 0.001");
  EXPECT_EQ(all["threads"], 2);
  EXPECT_GT(all["peak_gflops"], 0.1);
  int convolutions = 0;
  for (const json& n : all["nodes"]) {
    if (!n.contains("products")) continue;
    EXPECT_EQ(n["products"].size(), convolutions++ == 0 ? 2u : 3u) << "nobody wants the gradient of the images";
    for (const json& p : n["products"]) {
      EXPECT_FALSE(p["tile"].get<std::string>().empty()) << p;
      EXPECT_GT(p["gflops"], 0.0) << p;
      // F(4x4) takes 36 multiplications instead of 144.
      EXPECT_LT(p["gflops"], 4.0 * all["peak_gflops"].get<double>()) << p;
    }
  }
  EXPECT_EQ(convolutions, 9);
}

TEST(KernelsCommand, TellsWhatThePlanDecided) {
  const json fused = run_json("kernels wrn-10-1 --batch 2 --seconds 0");
  const json last = node(fused, "group0.block0.conv1");
  EXPECT_TRUE(says(last["forward"], "BatchNorm+ReLU of group0.block0.conv0 at the load")) << last;
  EXPECT_TRUE(says(last["forward"], "writes group0.block0")) << last;
  EXPECT_TRUE(says(last["forward"], "statistics")) << last;
  EXPECT_TRUE(says(last["backward"], "ReLU mask")) << last;
  EXPECT_TRUE(says(last["backward"], "scaled into the gradient of group0.block0.conv0")) << last;
  EXPECT_TRUE(says(node(fused, "group0.block0.bn1")["forward"], "left out"));
  const json plain = run_json("kernels wrn-10-1 --batch 2 --seconds 0", "FANIN_FUSE=0");
  for (const json& n : plain["nodes"])
    for (const char* part : {"left out", "at the load", "statistics", "mask", "writes"}) {
      EXPECT_FALSE(says(n["forward"], part)) << n;
      EXPECT_FALSE(says(n["backward"], part)) << n;
    }
  const json dense = run_json("kernels densenet-bc-16-12 --batch 2 --seconds 0");
  int slices = 0, together = 0;
  for (const json& n : dense["nodes"]) {
    slices += says(n["forward"], "slices");
    if (n.contains("products") && n["products"].back()["kernel"] == "pointwise")
      together += says(n["products"].back()["fusion"], "both gradients in one call");
  }
  EXPECT_EQ(slices, 6) << "a concat a layer";
  EXPECT_EQ(together, 8) << "a bottleneck a layer and two transitions";
}

TEST(KernelsCommand, TheEnvironmentForcesARung) {
  const std::string small = "kernels wrn-10-1 --batch 2 --seconds 0";
  EXPECT_EQ(kernels_of(run_json(small)), (std::set<std::string>{"direct", "pointwise", "strided2", "winograd2"}));
  EXPECT_EQ(kernels_of(run_json(small + " --conv fast")),
            (std::set<std::string>{"direct", "pointwise", "strided2", "winograd4"}));
  EXPECT_EQ(kernels_of(run_json(small, "FANIN_CONV=gemm")), std::set<std::string>{"gemm"});
  EXPECT_EQ(kernels_of(run_json(small, "FANIN_CONV=direct")), std::set<std::string>{"direct"});
  const test::Path folder = test::scratch_folder();
  const test::CommandResult unknown = test::run_fanin(folder, small, "FANIN_CONV=wino");
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_NE(unknown.output.find("FANIN_CONV=wino: no such convolution; choose from amx, strassen, pointwise"), std::string::npos);
}

TEST(KernelsCommand, ListsTheCandidatesInOrder) {
  const test::Path folder = test::scratch_folder();
  EXPECT_EQ(test::run_fanin(folder, "kernels --candidates").output,
            "amx\nstrassen\npointwise\ndepthwise\ngrouped\nwinograd4\nwinograd2\nstrided2\ndirect\ngemm\n");
  const test::CommandResult table = test::run_fanin(folder, "kernels wrn-10-1 --batch 2 --seconds 0");
  EXPECT_NE(table.output.find("amx (with --conv bf16x6 and bf16x3), strassen (not with --conv exact), pointwise, depthwise, grouped, winograd4 (not with "
                              "--conv exact), winograd2, strided2, direct, "
                              "gemm"),
            std::string::npos)
      << table.output;
  EXPECT_EQ(test::run_fanin(folder, "kernels").exit_code, 2);
  EXPECT_EQ(test::run_fanin(folder, "kernels wrn-10-1 --batch 0").exit_code, 2);
}

TEST(BenchConvCommand, EveryDistinctConvolutionByEveryRungThatFits) {
  const json all = run_json("bench conv --model wrn-10-1 --batch 2 --threads 1 --seconds 0.001");
  std::set<std::string> rungs;
  int gemm = 0;
  for (const json& row : all["rows"]) {
    rungs.insert(row["rung"]);
    if (row["rung"] == "gemm") gemm += row["count"].get<int>();
    EXPECT_GT(row["forward"], 0.0) << row;
    EXPECT_GT(row["backward_weights"], 0.0) << row;
  }
  EXPECT_EQ(rungs, (std::set<std::string>{"direct", "gemm", "pointwise", "strided2", "winograd2", "winograd4"}));
  EXPECT_EQ(gemm, 9) << "each convolution of the network counts once";
  EXPECT_GT(all["peak_gflops"], 0.1);
  const json direct = run_json("bench conv --model wrn-10-1 --batch 2 --seconds 0.001 --rung direct");
  EXPECT_FALSE(direct["rows"].empty());
  for (const json& row : direct["rows"]) EXPECT_EQ(row["rung"], "direct");
  const test::Path folder = test::scratch_folder();
  EXPECT_EQ(test::run_fanin(folder, "bench conv --rung dircet").exit_code, 2);
  EXPECT_EQ(test::run_fanin(folder, "bench conv --batch 0").exit_code, 2);
}

}  // namespace
}  // namespace fanin
