// The rows of structured initializers: what they refuse, in words.
// SPDX-License-Identifier: MIT
#include "core/check.h"
#include "init/catalog.h"
#include "tests/support/error_of.h"
#include "tests/support/weights.h"

#include <gtest/gtest.h>

namespace fanin {
namespace {

TEST(StructuredRows, WrongArgumentsAreNamed) {
  const auto error = [](const char* spec) { return test::error_of([&] { make_initializer(spec); }); };
  EXPECT_EQ(error("looks_linear:part=middle"),
            "initializer 'looks_linear': unknown part 'middle'; choose from first, hidden, last");
  EXPECT_EQ(error("looks_linear:gain=0"), "looks_linear with gain 0; it must be above 0");
  EXPECT_EQ(error("delta_orthogonal:gain=-1"), "delta_orthogonal with gain -1; it must be above 0");
  EXPECT_EQ(error("idinit:tau=0"), "idinit with tau 0; it must be above 0");
  EXPECT_EQ(error("sparse_martens:count=0"),
            "initializer 'sparse_martens': count=0 must be a whole number from 1 to 1000000");
  EXPECT_EQ(error("sparse_martens:std=0"), "sparse_martens with std 0; it must be above 0");
  EXPECT_EQ(error("zero_hadamard:gain=1"), "initializer 'zero_hadamard': unknown option 'gain'; it takes none");
  EXPECT_EQ(error("sinusoidal:gain=1"), "initializer 'sinusoidal': unknown option 'gain'; it takes none");
}

TEST(StructuredRows, VectorsAreRefused) {
  for (const char* name : {"orthogonal", "sparse_martens", "delta_orthogonal", "looks_linear", "zero_hadamard",
                           "idinit", "sinusoidal", "dirac", "eye", "sparse"})
    EXPECT_THROW(test::weights_of(*make_initializer(name), WeightShape::vector(4)), Error) << name;
}

}  // namespace
}  // namespace fanin
