// SPDX-License-Identifier: MIT
#include "data/augment.h"

#include "tests/data/fixtures.h"

#include <cmath>
#include <map>

namespace fanin {
namespace {

using namespace testing_data;

constexpr int kHeight = 6, kWidth = 8;
const Shape kImage{1, kHeight, kWidth, 2};

std::vector<std::uint8_t> counting_image() {
  std::vector<std::uint8_t> bytes;
  for (int i = 0; i < kHeight * kWidth * 2; ++i) bytes.push_back(static_cast<std::uint8_t>(i + 1));
  return bytes;
}

Augmentation constants() {
  Augmentation a;
  a.mean = {0.4f, 0.5f};
  a.std = {0.25f, 0.2f};
  return a;
}

std::vector<float> run(const Augmentation& a, const Rng& rng) {
  const std::vector<std::uint8_t> bytes = counting_image();
  std::vector<float> out(bytes.size());
  augment(a, kImage, bytes.data(), rng, out.data());
  return out;
}

float normalized(const Augmentation& a, int byte, int channel) {
  const std::size_t c = static_cast<std::size_t>(channel);
  return static_cast<float>((byte / 255.0 - a.mean[c]) / a.std[c]);
}

// The definition: pad, cut out, then mirror.
std::vector<float> expected(const Augmentation& a, int dy, int dx, bool mirror) {
  const std::vector<std::uint8_t> bytes = counting_image();
  std::vector<float> out;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      int sy = y + dy, sx = (mirror ? kWidth - 1 - x : x) + dx;
      const bool outside = sy < 0 || sy >= kHeight || sx < 0 || sx >= kWidth;
      if (outside && a.padding == Padding::reflect) {
        sy = sy < 0 ? -sy : sy >= kHeight ? 2 * kHeight - 2 - sy : sy;
        sx = sx < 0 ? -sx : sx >= kWidth ? 2 * kWidth - 2 - sx : sx;
      }
      for (int c = 0; c < 2; ++c) {
        const bool border = outside && a.padding != Padding::reflect;
        const int byte = border ? 0 : bytes[static_cast<std::size_t>((sy * kWidth + sx) * 2 + c)];
        out.push_back(border && a.padding == Padding::mean ? 0.0f : normalized(a, byte, c));
      }
    }
  }
  return out;
}

// Values are up to 5 and go through a product, a difference, a quotient and a product in single precision.
constexpr float kTolerance = 5 * 6 * 6e-8f;

bool near(const std::vector<float>& a, const std::vector<float>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::abs(a[i] - b[i]) > kTolerance) return false;
  }
  return a.size() == b.size();
}

TEST(Augment, NormalizesOnlyByDefault) {
  const Augmentation a = constants();
  EXPECT_TRUE(near(run(a, Rng::stream(1, "x")), expected(a, 0, 0, false)));
  EXPECT_FALSE(a.draws());
}

// Every image is one of the (2 * pad + 1)^2 * 2 possible ones, and all of them occur about equally often.
TEST(Augment, CropAndMirrorAreUniform) {
  for (const Padding padding : {Padding::black, Padding::mean, Padding::reflect}) {
    Augmentation a = constants();
    a.pad = 2;
    a.padding = padding;
    a.mirror = true;
    std::map<int, int> counts;
    constexpr int kDraws = 5000;
    for (int i = 0; i < kDraws; ++i) {
      const std::vector<float> found = run(a, Rng::stream(1, "augment/1/" + std::to_string(i)));
      int matches = 0;
      for (int choice = 0; choice < 50; ++choice) {
        if (!near(found, expected(a, choice / 10 - 2, choice / 2 % 5 - 2, choice % 2 == 1))) continue;
        ++matches;
        ++counts[choice];
      }
      ASSERT_EQ(matches, 1);
    }
    double chi2 = 0;
    for (int choice = 0; choice < 50; ++choice) chi2 += std::pow(counts[choice] - kDraws / 50.0, 2) / (kDraws / 50.0);
    EXPECT_LT(chi2, 49 + 5 * std::sqrt(2 * 49.0));  // 49 degrees of freedom: mean 49, variance 98
  }
}

TEST(Augment, CutoutIsASquareOfZerosCutByTheBorder) {
  Augmentation a = constants();
  a.cutout = 4;
  int whole = 0;
  for (int i = 0; i < 500; ++i) {
    const std::vector<float> found = run(a, Rng::stream(1, "augment/1/" + std::to_string(i)));
    const std::vector<float> plain = expected(a, 0, 0, false);
    int top = kHeight, bottom = -1, left = kWidth, right = -1, zeros = 0;
    for (int p = 0; p < kHeight * kWidth; ++p) {
      const std::size_t k = static_cast<std::size_t>(2 * p);
      if (found[k] == 0.0f && found[k + 1] == 0.0f) {
        ++zeros;
        top = std::min(top, p / kWidth), bottom = std::max(bottom, p / kWidth);
        left = std::min(left, p % kWidth), right = std::max(right, p % kWidth);
      } else {
        EXPECT_NEAR(found[k], plain[k], kTolerance);
      }
    }
    EXPECT_EQ(zeros, (bottom - top + 1) * (right - left + 1));
    EXPECT_TRUE(bottom - top == 3 || top == 0 || bottom == kHeight - 1);
    EXPECT_TRUE(right - left == 3 || left == 0 || right == kWidth - 1);
    EXPECT_LE(zeros, 16);
    whole += zeros == 16 ? 1 : 0;
  }
  // Whole for centres 2 to 4 of 6 rows and 2 to 6 of 8 columns: 15 of 48. Binomial with n = 500: 156 +- 5 * 10.4.
  EXPECT_NEAR(whole, 500.0 * 15 / 48, 52);
}

TEST(Augment, SwitchingOneOffChangesNoOtherDraw) {
  const Rng rng = Rng::stream(3, "augment/2/5");
  Augmentation both = constants(), cut = constants();
  both.mirror = true;
  both.cutout = cut.cutout = 3;
  const std::vector<float> a = run(both, rng), b = run(cut, rng);
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i] == 0.0f, b[i] == 0.0f);
}

TEST(ParseAugmentation, ReadsEverySetting) {
  const Dataset d = counting_dataset(6, 3);
  const Augmentation none = parse_augmentation("none", d);
  EXPECT_FALSE(none.draws());
  EXPECT_EQ(none.mean, d.mean);
  EXPECT_FALSE(parse_augmentation("", d).draws());
  const Augmentation all = parse_augmentation("crop:pad=3:padding=black,mirror,cutout:8", d);
  EXPECT_EQ(all.pad, 3);
  EXPECT_EQ(all.padding, Padding::black);
  EXPECT_TRUE(all.mirror);
  EXPECT_EQ(all.cutout, 8);
  EXPECT_EQ(all.mean, d.mean);
  EXPECT_EQ(parse_augmentation("cutout", d).cutout, 16);
  EXPECT_EQ(parse_augmentation("crop:padding=reflect:pad=1", d).padding, Padding::reflect);
  const Augmentation plain = normalization_only(all);
  EXPECT_FALSE(plain.draws());
  EXPECT_EQ(plain.std, all.std);
}

TEST(ParseAugmentation, ExplainsMistakes) {
  const Dataset d = counting_dataset(6, 3);
  const auto message = [&](const std::string& spec) {
    return error_of(ErrorKind::usage, [&] { parse_augmentation(spec, d); });
  };
  EXPECT_MENTIONS(message("flip"), "augmentation \"flip\" is unknown; combine crop");
  EXPECT_MENTIONS(message("crop:pad=x"), "\"x\" is not a number");
  EXPECT_MENTIONS(message("crop:pad=4"), "pad 4 must be smaller than the image's side 4");
  EXPECT_MENTIONS(message("crop"), "pad 4 must be smaller");
  EXPECT_MENTIONS(message("crop:pad=1:padding=grey"), "padding \"grey\"");
  EXPECT_MENTIONS(message("crop:size=3"), "\"size\" is unknown");
  EXPECT_MENTIONS(message("cutout:0"), "cutout");
  EXPECT_MENTIONS(message("mirror:2"), "unknown");
}

}  // namespace
}  // namespace fanin
