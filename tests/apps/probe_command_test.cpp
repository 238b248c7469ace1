// fanin probe as a person runs it, and what it exports.
// SPDX-License-Identifier: MIT
#include "apps/study/birth_export.h"
#include "tests/support/command.h"
#include "tests/support/html.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace fanin {
namespace {

using test::run_fanin;

const std::string kSmall = " --data synthetic:train=32,test=16 --batch 8 --augment none --threads 1 ";

TEST(ProbeCommand, ShowsMeasuredNextToPredicted) {
  const test::Path folder = test::scratch_folder();
  const test::CommandResult r =
      run_fanin(folder, "probe --model plain-4-4 --scheme kaiming_normal --seeds 3 --jacobian --hessian" + kSmall);
  ASSERT_EQ(r.exit_code, 0) << r.output;
  for (const char* part : {"plain-4-4 with kaiming_normal, one batch of 8, 3 seeds", "predicted", "gradient / weight",
                           "mean field of relu: fan_in * variance 2, bias variance 0; length q* 1, chi1 1, depth scale "
                           "infinite; critical at 2",
                           "Jacobian of the first image's logits", "stable below a learning rate of",
                           "knowing nothing costs ln 10 = 2.3026"})
    EXPECT_NE(r.output.find(part), std::string::npos) << part << "\n" << r.output;
}

TEST(ProbeCommand, ComparesSchemesThatHaveOptions) {
  const test::Path folder = test::scratch_folder();
  test::write_file(folder / "rules.txt", "conv=uniform:a=-0.1,b=0.1  # a comma\nlinear=zeros\n");
  const test::CommandResult r =
      run_fanin(folder,
                "probe plain-4-4 --scheme @rules.txt --scheme 'conv=dirac;linear=xavier_normal' --schemes "
                "orthogonal --seeds 2 --csv --json birth.json" +
                    kSmall);
  ASSERT_EQ(r.exit_code, 0) << r.output;
  EXPECT_TRUE(r.output.starts_with("node,value_mean,value_std,gradient_std,zeros,")) << r.output;
  EXPECT_NE(r.output.find("\"conv=uniform:a=-0.1,b=0.1;linear=zeros\"\n"), std::string::npos) << r.output;
  const nlohmann::json json = nlohmann::json::parse(test::file_text(folder / "birth.json"));
  ASSERT_EQ(json.size(), 3u);
  EXPECT_EQ(json[1]["scheme"], "conv=dirac;linear=xavier_normal");
  EXPECT_TRUE(json[1]["nodes"].back()["predicted_value_square"][0].is_null());
  EXPECT_EQ(json[1]["nodes"].back()["not_predicted_because"], "the weights of conv0 are not centred");
  EXPECT_TRUE(json[1]["phase"].is_null());
  EXPECT_EQ(json[2]["nodes"][1]["value_std"]["values"].size(), 2u);
  // Zero weights of the classifier: the loss is that of knowing nothing, and no gradient goes past it.
  EXPECT_NEAR(json[0]["loss"]["mean"].get<double>(), std::log(10.0), 1e-6);
  EXPECT_EQ(json[0]["nodes"][1]["gradient_square"]["mean"].get<double>(), 0.0);
  EXPECT_EQ(json[0]["nodes"][1]["predicted_gradient_square"][1].get<double>(), 0.0);
}

TEST(ProbeCommand, WritesAPageThatIsInert) {
  const test::Path folder = test::scratch_folder();
  const test::CommandResult r = run_fanin(
      folder, "probe plain-4-4 --schemes kaiming_normal,xavier_uniform --seeds 2 --report page.html" + kSmall);
  ASSERT_EQ(r.exit_code, 0) << r.output;
  const std::string page = test::file_text(folder / "page.html");
  for (const char* part :
       {"plain-4-4 at birth", "kaiming_normal, measured", "xavier_uniform, predicted", "<td>conv2</td>",
        "fanin probe plain-4-4 --scheme kaiming_normal --scheme xavier_uniform --seeds 2 --data"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
  test::expect_self_contained(page);
}

// What is left in Latin letters are names: of schemes, nodes and parameters, and of what made the page.
TEST(ProbeCommand, WritesAPageInChinese) {
  const test::Path folder = test::scratch_folder();
  const test::CommandResult r =
      run_fanin(folder, "probe plain-4-4 --schemes kaiming_normal --seeds 2 --report page.html --lang zh" + kSmall);
  ASSERT_EQ(r.exit_code, 0) << r.output;
  const std::string page = test::file_text(folder / "page.html");
  for (const char* part : {"<html lang=\"zh-CN\">", "plain-4-4 初始时", "kaiming_normal，测量",
                           "<th scope=\"col\">梯度均方根", "conv0，通道 1", "输出 0", "--lang zh"})
    EXPECT_NE(page.find(part), std::string::npos) << part;
  const std::string own = page.substr(0, page.find("<details class=\"licence\">"));
  for (const char* english : {"at birth", "measured", "predicted\"", "root mean square", "channel ", "Loss ", "Numbers",
                              "Histograms", "draws", "gradient rms"})
    EXPECT_EQ(own.find(english), std::string::npos) << english;
  test::expect_self_contained(page);
}

TEST(ProbeCommand, SaysWhatIsWrong) {
  const test::Path folder = test::scratch_folder();
  EXPECT_NE(run_fanin(folder, "probe plain-4-4 --lang fr").output.find("give en or zh"), std::string::npos);
  EXPECT_NE(run_fanin(folder, "probe plain-4-4 --seeds 0").output.find("give 1 to 10000"), std::string::npos);
  EXPECT_NE(run_fanin(folder, "probe plain-4-4 --scheme @none.txt").output.find("none.txt"), std::string::npos);
}

// The whole chain on what a command would do: images, a scheme, the loss's own gradient. Values of a fully connected relu
// network are predicted exactly, so only chance is left: five standard errors.
TEST(BirthPrediction, MeetsTheMeasuredValues) {
  RunConfig config;
  config.model = "mlp-3-16";
  config.data = "synthetic:train=32,test=16";
  config.batch = 4;
  config.augment = "none";
  config.threads = 1;
  const auto session = open_session(config);
  const KeptBatch batch = first_batch(*session);
  const Birth b = birth(*session, 300, batch);
  const std::vector<NodePrediction> predicted = predict_birth(*session, b, batch);
  for (std::size_t i = 0; i < b.nodes.size(); ++i) {
    ASSERT_TRUE(predicted[i].low && predicted[i].high) << b.nodes[i].node;
    EXPECT_DOUBLE_EQ(*predicted[i].low, *predicted[i].high);
    const double m = b.nodes[i].square.mean();
    EXPECT_NEAR(*predicted[i].low, m, 5.0 * b.nodes[i].square.standard_error() + 1e-5 * m) << b.nodes[i].node;
  }
}

TEST(BirthPrediction, PhasesOfPlainNetworks) {
  RunConfig config;
  config.model = "mlp-3-16:act=tanh";
  config.scheme = "linear=variance_scaling:scale=1.7;bias=normal:std=0.2236067977";
  config.data = "synthetic:train=32,test=16";
  config.batch = 4;
  const std::optional<Phase> phase = phase_of(*open_session(config));
  ASSERT_TRUE(phase);
  EXPECT_EQ(phase->activation, "tanh");
  EXPECT_NEAR(phase->weight_variance, 1.7, 1e-12);
  EXPECT_NEAR(phase->bias_variance, 0.05, 1e-10);
  EXPECT_NEAR(*phase->chi1, 0.9867, 5e-5);  // Schoenholz et al. 2017
  EXPECT_NEAR(*phase->depth, 74.9, 0.05);
  EXPECT_NEAR(*phase->critical, 1.76095, 5e-6);
  config.model = "wrn-10-1";
  EXPECT_FALSE(phase_of(*open_session(config))) << "it has sums and norms";
}

TEST(BirthExport, WritesNothingForWhatIsNotFinite) {
  ProbedScheme s;
  s.birth.scheme = "say \"so\"";
  s.birth.loss.values = {std::numeric_limits<double>::infinity()};
  NodeBirth n;
  n.node = "fc";
  n.mean.values = {std::nan("")};
  n.std.values = {2.0};
  s.birth.nodes.push_back(n);
  s.predictions.resize(1);
  EXPECT_TRUE(nlohmann::json::parse(to_json({s}))[0]["loss"]["mean"].is_null());
  EXPECT_NE(to_csv({s}).find("\nfc,,2,,,,,,,0,,,,0,,,\"say \"\"so\"\"\"\n"), std::string::npos) << to_csv({s});
}

}  // namespace
}  // namespace fanin
