// SPDX-License-Identifier: MIT
#include "init/looks_linear.h"

#include "core/check.h"
#include "init/centre_tap.h"
#include "init/orthogonal.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

class LooksLinear : public Initializer {
 public:
  LooksLinear(MirrorPart part, double gain) : part_(part), gain_(gain) {}
  std::string describe() const override {
    const char* const parts[] = {"[V; -V]", "[V, -V; -V, V]", "[V, -V]"};
    return fmt::format("looks-linear {}, gain {}", parts[static_cast<int>(part_)], gain_);
  }

  // V has min(rows, columns) vectors of length gain, and stands in the weight once a half of either side.
  std::optional<double> variance(const WeightShape& shape) const override {
    const double copies = (shape.out_per_group / rows(shape)) * (shape.in_per_group / columns(shape));
    return gain_ * gain_ * copies * std::min(rows(shape), columns(shape)) /
           (static_cast<double>(shape.out_per_group) * shape.in_per_group * shape.taps());
  }

  void fill(const WeightShape& shape, std::span<float> weights, Draws& draws) const override {
    FANIN_CHECK(shape.rank >= 2, shape, "looks_linear needs a weight of at least 2 dimensions, not {}; use zeros",
                to_string(shape));
    FANIN_CHECK((part_ == MirrorPart::last || shape.out_per_group % 2 == 0) &&
                    (part_ == MirrorPart::first || shape.in_per_group % 2 == 0),
                shape,
                "looks_linear cannot pair {} inputs and {} outputs of a group; part=first leaves the inputs unpaired, "
                "part=last the outputs",
                shape.in_per_group, shape.out_per_group);
    std::fill(weights.begin(), weights.end(), 0.0f);
    for (int g = 0; g < shape.groups; ++g) {
      const std::vector<double> v = orthogonal_matrix(rows(shape), columns(shape), draws);
      for (int o = 0; o < shape.out_per_group; ++o)
        for (int i = 0; i < shape.in_per_group; ++i)
          weights[centre_tap(shape, g * shape.out_per_group + o, i)] =
              static_cast<float>(sign(shape, o, i) * gain_ *
                                 v[static_cast<std::size_t>(o % rows(shape) * columns(shape) + i % columns(shape))]);
    }
  }

  std::optional<Property> property(const WeightShape& shape, std::span<const float> weights) const override {
    double largest = 0.0;
    std::vector<float> rest(weights.begin(), weights.end());
    for (int g = 0; g < shape.groups; ++g) {
      std::vector<double> v(static_cast<std::size_t>(rows(shape)) * static_cast<std::size_t>(columns(shape)));
      for (int o = 0; o < shape.out_per_group; ++o)
        for (int i = 0; i < shape.in_per_group; ++i) {
          float& w = rest[centre_tap(shape, g * shape.out_per_group + o, i)];
          const double mirrored = sign(shape, o, i) * static_cast<double>(w) / gain_;
          double& entry = v[static_cast<std::size_t>(o % rows(shape) * columns(shape) + i % columns(shape))];
          if (o < rows(shape) && i < columns(shape)) entry = mirrored;
          largest = std::max(largest, std::fabs(entry - mirrored));
          w = 0.0f;
        }
      largest = std::max(largest, orthonormality(v, rows(shape), columns(shape)));
    }
    for (const float w : rest) largest = std::max(largest, std::fabs(static_cast<double>(w)));
    return Property{"mirrored pairs of an orthonormal matrix at the centre tap", largest, kOrthonormalBound};
  }

 private:
  int rows(const WeightShape& s) const { return part_ == MirrorPart::last ? s.out_per_group : s.out_per_group / 2; }
  int columns(const WeightShape& s) const { return part_ == MirrorPart::first ? s.in_per_group : s.in_per_group / 2; }
  double sign(const WeightShape& s, int o, int i) const { return (o < rows(s)) == (i < columns(s)) ? 1.0 : -1.0; }
  const MirrorPart part_;
  const double gain_;
};

}  // namespace

InitializerPtr looks_linear(MirrorPart part, double gain) {
  FANIN_CHECK(gain > 0.0 && std::isfinite(gain), usage, "looks_linear with gain {}; it must be above 0", gain);
  return std::make_shared<LooksLinear>(part, gain);
}

}  // namespace fanin
