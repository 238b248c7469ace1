// Every step over a network keeps what the interface says, on the network that it names as an example.
// SPDX-License-Identifier: MIT
#include "init/network_catalog.h"

#include "core/tensor/parallel.h"
#include "init/catalog.h"
#include "tests/support/error_of.h"
#include "tests/support/network.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>

namespace fanin {
namespace {

using test::Specimen;

std::vector<float> weights_after(const std::string& scheme, const std::string& model, std::uint64_t seed = 1) {
  Specimen s(model);
  make_scheme(scheme)->apply(s.net(), s.batch(), seed);
  return s.weights();
}

TEST(NetworkCatalog, EveryStepKeepsItsClaimWhichItsBaseAloneDoesNot) {
  for (const NetworkEntry& entry : network_catalog()) {
    Specimen s(entry.model);
    const std::unique_ptr<Scheme> scheme = make_scheme(entry.name);
    make_scheme(entry.base)->apply(s.net(), s.batch(), 1);
    const Property before = scheme->step()->check(s.net(), s.batch(), 1);
    EXPECT_FALSE(before.holds()) << entry.name << ": " << before.claim << ": " << before.deviation;
    scheme->apply(s.net(), s.batch(), 1);
    const Property after = scheme->step()->check(s.net(), s.batch(), 1);
    EXPECT_TRUE(after.holds()) << entry.name << ": " << after.claim << ": " << after.deviation << " of " << after.bound;
  }
}

TEST(NetworkCatalog, TheSameSeedGivesTheSameBitsForAnyNumberOfThreads) {
  const int threads = thread_count();
  for (const NetworkEntry& entry : network_catalog()) {
    set_thread_count(1);
    const std::vector<float> one = weights_after(entry.name, entry.model);
    EXPECT_EQ(one, weights_after(entry.name, entry.model)) << entry.name;
    set_thread_count(3);
    EXPECT_EQ(one, weights_after(entry.name, entry.model)) << entry.name;
    for (const float v : one) ASSERT_TRUE(std::isfinite(v)) << entry.name;
  }
  set_thread_count(threads);
}

TEST(NetworkCatalog, WhatAStepDoesNotChangeIsAsTheRulesMadeIt) {
  for (const NetworkEntry& entry : network_catalog()) {
    Specimen s(entry.model), base(entry.model);
    const std::unique_ptr<Scheme> scheme = make_scheme(entry.name);
    std::vector<std::vector<float>> buffers;
    for (const StateBuffer* buffer : s.net().buffers()) buffers.push_back(buffer->value);
    scheme->apply(s.net(), s.batch(), 1);
    make_scheme(entry.base)->apply(base.net(), base.batch(), 1);
    for (std::size_t i = 0; i < buffers.size(); ++i) EXPECT_EQ(s.net().buffers()[i]->value, buffers[i]) << entry.name;
    bool changed = false;
    for (const Parameter* p : s.net().parameters()) {
      const bool same = std::ranges::equal(p->value, base.net().find_parameter(p->name)->value);
      if (scheme->step()->changes(p->role)) {
        changed = changed || !same;
        EXPECT_FALSE(scheme->variance(*p)) << entry.name << ": the rules' promise is void for " << p->name;
      } else {
        EXPECT_TRUE(same) << entry.name << ": " << p->name;
      }
    }
    EXPECT_TRUE(changed) << entry.name << " does nothing";
  }
}

TEST(NetworkCatalog, BasesAndRulesCanBeChosen) {
  Specimen s("plain-8-8");
  const std::unique_ptr<Scheme> scheme = make_scheme("lsuv:base=kaiming_normal;fc.weight=zeros");
  const Parameter& conv = *s.net().find_parameter("conv1.weight");
  EXPECT_EQ(scheme->describe(conv), "normal, variance 2 / fan_in, then outputs scaled to variance 1");
  EXPECT_EQ(scheme->rule(*s.net().find_parameter("fc.weight")), "fc.weight");
  scheme->apply(s.net(), s.batch(), 1);
  EXPECT_EQ(s.net().find_parameter("fc.weight")->value[0], 0.0f);
}

TEST(NetworkCatalog, MistakesAreNamed) {
  const auto error = [](const char* spec) { return test::error_of([&] { make_scheme(spec); }); };
  EXPECT_EQ(error("lsuv:base=lsuv"),
            "scheme 'lsuv:base=lsuv': base=lsuv is a step itself; give an initializer or a preset");
  EXPECT_EQ(error("lsuv:base=kaiming_norml"), "unknown scheme 'kaiming_norml'; did you mean 'kaiming_normal'?");
  EXPECT_EQ(error("lsuv:tolerence=1"), "scheme 'lsuv': unknown option 'tolerence'; did you mean 'tolerance'?");
  EXPECT_EQ(error("lsuv:tolerance=0"), "lsuv with tolerance 0; give more than 0 and less than 1");
  EXPECT_EQ(error("lsvu"), "unknown scheme 'lsvu'; did you mean 'lsuv'?");
  Specimen s("plain-8-8");
  EXPECT_EQ(test::error_of([&] { make_scheme("lsuv")->apply(s.net(), {}, 1); }),
            "scheme 'lsuv' looks at images; give apply() a batch");
}

TEST(NetworkCatalog, ThePageNamesEveryStep) {
  std::ifstream file(FANIN_SOURCE_DIR "/docs/initializers.md");
  std::stringstream page;
  page << file.rdbuf();
  for (const NetworkEntry& entry : network_catalog()) {
    EXPECT_NE(page.str().find("| `" + entry.name + "` |"), std::string::npos) << entry.name;
    EXPECT_FALSE(entry.formula.empty() || entry.source.empty() || entry.claim.empty()) << entry.name;
  }
}

}  // namespace
}  // namespace fanin
