// SPDX-License-Identifier: MIT
#include "data/synthetic.h"

#include "core/check.h"
#include "core/rng.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace fanin {

namespace {

constexpr int kSide = 32, kLargestSplit = 1'000'000;
constexpr std::size_t kImageBytes = kSide * kSide * 3;
constexpr const char* kClassNames[] = {"disc",  "ring",     "square", "frame",   "triangle",
                                       "cross", "crescent", "bars",   "checker", "dots"};
constexpr int kClasses = static_cast<int>(std::size(kClassNames));

constexpr double kLargestTilt = 0.25;  // tangent of half the angle: 28 degrees

using Colour = std::array<double, 3>;  // each 0 to 1

double square(double x) { return x * x; }

// Is the point inside the figure? Figures fill about [-1, 1] x [-1, 1].
bool inside(int figure, double u, double v) {
  const double r2 = u * u + v * v, largest = std::max(std::abs(u), std::abs(v));
  switch (figure) {
    case 0: return r2 < 1;
    case 1: return r2 < 1 && r2 > 0.3;
    case 2: return largest < 0.85;
    case 3: return largest < 0.9 && largest > 0.5;
    case 4: return v < 0.8 && v > -0.9 + 1.8 * std::abs(u);
    case 5: return largest < 1 && std::min(std::abs(u), std::abs(v)) < 0.32;
    case 6: return r2 < 1 && square(u - 0.55) + v * v > 0.72;
    case 7: return largest < 0.95 && std::abs(u) < 0.95 && (std::abs(v) < 0.2 || std::abs(v) > 0.58);
    case 8: return largest < 0.95 && (u * v > 0);
    default: return square(std::abs(u) - 0.55) + v * v < 0.17;
  }
}

// Draws of one image, in order.
class Draws {
 public:
  Draws(std::uint64_t seed, const char* split, int image)
      : rng_(Rng::stream(seed, fmt::format("synthetic/{}/{}", split, image))) {}
  double between(double low, double high) { return low + (high - low) * rng_.uniform(next_++); }
  int below(int bound) { return static_cast<int>(rng_.below(next_++, static_cast<std::uint64_t>(bound))); }
  Colour colour() { return {between(0, 1), between(0, 1), between(0, 1)}; }
  std::uint64_t bits() { return rng_.bits(next_++); }

 private:
  Rng rng_;
  std::uint64_t next_ = 0;
};

// Cosine and sine of an angle, without the C library: ((1 - t^2), 2 t) / (1 + t^2), where t is the tangent of half the
// angle.
struct Direction {
  double c = 1, s = 0;
  explicit Direction(Draws& draws, double largest = 1) {  // 1: a quarter turn either way
    const double t = draws.between(-largest, largest);
    c = (1 - t * t) / (1 + t * t);
    s = 2 * t / (1 + t * t);
  }
};

// A paint: one colour, fading to a second one along a triangle wave.
struct Paint {
  Colour first, second;
  Direction direction;
  double frequency, phase;

  Paint(Draws& draws, const Colour& base, double contrast)
      : first(base), second(base), direction(draws), frequency(draws.between(0.02, 0.25)), phase(draws.between(0, 1)) {
    for (double& channel : second) channel += draws.between(-contrast, contrast);
  }
  double at(double x, double y, std::size_t channel) const {
    const double t = (x * direction.c + y * direction.s) * frequency + phase;
    const double wave = 2 * std::abs(t - std::floor(t) - 0.5);
    return first[channel] + (second[channel] - first[channel]) * wave;
  }
};

struct Placed {
  int figure;
  double x, y, radius, stretch;
  Direction direction;

  Placed(Draws& draws, int kind, double low, double high, double margin)
      : figure(kind),
        x(draws.between(margin, kSide - margin)),
        y(draws.between(margin, kSide - margin)),
        radius(draws.between(low, high)),
        stretch(draws.between(0.85, 1.18)),
        direction(draws, kLargestTilt) {}

  // Part of the pixel that the figure covers, from 2 x 2 points.
  double coverage(int px, int py) const {
    int hits = 0;
    for (int k = 0; k < 4; ++k) {
      const double dx = px + 0.25 + 0.5 * (k & 1) - x, dy = py + 0.25 + 0.5 * (k >> 1) - y;
      const double u = (dx * direction.c + dy * direction.s) / (radius * stretch);
      const double v = (dy * direction.c - dx * direction.s) * stretch / radius;
      hits += inside(figure, u, v) ? 1 : 0;
    }
    return hits / 4.0;
  }
};

// A colour that differs enough from the background's: at least `distance` in the mean over channels.
Colour contrasting(Draws& draws, const Colour& background, double distance) {
  Colour best = draws.colour();
  double best_distance = 0;
  for (int attempt = 0; attempt < 8 && best_distance < distance; ++attempt) {
    const Colour candidate = draws.colour();
    double sum = 0;
    for (std::size_t c = 0; c < 3; ++c) sum += std::abs(candidate[c] - background[c]) / 3;
    if (sum > best_distance) best = candidate;
    best_distance = std::max(best_distance, sum);
  }
  return best;
}

class Picture {
 public:
  void fill(const Paint& paint) {
    for_pixels([&](int x, int y, std::size_t c, double& value) { value = paint.at(x, y, c); });
  }
  void draw(const Placed& figure, const Paint& paint) {
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        const double part = figure.coverage(x, y);
        if (part == 0) continue;
        for (std::size_t c = 0; c < 3; ++c) {
          double& value = values_[index(x, y) + c];
          value += part * (paint.at(x, y, c) - value);
        }
      }
    }
  }
  void line(Draws& draws, const Colour& colour) {
    const Direction d(draws);
    const double x0 = draws.between(4, kSide - 4), y0 = draws.between(4, kSide - 4), width = draws.between(0.4, 0.8);
    for_pixels([&](int x, int y, std::size_t c, double& value) {
      if (std::abs((x - x0) * d.s - (y - y0) * d.c) < width) value = colour[c];
    });
  }
  // Noise: the sum of four bytes, uniform each, is nearly Gaussian with std 148; `strength` is the std in units of
  // white.
  void finish(Draws& draws, double strength, std::uint8_t* out) const {
    for (std::size_t i = 0; i < kImageBytes; i += 2) {
      const std::uint64_t word = draws.bits();
      for (std::size_t k = 0; k < 2; ++k) {
        int sum = -510;
        for (std::size_t byte = 0; byte < 4; ++byte) sum += static_cast<int>(word >> (8 * (4 * k + byte)) & 255);
        const double value = values_[i + k] + strength * sum / 148.0;
        out[i + k] = static_cast<std::uint8_t>(std::clamp(value, 0.0, 1.0) * 255 + 0.5);
      }
    }
  }

 private:
  static std::size_t index(int x, int y) { return static_cast<std::size_t>(3 * (y * kSide + x)); }
  template <class Fn>
  void for_pixels(Fn&& fn) {
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide; ++x) {
        for (std::size_t c = 0; c < 3; ++c) fn(x, y, c, values_[index(x, y) + c]);
      }
    }
  }
  std::array<double, kImageBytes> values_{};
};

void paint_image(std::uint64_t seed, const char* split, int image, int figure, std::uint8_t* out) {
  Draws draws(seed, split, image);
  Picture picture;
  const Colour background = draws.colour();
  picture.fill(Paint(draws, background, 0.2));
  const int strays = draws.below(3);
  for (int i = 0; i < strays; ++i) {
    const Placed stray(draws, draws.below(kClasses), 1.5, 2.8, 2.0);
    picture.draw(stray, Paint(draws, draws.colour(), 0.2));
  }
  const Placed main(draws, figure, 8.5, 12.0, 12.5);
  picture.draw(main, Paint(draws, contrasting(draws, background, 0.35), 0.15));
  if (draws.below(3) == 0) picture.line(draws, draws.colour());
  picture.finish(draws, draws.between(0.02, 0.08), out);
}

void make_split(const char* name, int count, std::uint64_t seed, std::vector<std::uint8_t>& pixels,
                std::vector<std::int32_t>& labels) {
  pixels.resize(static_cast<std::size_t>(count) * kImageBytes);
  for (int i = 0; i < count; ++i) labels.push_back(i % kClasses);
  parallel_for(count, [&](int i) {
    paint_image(seed, name, i, i % kClasses, pixels.data() + static_cast<std::size_t>(i) * kImageBytes);
  });
}

}  // namespace

Dataset synthetic_dataset(const SyntheticOptions& options) {
  for (const int count : {options.train, options.test}) {
    FANIN_CHECK(count >= 1 && count <= kLargestSplit, usage, "synthetic: {} images; give 1 to {}", count,
                kLargestSplit);
  }
  DatasetParts parts;
  parts.name = "synthetic";
  parts.image = {1, kSide, kSide, 3};
  parts.class_names.assign(std::begin(kClassNames), std::end(kClassNames));
  make_split("train", options.train, options.seed, parts.train_pixels, parts.train_labels);
  make_split("test", options.test, options.seed, parts.test_pixels, parts.test_labels);
  return assemble(std::move(parts), "synthetic");
}

}  // namespace fanin
