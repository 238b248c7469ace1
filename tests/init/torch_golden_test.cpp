// What torch.manual_seed(s) followed by an upstream constructor or a call of torch.nn.init gives, from the file that
// tests/parity/make_init_golden.py wrote with the PyTorch version named in it.
// SPDX-License-Identifier: MIT
#include "core/check.h"
#include "init/catalog.h"
#include "init/torch_draws.h"
#include "models/catalog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include <nlohmann/json.hpp>

namespace fanin {
namespace {

using Json = nlohmann::json;

Json golden() {
  std::ifstream file(FANIN_SOURCE_DIR "/tests/parity/golden/torch_init.json");
  return Json::parse(file);
}

// Uniforms and constants bit for bit. Normals within 1e-6 of a standard deviation, of which none is above 8.
void expect_golden(const Json& expected, const std::vector<float>& w, bool exact, double std, const std::string& what) {
  ASSERT_EQ(w.size(), expected.at("count").get<std::size_t>()) << what;
  const Json& values = expected.at("values");
  const std::size_t shown = values.size();
  const double tolerance = exact ? 0.0 : 1e-6 * std;
  for (std::size_t i = 0; i < shown; ++i) {
    const double value = std::strtod(values[i].get<std::string>().c_str(), nullptr);
    const std::size_t place = shown == w.size() || i < shown / 2 ? i : w.size() - shown + i;
    EXPECT_NEAR(static_cast<double>(w[place]), value, tolerance) << what << " [" << place << "]";
  }
  double sum = 0.0, squares = 0.0;
  for (const float v : w) {
    sum += static_cast<double>(v);
    squares += static_cast<double>(v) * static_cast<double>(v);
  }
  // Sums in double of n terms, each off by at most the tolerance; squares by 2 |w| times that (Cauchy-Schwarz).
  const double n = static_cast<double>(w.size()), all = expected.at("squares");
  EXPECT_NEAR(sum, expected.at("sum").get<double>(), n * tolerance + n * 1e-15) << what;
  EXPECT_NEAR(squares, all, 2.0 * std::sqrt(all * n) * tolerance + n * 1e-15 * (1.0 + all)) << what;
}

TEST(TorchGolden, ConstructorsOfTheUpstreamCodes) {
  const Json all = golden();
  for (const Json& network : all.at("networks")) {
    const std::string spec = network.at("model"), scheme = network.at("scheme");
    Model model = build_model(spec, {1, 32, 32, 3}, 10);
    model.network.prepare(model.logits, 1, Mode::evaluate);
    const std::unique_ptr<Scheme> preset = make_scheme(scheme);
    preset->apply(model.network, {}, network.at("seed"), StreamKind::torch);
    EXPECT_EQ(model.network.parameters().size(), network.at("parameters").size()) << spec;
    for (const auto& [name, expected] : network.at("parameters").items()) {
      const Parameter* p = model.network.find_parameter(name);
      ASSERT_NE(p, nullptr) << name;
      std::vector<float> w(p->value.size());
      to_file_order(p->shape, p->value, w);
      const bool exact = preset->describe(*p).find("normal") == std::string::npos;
      expect_golden(expected, w, exact, std::sqrt(*preset->variance(*p)), spec + " " + name);
    }
  }
}

WeightShape shape_of(const Json& dimensions) {
  const std::vector<int> d = dimensions;
  return d.size() == 2 ? WeightShape::linear(d[1], d[0]) : WeightShape::conv(d[2], d[1], d[0], 1);
}

TEST(TorchGolden, InitializersOfTorchNnInit) {
  const Json all = golden();
  for (const Json& call : all.at("initializers")) {
    const std::string spec = call.at("initializer");
    const WeightShape shape = shape_of(call.at("shape"));
    const InitializerPtr initializer = make_initializer(spec);
    std::vector<float> w(shape.size());
    TorchDraws draws(call.at("seed"));
    initializer->fill(shape, w, draws);
    const bool normal =
        spec.find("normal") != std::string::npos || spec.starts_with("orthogonal") || spec.starts_with("sparse");
    // A scale of the values: PyTorch's QR in float is good to a few 1e-7 of the gain.
    const double scale = spec.starts_with("normal:mean=1") ? 1.0 : spec.starts_with("orthogonal") ? 1.5 : 0.0;
    expect_golden(call, w, !normal, std::max(scale, std::sqrt(*initializer->variance(shape))), spec);
  }
}

}  // namespace
}  // namespace fanin
