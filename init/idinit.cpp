// SPDX-License-Identifier: MIT
#include "init/idinit.h"

#include "core/check.h"
#include "init/centre_tap.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

// Entry (o, i) of an out x in matrix, in units of tau.
int repeated(int out, int in, int o, int i) { return out <= in ? i % out == o : o % in == i; }
int once(int out, int in, int o, int i) { return out <= in ? i == o : o % in == i; }
int zero(int out, int in, int o, int i) {
  if (in == 1) return o % 2 == 0 ? 1 : -1;  // there is no other input to take the difference with
  if (out < in) return i < out ? once(out, out, o, i) : -once(out, in - out, o, i - out);
  return (o % in == i) - ((o + 1) % in == i);
}

class IdInit : public Initializer {
 public:
  explicit IdInit(const IdinitOptions& options) : o_(options) {}
  std::string describe() const override {
    return fmt::format("{} times {}{}", o_.zero ? "differences of inputs" : "repeated identity", o_.tau,
                       o_.patch ? ", over patches" : "");
  }

  std::optional<double> variance(const WeightShape& shape) const override {
    double sum = 0.0, squares = 0.0;
    for_each(shape, [&](std::size_t, int value) {
      sum += value;
      squares += value * value;
    });
    const double n = static_cast<double>(shape.size()), mean = sum / n;
    return o_.tau * o_.tau * (squares / n - mean * mean);
  }

  void fill(const WeightShape& shape, std::span<float> weights, Draws&) const override {
    FANIN_CHECK(shape.rank >= 2, shape, "idinit needs a weight of at least 2 dimensions, not {}; use zeros",
                to_string(shape));
    std::fill(weights.begin(), weights.end(), 0.0f);
    for_each(shape, [&](std::size_t k, int value) { weights[k] = static_cast<float>(value * o_.tau); });
  }

  std::optional<Property> property(const WeightShape& shape, std::span<const float> weights) const override {
    double largest = 0.0;
    std::vector<double> expected(weights.size(), 0.0);
    for_each(shape, [&](std::size_t k, int value) { expected[k] = value * o_.tau; });
    for (std::size_t k = 0; k < weights.size(); ++k)
      largest = std::max(largest, std::fabs(static_cast<double>(weights[k]) - expected[k]) / o_.tau);
    const char* const what = o_.zero ? "differences of inputs" : "an identity, repeated,";
    return Property{fmt::format("{} {}", what, o_.patch ? "over patches" : "at the centre tap"), largest, 0x1p-24};
  }

 private:
  // Calls fn(index in file order, entry in units of tau) for all entries but zeros.
  template <class Fn>
  void for_each(const WeightShape& shape, Fn&& fn) const {
    const auto entry = o_.zero ? zero : o_.once ? once : repeated;
    const int out = shape.out_per_group, in = o_.patch ? shape.in_per_group * shape.taps() : shape.in_per_group;
    for (int o = 0; o < shape.out_channels(); ++o)
      for (int i = 0; i < in; ++i)
        if (const int value = entry(out, in, o % out, i); value != 0)
          fn(o_.patch ? static_cast<std::size_t>(o) * static_cast<std::size_t>(in) + static_cast<std::size_t>(i)
                      : centre_tap(shape, o, i),
             value);
  }
  const IdinitOptions o_;
};

}  // namespace

InitializerPtr idinit(const IdinitOptions& options) {
  FANIN_CHECK(options.tau > 0.0 && std::isfinite(options.tau), usage, "idinit with tau {}; it must be above 0",
              options.tau);
  return std::make_shared<IdInit>(options);
}

}  // namespace fanin
