// Scalars in residual branches: at 1 and 0 they change nothing, and each form has the parameters that its paper names.
// SPDX-License-Identifier: MIT
#include "models/residual.h"

#include "init/catalog.h"
#include "tests/support/error_of.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fanin {
namespace {

using test::Specimen;

int count(Network& net, Role role) {
  return static_cast<int>(std::ranges::count_if(net.parameters(), [&](const Parameter* p) { return p->role == role; }));
}

std::vector<float> logits(const std::string& spec) {
  Specimen s(spec);
  make_scheme("kaiming_normal")->apply(s.net(), {}, 1);
  const ConstView y = s.net().forward(s.batch().images, Mode::evaluate);
  return {y.data, y.data + 160};
}

TEST(Residual, ScalarsAtOneAndZeroChangeNothing) {
  for (const char* model : {"wrn-10-1", "resnet-8", "preresnet-11", "preresnet-8:block=basic"}) {
    const std::string name = model, more = name.find(':') == std::string::npos ? ":" : ",";
    const std::vector<float> plain = logits(name + more + "norm=none");
    for (const char* form : {"skipinit", "rezero", "fixup"})
      EXPECT_EQ(logits(name + more + "norm=none,residual=" + form), plain) << name << " " << form;
    EXPECT_EQ(logits(name + more + "residual=rezero"), logits(name)) << "with norm: " << name;
  }
}

// wrn-16-1 has 6 branches of two convolutions.
TEST(Residual, EachFormHasItsParameters) {
  Specimen plain("wrn-16-1:norm=none"), skip("wrn-16-1:norm=none,residual=skipinit"), zero("wrn-16-1:residual=rezero"),
      fixup("wrn-16-1:norm=none,residual=fixup");
  EXPECT_EQ(count(plain.net(), Role::scalar_multiplier), 0);
  EXPECT_EQ(count(skip.net(), Role::scalar_multiplier), 6);
  EXPECT_EQ(count(skip.net(), Role::conv_bias), 12);
  EXPECT_EQ(count(zero.net(), Role::scalar_multiplier), 6);
  EXPECT_EQ(count(zero.net(), Role::conv_bias), 0);
  EXPECT_EQ(count(fixup.net(), Role::scalar_multiplier), 6);
  EXPECT_EQ(count(fixup.net(), Role::scalar_bias), 6 * 5 + 2) << "before 2 convolutions and 2 activations, after the "
                                                                 "multiplier; before the last activation and fc";
  Specimen resnet("resnet-14:norm=none,residual=fixup");
  EXPECT_EQ(count(resnet.net(), Role::scalar_bias), 6 * 4 + 2) << "the activation behind the sum has none";
  EXPECT_EQ(resnet.net().find_parameter("layer1.0.scale.weight")->role, Role::scalar_multiplier);
}

TEST(Residual, MistakesAreNamed) {
  const auto error = [](const char* spec) { return test::error_of([&] { build_model(spec, {1, 8, 8, 3}, 10); }); };
  EXPECT_EQ(error("wrn-10-1:residual=fixup"),
            "model 'wrn-10-1': residual=fixup does without norm; write residual=fixup,norm=none");
  EXPECT_EQ(error("resnet-8:residual=skip"),
            "model 'resnet-8': unknown residual 'skip'; choose from plain, skipinit, rezero, fixup");
}

}  // namespace
}  // namespace fanin
