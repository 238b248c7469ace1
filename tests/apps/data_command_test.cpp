// `fanin data` as a person runs it: exit codes, what is printed where, and the files that remain.
// SPDX-License-Identifier: MIT
#include "data/catalog.h"
#include "data/image_file.h"
#include "tests/support/command.h"

namespace fanin {
namespace {

using test::CommandResult;
using test::Path;

class DataCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"train/red", "train/blue", "test/red", "test/blue"}) {
      for (int k = 0; k < 12; ++k) write_image(Path("colours") / name / (std::to_string(k) + ".png"), k, 6);
    }
  }

  void write_image(const Path& name, int k, int side) {
    const bool red = name.parent_path().filename() == "red";
    std::vector<std::uint8_t> pixels;
    for (int p = 0; p < side * side; ++p) {
      for (const int value : {red ? 200 + k : 0, p, red ? 0 : 200 + k})
        pixels.push_back(static_cast<std::uint8_t>(value));
    }
    const std::vector<std::byte> png = encode_png(pixels, side, side);
    write(name, {reinterpret_cast<const char*>(png.data()), png.size()});
  }
  void write(const Path& name, const std::string& content) { test::write_file(folder_ / name, content); }

  CommandResult run(const std::string& arguments) { return test::run_fanin(folder_, "data " + arguments); }
  void expect(const std::string& arguments, int exit_code, const std::vector<std::string>& parts) {
    const CommandResult result = run(arguments);
    EXPECT_EQ(result.exit_code, exit_code) << arguments << "\n" << result.output;
    for (const std::string& part : parts)
      EXPECT_NE(result.output.find(part), std::string::npos) << part << "\n" << result.output;
  }

  const Path folder_ = test::scratch_folder();
};

TEST_F(DataCommand, ImportsAFolderAndShowsIt) {
  expect("import colours", 0,
         {"colours: 24 training and 24 test images of 6x6 pixels, 3 channels, 2 classes", "0        12        12  blue",
          "mean 0.", "wrote colours.fanin", "reading colours: 100 %"});
  expect("info colours.fanin --verify", 0,
         {"24 training", "verified", "duplicates: 0 in training, 0 in test, 24 test images also"});
  EXPECT_EQ(open_dataset((folder_ / "colours.fanin").string()).fingerprint,
            open_dataset((folder_ / "colours").string()).fingerprint);
}

TEST_F(DataCommand, HonoursItsOptions) {
  write_image("colours/train/red/large.png", 3, 15);
  expect("import colours", 3, {"large.png has 15x15 pixels but", "--size N"});
  EXPECT_FALSE(std::filesystem::exists(folder_ / "colours.fanin"));
  expect("import colours --size 5 --name tiny --out 'sub set.fanin'", 0,
         {"tiny: 25 training", "5x5 pixels", "wrote sub set.fanin"});
}

TEST_F(DataCommand, CorruptImagesAreSkippedOrFatal) {
  write("colours/train/red/broken.png", "not an image");
  expect("import colours", 0,
         {"skipped 1 unreadable images", "broken.png: not a readable image (neither PNG nor JPEG)"});
  std::filesystem::remove(folder_ / "colours.fanin");
  expect("import colours --strict", 3, {"broken.png"});
  EXPECT_FALSE(std::filesystem::exists(folder_ / "colours.fanin"));
}

TEST_F(DataCommand, WritesAContactSheet) {
  expect("info synthetic:train=20,test=10 --sheet sheet.png", 0, {"disc", "dots", "wrote sheet.png"});
  const std::string content = test::file_text(folder_ / "sheet.png");
  const DecodedImage sheet = decode_image(std::as_bytes(std::span(content)), "sheet.png");
  EXPECT_EQ(sheet.height, 2 + 10 * 34);
}

TEST_F(DataCommand, MistakesGetASentenceAndACode) {
  expect("info nothing-here", 3, {"nothing-here: no such data set", "fanin data fetch cifar10"});
  expect("import nothing-here", 3, {"nothing-here"});
  expect("import", 2, {"source"});
  expect("", 2, {});
  expect("import colours --size 0", 2, {"--size"});
  expect("import colours --out no-such-folder/x.fanin", 5, {"no-such-folder"});
  expect("fetch cifar11", 2, {"choose from cifar10, cifar100"});
  expect("info synthetic:colour=red", 2, {"synthetic"});
  write("broken.fanin", std::string(300, 'x'));
  expect("info broken.fanin", 3, {"broken.fanin"});
}

TEST_F(DataCommand, FetchNeedsASafeAddress) {
  const CommandResult result = run("fetch cifar10 --url http://example.com/cifar.tar.gz");
  EXPECT_EQ(result.exit_code, 2) << result.output;  // also when the build has no libcurl
}

}  // namespace
}  // namespace fanin
