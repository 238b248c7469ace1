// A step of one's own after rules of one's own.
// SPDX-License-Identifier: MIT
#include "init/network_initializer.h"

#include "init/constant.h"
#include "tests/support/error_of.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fanin {
namespace {

class AddOne : public NetworkInitializer {
 public:
  explicit AddOne(float what) : what_(what) {}
  std::string describe() const override { return "plus one"; }
  void apply(Network& net, const Batch&, std::uint64_t) const override {
    for (float& v : net.find_parameter("fc.weight")->value) v += what_;
  }
  bool changes(Role role) const override { return role == Role::linear_weight; }
  Property check(Network& net, const Batch&, std::uint64_t) const override {
    return {"is 3", std::fabs(static_cast<double>(net.find_parameter("fc.weight")->value[0]) - 3.0), 0.0};
  }

 private:
  const float what_;
};

std::unique_ptr<Scheme> twos() { return by_rules("twos", {{"conv", constant(2.0)}}); }

TEST(NetworkInitializer, TheStepComesAfterTheRules) {
  test::Specimen s("plain-4-4");
  const std::unique_ptr<Scheme> scheme = followed_by("twos and one", twos(), std::make_shared<AddOne>(1.0f));
  scheme->apply(s.net(), {}, 1);
  EXPECT_EQ(s.net().find_parameter("fc.weight")->value[0], 3.0f);
  EXPECT_EQ(s.net().find_parameter("conv0.weight")->value[0], 2.0f);
  EXPECT_TRUE(scheme->step()->check(s.net(), {}, 1).holds());
  EXPECT_EQ(scheme->Scheme::describe(*s.net().find_parameter("fc.weight")), "constant 2");
  EXPECT_EQ(scheme->describe(*s.net().find_parameter("fc.weight")), "constant 2, then plus one");
  EXPECT_EQ(twos()->step(), nullptr);
}

TEST(NetworkInitializer, WeightsThatAreNotFiniteAreRefused) {
  test::Specimen s("plain-4-4");
  const auto scheme = followed_by("bad", twos(), std::make_shared<AddOne>(std::numeric_limits<float>::infinity()));
  EXPECT_EQ(test::error_of([&] { scheme->apply(s.net(), {}, 1); }),
            "fc.weight: scheme 'bad' made a weight that is not finite; choose another base");
}

}  // namespace
}  // namespace fanin
