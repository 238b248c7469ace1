// SPDX-License-Identifier: MIT
#include "data/augment.h"

#include "core/check.h"

#include <algorithm>
#include <charconv>

namespace fanin {

namespace {

constexpr std::size_t kLargestChannels = 16;
constexpr int kUsualPad = 4, kUsualCutout = 16;

std::string_view cut(std::string_view& text, char separator) {
  const std::size_t at = std::min(text.find(separator), text.size());
  const std::string_view part = text.substr(0, at);
  text.remove_prefix(std::min(text.size(), at + 1));
  return part;
}

int number(std::string_view text, int low, int high, std::string_view item) {
  int value = 0;
  const std::from_chars_result end = std::from_chars(text.data(), text.data() + text.size(), value);
  FANIN_CHECK(end.ec == std::errc() && end.ptr == text.data() + text.size() && value >= low && value <= high, usage,
              "augmentation {}: \"{}\" is not a number from {} to {}", item, text, low, high);
  return value;
}

Padding padding_from(std::string_view text, std::string_view item) {
  if (text == "black") return Padding::black;
  if (text == "mean") return Padding::mean;
  FANIN_CHECK(text == "reflect", usage, "augmentation {}: padding \"{}\" is not one of black, mean, reflect", item,
              text);
  return Padding::reflect;
}

void parse_crop(std::string_view options, int side, Augmentation& a) {
  a.pad = kUsualPad;
  while (!options.empty()) {
    std::string_view value = cut(options, ':');
    const std::string_view key = cut(value, '=');
    if (key == "pad") {
      a.pad = number(value, 1, 1024, "crop:pad");
    } else {
      FANIN_CHECK(key == "padding", usage,
                  "augmentation crop: \"{}\" is unknown; write crop:pad=4:padding=black|mean|reflect", key);
      a.padding = padding_from(value, "crop");
    }
  }
  FANIN_CHECK(a.pad < side, usage, "augmentation crop: pad {} must be smaller than the image's side {}", a.pad, side);
}

int reflected(int i, int size) { return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i; }

struct Choice {
  int dy = 0, dx = 0;  // of the crop, -pad to pad
  bool mirror = false;
};

Choice choose(const Augmentation& a, const Rng& rng) {
  const std::uint64_t places = static_cast<std::uint64_t>(2 * a.pad + 1);
  Choice choice;
  if (a.pad > 0) choice.dy = static_cast<int>(rng.below(0, places)) - a.pad;
  if (a.pad > 0) choice.dx = static_cast<int>(rng.below(1, places)) - a.pad;
  if (a.mirror) choice.mirror = rng.below(2, 2) == 1;
  return choice;
}

// A square of zeros around a centre anywhere in the image, so that it may be cut off by the border.
void cut_out(int side, const Shape& image, const Rng& rng, float* out) {
  const int y0 = static_cast<int>(rng.below(3, static_cast<std::uint64_t>(image.height))) - side / 2;
  const int x0 = static_cast<int>(rng.below(4, static_cast<std::uint64_t>(image.width))) - side / 2;
  const int left = std::clamp(x0, 0, image.width), right = std::clamp(x0 + side, 0, image.width);
  for (int y = std::clamp(y0, 0, image.height); y < std::clamp(y0 + side, 0, image.height); ++y) {
    std::fill(out + (y * image.width + left) * image.channels, out + (y * image.width + right) * image.channels, 0.0f);
  }
}

}  // namespace

Augmentation parse_augmentation(const std::string& spec, const Dataset& dataset) {
  Augmentation a;
  std::string_view rest = spec;
  while (!rest.empty()) {
    std::string_view options = cut(rest, ',');
    const std::string_view item = cut(options, ':');
    if (item == "crop") {
      parse_crop(options, std::min(dataset.image.height, dataset.image.width), a);
    } else if (item == "mirror" && options.empty()) {
      a.mirror = true;
    } else if (item == "cutout") {
      a.cutout = options.empty() ? kUsualCutout : number(options, 1, 8192, "cutout");
    } else {
      FANIN_CHECK(
          item == "none" && options.empty(), usage,
          "augmentation \"{}\" is unknown; combine crop[:pad=4][:padding=black|mean|reflect], mirror and cutout[:16] "
          "with commas, or write none",
          item);
    }
  }
  FANIN_CHECK(dataset.mean.size() <= kLargestChannels, usage, "{} channels; at most {} are possible",
              dataset.mean.size(), kLargestChannels);
  a.mean = dataset.mean;
  a.std = dataset.std;
  return a;
}

Augmentation normalization_only(const Augmentation& a) {
  Augmentation plain;
  plain.mean = a.mean;
  plain.std = a.std;
  return plain;
}

void augment(const Augmentation& a, const Shape& image, const std::uint8_t* bytes, const Rng& rng, float* out) {
  const std::size_t channels = static_cast<std::size_t>(image.channels);
  std::array<float, kLargestChannels> mean{}, scale{}, border{};  // in units of bytes
  for (std::size_t c = 0; c < channels; ++c) {
    mean[c] = 255.0f * a.mean[c];
    scale[c] = 1.0f / (255.0f * a.std[c]);
    border[c] = a.padding == Padding::black ? (0.0f - mean[c]) * scale[c] : 0.0f;
  }
  const Choice choice = choose(a, rng);
  float* to = out;
  for (int y = 0; y < image.height; ++y) {
    int from_y = y + choice.dy;
    if (a.padding == Padding::reflect) from_y = reflected(from_y, image.height);
    for (int x = 0; x < image.width; ++x, to += channels) {
      int from_x = (choice.mirror ? image.width - 1 - x : x) + choice.dx;
      if (a.padding == Padding::reflect) from_x = reflected(from_x, image.width);
      if (from_y < 0 || from_y >= image.height || from_x < 0 || from_x >= image.width) {
        std::copy_n(border.begin(), channels, to);
        continue;
      }
      const std::uint8_t* from = bytes + static_cast<std::size_t>(from_y * image.width + from_x) * channels;
      for (std::size_t c = 0; c < channels; ++c) to[c] = (static_cast<float>(from[c]) - mean[c]) * scale[c];
    }
  }
  if (a.cutout > 0) cut_out(a.cutout, image, rng, out);
}

}  // namespace fanin
