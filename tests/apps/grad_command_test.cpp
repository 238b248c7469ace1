// fanin grad as a person meets it: what it writes, and one sentence for each way to feed it wrongly. Whether the numbers
// are right is for tests/models/parity_test.cpp and tests/parity/compare.py.
// SPDX-License-Identifier: MIT
#include "core/io/safetensors.h"
#include "tests/support/command.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace fanin::test {
namespace {

class GradCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = scratch_folder();
    const CommandResult result = run_fanin(folder_, "init plain-4-4:norm=bn --out w.safetensors");
    ASSERT_EQ(result.exit_code, 0) << result.output;
    write_batch("b.safetensors");
  }

  struct BatchChange {
    std::vector<std::size_t> images = {3, 3, 8, 8}, labels = {3};
    std::string images_name = "images", labels_name = "labels";
    io::DType labels_type = io::DType::i64, images_type = io::DType::f32;
    std::int64_t label = 9;
    float pixel = 0.5f;
  };
  void write_batch(const std::string& name) { write_batch(name, {}); }
  void write_batch(const std::string& name, const BatchChange& change) {
    std::size_t pixels = 1;
    for (const std::size_t n : change.images) pixels *= n;
    std::vector<float> images(pixels * (change.images_type == io::DType::f64 ? 2 : 1), 0.25f);
    for (std::size_t i = 0; i < images.size(); i += 3) images[i] = -1.0f;
    images[1] = change.pixel;
    std::size_t count = 1;
    for (const std::size_t n : change.labels) count *= n;
    std::vector<std::int64_t> labels(count, change.label);
    const std::size_t bytes = count * io::size_of(change.labels_type);
    io::write_safetensors(
        folder_ / name,
        {{change.images_name, change.images_type, change.images, std::as_bytes(std::span<const float>(images))},
         {change.labels_name, change.labels_type, change.labels,
          std::as_bytes(std::span<const std::int64_t>(labels)).first(bytes)}},
        {});
  }

  CommandResult grad(const std::string& extra, const std::string& batch = "b.safetensors",
                     const std::string& model = "plain-4-4:norm=bn") {
    return run_fanin(folder_, "grad --model '" + model + "' --weights w.safetensors --batch " + batch +
                                  " --out g.safetensors " + extra);
  }
  void expect_error(const CommandResult& result, int exit_code, const std::vector<std::string>& parts) {
    EXPECT_EQ(result.exit_code, exit_code) << result.output;
    EXPECT_EQ(result.output.substr(0, 7), "fanin: ") << result.output;
    EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1) << result.output;
    for (const std::string& part : parts)
      EXPECT_NE(result.output.find(part), std::string::npos) << "'" << part << "' is not in: " << result.output;
    EXPECT_FALSE(std::filesystem::exists(folder_ / "g.safetensors"));
  }
  void expect_bad_batch(const BatchChange& change, int exit_code, const std::vector<std::string>& parts) {
    write_batch("bad.safetensors", change);
    expect_error(grad("", "bad.safetensors"), exit_code, parts);
  }
  std::map<std::string, std::vector<float>> result() {
    const io::MappedFile file(folder_ / "g.safetensors");
    std::map<std::string, std::vector<float>> values;
    for (const auto& [name, entry] : io::parse_safetensors(file.bytes(), "g").tensors) {
      values[name].resize(entry.data.size() / sizeof(float));
      std::memcpy(values[name].data(), entry.data.data(), entry.data.size());
    }
    return values;
  }

  Path folder_;
};

TEST_F(GradCommand, WritesLossLogitsGradientsAndStatistics) {
  const CommandResult done = grad("");
  ASSERT_EQ(done.exit_code, 0) << done.output;
  EXPECT_NE(done.output.find("training mode"), std::string::npos) << done.output;
  const auto train = result();
  EXPECT_EQ(train.at("loss").size(), 1u);
  EXPECT_EQ(train.at("logits").size(), 30u);
  EXPECT_EQ(train.at("grad.conv0.weight").size(), 4u * 27u);
  EXPECT_EQ(train.at("grad.fc.bias").size(), 10u);
  EXPECT_NE(train.at("bn0.running_var"), std::vector<float>(4, 1.0f));

  ASSERT_EQ(grad("--eval --threads 1").exit_code, 0);
  const auto evaluated = result();
  EXPECT_EQ(evaluated.at("bn0.running_var"), std::vector<float>(4, 1.0f)) << "running statistics must stay";
  EXPECT_NE(evaluated.at("grad.conv0.weight"), train.at("grad.conv0.weight"));
  ASSERT_EQ(grad("--label-smoothing 0.2 --threads 2").exit_code, 0);
  EXPECT_NE(result().at("loss"), train.at("loss"));
}

TEST_F(GradCommand, ClassesAreThoseOfTheFile) {
  const CommandResult init = run_fanin(folder_, "init plain-4-4:norm=bn --classes 13 --out w.safetensors");
  ASSERT_EQ(init.exit_code, 0) << init.output;
  write_batch("b.safetensors", {.label = 12});
  ASSERT_EQ(grad("").exit_code, 0);
  EXPECT_EQ(result().at("logits").size(), 39u);
  std::filesystem::remove(folder_ / "g.safetensors");
  expect_error(grad("", "b.safetensors", "plain-4-4:norm=bn,classes=20"), 4, {"w.safetensors", "fc.weight (13, 16)"});
}

TEST_F(GradCommand, BadBatchesAreExplained) {
  expect_bad_batch({.images_name = "image"}, 3, {"bad.safetensors", "no tensor 'images'", "channels, height, width"});
  expect_bad_batch({.labels_name = "label"}, 3, {"no tensor 'labels'", "class index"});
  expect_bad_batch({.images_type = io::DType::f64}, 3, {"'images' is F64", "F32"});
  expect_bad_batch({.labels_type = io::DType::i32}, 3, {"'labels' is I32", "I64"});
  expect_bad_batch({.images = {3, 192}}, 4, {"'images' has shape (3, 192)", "(N, channels, height, width)"});
  expect_bad_batch({.labels = {3, 1}}, 4, {"'labels' has shape (3, 1)"});
  expect_bad_batch({.labels = {2}}, 4, {"3 images but 2 labels"});
  expect_bad_batch({.label = 10}, 4, {"labels[0] is 10", "10 classes", "0 to 9"});
  expect_bad_batch({.label = -1}, 4, {"labels[0] is -1", "0 to 9"});
  expect_bad_batch({.pixel = std::numeric_limits<float>::infinity()}, 3, {"element 1 of 'images' is inf"});
  expect_bad_batch({.images = {3, 2, 8, 8}}, 4, {"w.safetensors", "conv0.weight (4, 3, 3, 3)", "(4, 2, 3, 3)"});
}

TEST_F(GradCommand, OtherMistakesAreExplained) {
  expect_error(grad("", "b.safetensors", "plain-5-4:norm=bn"), 3, {"w.safetensors", "missing", "conv3.weight"});
  expect_error(grad("", "b.safetensors", "plan-4-4"), 2, {"unknown model 'plan-4-4'", "choose from"});
  expect_error(grad("", "none.safetensors"), 3, {"none.safetensors"});
  expect_error(grad("--label-smoothing 1"), 2, {"--label-smoothing 1", "below 1"});
  expect_error(run_fanin(folder_, "grad --model mlp-1-4"), 2, {"--weights", "--help"});
  expect_error(run_fanin(folder_,
                         "grad --model plain-4-4:norm=bn --weights w.safetensors --batch b.safetensors --out "
                         "none/g.safetensors"),
               5, {"none/g.safetensors"});
}

}  // namespace
}  // namespace fanin::test
