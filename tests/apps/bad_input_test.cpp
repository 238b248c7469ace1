// Bad input gives one clear sentence and its documented exit code, and destroys nothing.
// SPDX-License-Identifier: MIT
#include "tests/support/command.h"

#include <cstdint>
#include <cstring>

namespace fanin::test {
namespace {

class BadInput : public ::testing::Test {
 protected:
  void SetUp() override { folder_ = scratch_folder(); }

  void expect(const std::string& arguments, int exit_code, const std::vector<std::string>& parts) {
    const CommandResult result = run_fanin(folder_, arguments);
    EXPECT_EQ(result.exit_code, exit_code) << arguments << "\n" << result.output;
    EXPECT_EQ(result.output.substr(0, 7), "fanin: ") << result.output;
    EXPECT_EQ(std::count(result.output.begin(), result.output.end(), '\n'), 1)
        << "one sentence, but: " << result.output;
    for (const std::string& part : parts)
      EXPECT_NE(result.output.find(part), std::string::npos) << "'" << part << "' is not in: " << result.output;
  }
  void make_run(const std::string& model = "wrn-10-1") {
    const CommandResult result = run_fanin(folder_, kTrain + "--epochs 1 --run run --model " + model);
    ASSERT_EQ(result.exit_code, 0) << result.output;
  }
  // A safetensors file of a header and some bytes of data.
  void write_safetensors(const std::string& name, const std::string& header, std::size_t data_bytes) {
    const std::uint64_t length = header.size();
    std::string text(8, '\0');
    std::memcpy(text.data(), &length, 8);
    write_file(folder_ / name, text + header + std::string(data_bytes, '\0'));
  }

  const std::string kTrain = "train --data synthetic:train=64,test=32 --batch 16 ";
  Path folder_;
};

TEST_F(BadInput, NamesAndSettings) {
  expect("tarin", 2, {"unknown command 'tarin'", "did you mean 'train'"});
  expect(kTrain + "--model wnr-16-1", 2, {"unknown model 'wnr-16-1'", "did you mean"});
  expect(kTrain + "--model wrn-17-1", 2, {"depth 17", "10, 16, 22, 28"});
  expect(kTrain + "--model resnext-30-2x4d", 2, {"depth 30", "11, 20, 29"});
  expect(kTrain + "--model densenet-bc-41-4", 2, {"depth 41", "10, 16, 22"});
  expect(kTrain + "--model wrn-16-1:nrom=none", 2, {"unknown option 'nrom'", "norm"});
  expect(kTrain + "--model wrn-16-1:act=rleu", 2, {"unknown act 'rleu'", "did you mean 'relu'"});
  expect(kTrain + "--scheme kaimng_normal", 2, {"unknown scheme 'kaimng_normal'", "did you mean 'kaiming_normal'"});
  expect(kTrain + "--scheme kaiming_normal:mode=fan_ot", 2, {"mode 'fan_ot'", "did you mean 'fan_out'"});
  expect(kTrain + "--scheme 'conv=dirac;liner=zeros'", 2, {"unknown role 'liner'", "linear"});
  expect(kTrain + "--model wrn-16-1:classes=0", 2, {"classes=0"});
  expect(kTrain + "--batch 0", 2, {"--batch = '0'", "from 1"});
  expect(kTrain + "--lr fast", 2, {"--lr = 'fast'", "number"});
  expect(kTrain + "--schedule cosin", 2, {"unknown schedule 'cosin'", "did you mean 'cosine'"});
  expect(kTrain + "--optimizer sdg", 2, {"unknown optimizer 'sdg'"});
  expect(kTrain + "--nesterov true --momentum 0", 2, {"Nesterov"});
  expect(kTrain + "--batch 65 --run r", 2, {"65", "64"});
  expect("train --data synthetic:train=64,test=32,size=9", 2, {"size"});
  expect("summary wrn-16-1 --image 32", 2, {"--image '32'", "32x32x3"});
  expect("summary wrn-16-1 --classes 0", 2, {"0 classes"});
  expect("summary densenet-bc-100-12 --image 1x1x3", 4, {"does not fit"});
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs")) << "nothing may be written before the settings are checked";
}

TEST_F(BadInput, SettingsFiles) {
  write_file(folder_ / "unknown.toml", "epochs = 2\nlerning_rate = 0.1\n");
  expect(kTrain + "--config unknown.toml", 2, {"unknown.toml:2", "lerning_rate"});
  write_file(folder_ / "type.toml", "epochs = \"two\"\n");
  expect(kTrain + "--config type.toml", 2, {"type.toml:1", "epochs", "whole number"});
  write_file(folder_ / "syntax.toml", "epochs = \n");
  expect(kTrain + "--config syntax.toml", 2, {"syntax.toml:1"});
  write_file(folder_ / "twice.toml", "epochs = 1\nepochs = 2\n");
  expect(kTrain + "--config twice.toml", 2, {"twice.toml:2"});
  expect(kTrain + "--config absent.toml", 3, {"absent.toml"});
}

TEST_F(BadInput, DataFiles) {
  expect("train --data absent.fanin", 3, {"absent.fanin"});
  write_file(folder_ / "foreign.fanin", "this is not a data set, but a text of some length");
  expect("train --data foreign.fanin", 3, {"foreign.fanin"});
  write_safetensors("empty.fanin", "{}", 0);
  expect("train --data empty.fanin", 3, {"empty.fanin"});
  write_file(folder_ / "cut.tar.gz", std::string("\x1f\x8b\x08\0\0\0", 6));
  expect("train --data cut.tar.gz", 3, {"cut.tar.gz"});
}

TEST_F(BadInput, WeightsFiles) {
  make_run();
  const std::string weights = file_text(folder_ / "run/weights.safetensors");
  write_file(folder_ / "cut.safetensors", weights.substr(0, weights.size() - 5));
  expect("eval run --weights cut.safetensors", 3, {"cut.safetensors"});
  write_file(folder_ / "foreign.safetensors", "PK\x03\x04 something else altogether");
  expect("eval run --weights foreign.safetensors", 3, {"foreign.safetensors", "not a safetensors file"});
  write_safetensors(
      "twice.safetensors",
      R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
      4);
  expect("eval run --weights twice.safetensors", 3, {"'a' occurs twice"});
  write_safetensors("huge.safetensors", R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}})",
                    4);
  expect("eval run --weights huge.safetensors", 3, {"'a'", "larger than any memory"});
  write_safetensors("names.safetensors", R"({"conv9.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", 4);
  expect("eval run --weights names.safetensors", 3, {"conv0.weight"});
  std::string other = weights;  // the same length, another shape: (16, 3, 3, 3) becomes (16, 3, 9, 1)
  const std::size_t at = other.find("[16,3,3,3]");
  ASSERT_NE(at, std::string::npos);
  other.replace(at, 10, "[16,3,9,1]");
  write_file(folder_ / "shape.safetensors", other);
  expect("eval run --weights shape.safetensors", 4, {"conv0.weight", "(16, 3, 9, 1)", "(16, 3, 3, 3)"});
  expect("eval absent", 3, {"absent", "config.toml"});
  expect("predict run absent.png", 3, {"absent.png"});
  write_file(folder_ / "text.png", "no image");
  expect("predict run text.png", 3, {"text.png"});
  EXPECT_EQ(file_text(folder_ / "run/weights.safetensors"), weights);
}

TEST_F(BadInput, DamagedRunsAreNotOverwritten) {
  make_run("mlp-1-8");
  std::filesystem::remove(folder_ / "run/status.json");
  write_file(folder_ / "run/last.safetensors", "damaged");
  expect(kTrain + "--epochs 1 --model mlp-1-8 --run run", 3, {"last.safetensors"});
  EXPECT_EQ(file_text(folder_ / "run/last.safetensors"), "damaged");
  write_file(folder_ / "mine/letter.txt", "keep me");
  expect(kTrain + "--model mlp-1-8 --run mine", 2, {"mine", "not empty"});
  EXPECT_EQ(file_text(folder_ / "mine/letter.txt"), "keep me");
}

TEST_F(BadInput, PlacesThatCannotBeWritten) {
  write_file(folder_ / "file", "");
  expect(kTrain + "--model mlp-1-8 --run file/run", 5, {"file/run"});
  expect(kTrain + "--model mlp-1-8 --run /proc/fanin-run", 5, {"/proc/fanin-run"});
}

TEST_F(BadInput, AFullDiskIsNamedAndTheOldCheckpointStays) {
  make_run("mlp-1-64");
  std::filesystem::remove(folder_ / "run/status.json");  // as if it had been stopped: it will write again
  const std::string before = file_text(folder_ / "run/last.safetensors");
  // A file size limit of 8 blocks stands for a full disk: weights no longer fit. SIGXFSZ is ignored so that write()
  // reports it.
  const CommandResult result = run_fanin(folder_, kTrain + "--epochs 1 --model mlp-1-64 --run run",
                                         "bash -c 'trap \"\" XFSZ; ulimit -f 8; exec \"$0\" \"$@\"'");
  EXPECT_EQ(result.exit_code, 5) << result.output;
  EXPECT_NE(result.output.find("weights.safetensors"), std::string::npos) << result.output;
  EXPECT_EQ(file_text(folder_ / "run/last.safetensors"), before);
  ASSERT_EQ(run_fanin(folder_, kTrain + "--epochs 1 --model mlp-1-64 --run run").exit_code, 0)
      << "it must be able to go on";
}

TEST_F(BadInput, MoreMemoryThanThereIs) {
  expect("train --model densenet-bc-190-40 --data synthetic:train=4000,test=32 --batch 4000 --run r", 6,
         {"needs", "MiB", "available"});
}

}  // namespace
}  // namespace fanin::test
