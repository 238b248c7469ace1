// Form B with form C's weights is form C's function.
// SPDX-License-Identifier: MIT
#include "init/as_grouped.h"

#include "init/catalog.h"
#include "tests/support/error_of.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fanin {
namespace {

using test::Specimen;

// The same products in another order of sums, through 12 layers of at most 600 terms with batch statistics between.
TEST(AsGrouped, BothFormsAreTheSameFunction) {
  for (const char* base : {"kaiming_normal", "prlz77-resnext", "wrn-lua"}) {
    Specimen b("resnext-11-4x4d:form=B"), c("resnext-11-4x4d:form=C"), plain("resnext-11-4x4d:form=B");
    make_scheme(std::string("as_grouped:base=") + base)->apply(b.net(), b.batch(), 3);
    make_scheme(base)->apply(c.net(), {}, 3);
    make_scheme(base)->apply(plain.net(), {}, 3);
    const ConstView from_b = b.net().forward(b.batch().images, Mode::train),
                    from_c = c.net().forward(c.batch().images, Mode::train);
    const ConstView other = plain.net().forward(plain.batch().images, Mode::train);
    double largest = 0.0, size = 0.0, apart = 0.0;
    for (std::size_t i = 0; i < from_b.shape.size(); ++i) {
      largest = std::max(largest, std::fabs(static_cast<double>(from_b.data[i]) - static_cast<double>(from_c.data[i])));
      apart = std::max(apart, std::fabs(static_cast<double>(other.data[i]) - static_cast<double>(from_c.data[i])));
      size = std::max(size, std::fabs(static_cast<double>(from_c.data[i])));
    }
    EXPECT_LT(largest, 12 * 600 * 0x1p-24 * size) << base;
    EXPECT_GT(apart, 0.05 * size) << base << ": without the step they are two networks";
  }
}

// Branch i of conv_conv is group i, and rows i * 4 ... of conv_reduce; both to the bit.
TEST(AsGrouped, BranchesAreSlicesInFileOrder) {
  Specimen b("resnext-11-4x4d:form=B"), c("resnext-11-4x4d:form=C");
  make_scheme("as_grouped:base=orthogonal")->apply(b.net(), b.batch(), 3);
  make_scheme("orthogonal")->apply(c.net(), {}, 3);
  const std::string block = "stage_1.stage_1_bottleneck_0.";
  for (const char* name : {"conv_reduce.weight", "conv_conv.weight"}) {
    const Parameter& whole = *c.net().find_parameter(block + name);
    std::vector<float> all(whole.shape.size());
    to_file_order(whole.shape, whole.value, all);
    for (std::size_t i = 0; i < 4; ++i) {
      const Parameter& part = *b.net().find_parameter(block + "branch_" + std::to_string(i) + "." + name);
      std::vector<float> file(part.shape.size());
      to_file_order(part.shape, part.value, file);
      EXPECT_TRUE(std::equal(file.begin(), file.end(), all.begin() + static_cast<std::ptrdiff_t>(i * file.size())))
          << name << " " << i;
    }
  }
}

TEST(AsGrouped, RulesOnTopAreFormCsToo) {
  Specimen b("resnext-11-2x4d:form=B");
  make_scheme("as_grouped;conv=constant:value=2")->apply(b.net(), b.batch(), 1);
  EXPECT_EQ(b.net().find_parameter("stage_1.stage_1_bottleneck_0.branch_1.conv_conv.weight")->value[0], 2.0f);
}

TEST(AsGrouped, NeedsBranches) {
  Specimen s("resnext-11-2x4d");
  EXPECT_EQ(test::error_of([&] { make_scheme("as_grouped")->apply(s.net(), s.batch(), 1); }),
            "scheme 'as_grouped' is for networks of branches, and this one has none; use resnext-*:form=B");
}

}  // namespace
}  // namespace fanin
