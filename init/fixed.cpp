// SPDX-License-Identifier: MIT
#include "init/fixed.h"

#include "core/check.h"

#include <fmt/format.h>

#include <cmath>

namespace fanin {

namespace {

class Fixed : public IndependentInitializer {
 public:
  Fixed(Distribution law, std::string text, std::string warning)
      : law_(law), text_(std::move(text)), warning_(std::move(warning)) {}
  std::string describe() const override { return text_; }
  std::string warning(const WeightShape&) const override { return warning_; }

 protected:
  Distribution law(const WeightShape&) const override { return law_; }

 private:
  const Distribution law_;
  const std::string text_, warning_;
};

}  // namespace

InitializerPtr normal(double mean, double std) {
  FANIN_CHECK(std >= 0.0 && std::isfinite(std) && std::isfinite(mean), usage,
              "normal with mean {} and std {}; std must be at least 0", mean, std);
  return std::make_shared<Fixed>(Distribution::normal(mean, std), fmt::format("normal, mean {}, std {}", mean, std),
                                 "");
}

InitializerPtr uniform(double low, double high) {
  FANIN_CHECK(low <= high && std::isfinite(low) && std::isfinite(high), usage,
              "uniform from {} to {}; the first must not exceed the second", low, high);
  return std::make_shared<Fixed>(Distribution::uniform(low, high), fmt::format("uniform from {} to {}", low, high), "");
}

InitializerPtr truncated_normal(double mean, double std, double low, double high) {
  FANIN_CHECK(std > 0.0 && std::isfinite(std) && std::isfinite(mean), usage,
              "truncated normal with mean {} and std {}; std must be above 0", mean, std);
  FANIN_CHECK(low < high && std::isfinite(low) && std::isfinite(high), usage,
              "truncated normal on [{}, {}]; the first bound must be below the second", low, high);
  const bool far = mean < low - 2.0 * std || mean > high + 2.0 * std;  // the condition of PyTorch's warning
  return std::make_shared<Fixed>(
      Distribution::truncated_normal(mean, std, low, high),
      fmt::format("normal, mean {}, std {}, restricted to [{}, {}]", mean, std, low, high),
      far ? fmt::format("its mean {} is more than 2 std outside [{}, {}]: all weights crowd at one bound", mean, low,
                        high)
          : "");
}

}  // namespace fanin
