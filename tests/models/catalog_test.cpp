// Networks against the published figures: parameter counts, multiply-adds, names, rules. Counts are exact;
// multiply-adds are published as rounded millions, two of them rounded up (901.46 as 902, 8074.48 as 8075).
// SPDX-License-Identifier: MIT
#include "models/catalog.h"

#include "core/check.h"
#include "core/rng.h"
#include "core/train/loss.h"
#include "core/train/optimizer.h"
#include "init/catalog.h"
#include "tests/support/error_of.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <sstream>

namespace fanin {
namespace {

using test::error_of;

const Shape kCifar{1, 32, 32, 3};

std::int64_t parameters_of(const Model& model) {
  std::int64_t total = 0;
  for (const Parameter* p : model.network.parameters()) total += static_cast<std::int64_t>(p->shape.size());
  return total;
}

double million_macs(const Model& model) {
  std::int64_t total = 0;
  for (const NodeSummary& row : model.network.summary()) total += row.macs;
  return static_cast<double>(total) / 1e6;
}

struct Published {
  const char* spec;
  std::int64_t cifar10, cifar100;  // 0: not published
  double macs;                     // millions per image, rounded as published; 0: not published
  double rounding;
};

TEST(Models, ParametersAndMacsArePublishedOnes) {
  const Published table[] = {
      {"resnext-29-8x64d", 34'426'698, 34'518'948, 5387, 0.6},
      {"resnext-29-16x64d", 68'155'210, 68'247'460, 10689, 0.6},
      {"resnext-29-1x64d", 4'914'250, 5'006'500, 748, 0.6},
      {"resnext-29-2x40d", 4'879'626, 4'971'876, 0, 0},
      {"resnext-29-4x24d", 4'845'002, 4'937'252, 0, 0},
      {"resnext-29-8x14d", 4'901'098, 4'993'348, 0, 0},
      {"resnext-29-32x4d", 4'775'754, 4'868'004, 774, 0.6},
      {"resnext-29-2x64d", 9'130'314, 9'222'564, 0, 0},
      {"resnext-29-4x64d", 17'562'442, 17'654'692, 0, 0},
      {"resnext-29-8x16d", 5'646'666, 5'738'916, 902, 0.6},
      {"resnext-29-4x16d", 3'172'426, 3'264'676, 494, 0.6},
      {"densenet-bc-100-12", 769'162, 800'032, 288, 0.6},
      {"densenet-bc-40-12", 176'122, 0, 72, 0.6},
      {"densenet-bc-22-12", 71'686, 0, 31, 0.6},
      {"densenet-bc-16-12", 44'410, 0, 0, 0},
      {"densenet-bc-250-24", 15'324'406, 0, 0, 0},
      {"densenet-bc-190-40", 25'624'430, 0, 9302, 0.6},
      {"densenet-40-12", 1'059'298, 0, 283, 0.6},
      {"densenet-100-12", 7'083'538, 0, 0, 0},
      {"densenet-100-24", 28'071'706, 0, 0, 0},
      {"wrn-10-1", 77'850, 83'700, 12.5, 0.05},
      {"wrn-16-1", 175'066, 180'916, 26.7, 0.05},
      {"wrn-16-2", 691'674, 703'284, 101, 0.6},
      {"wrn-16-4", 2'748'890, 2'772'020, 393, 0.6},
      {"wrn-16-8", 10'961'370, 11'007'540, 1548, 0.6},
      {"wrn-22-8", 17'158'106, 17'204'276, 0, 0},
      {"wrn-28-1", 369'498, 375'348, 55, 0.6},
      {"wrn-28-10", 36'479'194, 36'536'884, 5243, 0.6},
      {"wrn-28-12", 52'517'850, 52'587'060, 0, 0},
      {"wrn-40-1", 563'930, 569'780, 83, 0.6},
      {"wrn-40-2", 2'243'546, 2'255'156, 328, 0.6},
      {"wrn-40-4", 8'949'210, 8'972'340, 1299, 0.6},
      {"wrn-40-10", 55'841'754, 55'899'444, 8075, 0.6},
      {"preresnet-164", 1'703'258, 1'726'388, 0, 0},
      {"preresnet-1001", 10'327'706, 10'350'836, 0, 0},
      {"vgg-19", 20'035'018, 0, 0, 0},
      {"nin", 1'007'242, 0, 0, 0},
      {"fitnet4", 1'276'806, 0, 0, 0},
  };
  for (const Published& row : table) {
    const Model model = build_model(row.spec, kCifar, 10);
    EXPECT_EQ(parameters_of(model), row.cifar10) << row.spec;
    if (row.cifar100 != 0) {
      EXPECT_EQ(parameters_of(build_model(row.spec, kCifar, 100)), row.cifar100) << row.spec;
    }
    if (row.macs != 0) {
      EXPECT_NEAR(million_macs(model), row.macs, row.rounding) << row.spec;
    }
  }
}

// For 224x224 images and 1000 classes: millions of parameters that mmclassification lists for its ConvMixers; and
// h (d (k^2 + h + 6) + 3 p^2 + classes + 3) + classes, counted from the public code. Each of the (224 / p)^2 places costs
// the weights that it meets.
TEST(Models, ConvmixersHaveThePublishedSizes) {
  struct Case {
    const char* spec;
    int d, h, k, p;
    double millions;
  };
  for (const Case& c : {Case{"convmixer-32-768:kernel=7,patch=7,act=relu", 32, 768, 7, 7, 21.11},
                        Case{"convmixer-20-1024:kernel=9,patch=14", 20, 1024, 9, 14, 24.38}}) {
    const Model model = build_model(c.spec, {1, 224, 224, 3}, 1000);
    EXPECT_NEAR(static_cast<double>(parameters_of(model)) / 1e6, c.millions, 0.005) << c.spec;
    EXPECT_EQ(parameters_of(model), c.h * (c.d * (c.k * c.k + c.h + 6) + 3 * c.p * c.p + 1000 + 3) + 1000) << c.spec;
    const double places = (224.0 / c.p) * (224.0 / c.p), met = c.h * (c.d * (c.k * c.k + c.h) + 3.0 * c.p * c.p);
    EXPECT_NEAR(million_macs(model), (places * met + c.h * 1000.0) / 1e6, 1e-6) << c.spec;
  }
}

void expect_names(const char* spec, const std::vector<std::string>& names, const std::vector<std::string>& absent,
                  const std::string& running) {
  const Model model = build_model(spec, kCifar, 10);
  for (const std::string& name : names) EXPECT_NE(model.network.find_parameter(name), nullptr) << spec << ": " << name;
  for (const std::string& name : absent) EXPECT_EQ(model.network.find_parameter(name), nullptr) << spec << ": " << name;
  bool found = false;
  for (const StateBuffer* b : model.network.buffers()) found = found || b->name == running;
  EXPECT_TRUE(found) << spec << ": " << running;
}

TEST(Models, ParameterNamesAreThoseOfTheUpstreamCodes) {
  expect_names("wrn-16-2",
               {"conv0.weight", "group0.block0.bn0.weight", "group0.block0.conv0.weight", "group0.block0.bn1.bias",
                "group0.block0.conv1.weight", "group0.block0.convdim.weight", "group2.block1.conv1.weight", "bn.weight",
                "fc.weight", "fc.bias"},
               {"group0.block1.convdim.weight", "conv0.bias"}, "group1.block0.bn1.running_var");
  expect_names("wrn-16-1", {"group1.block0.convdim.weight"}, {"group0.block0.convdim.weight"}, "bn.running_mean");
  expect_names(
      "resnext-29-8x16d",
      {"conv_1_3x3.weight", "bn_1.weight", "stage_1.stage_1_bottleneck_0.conv_reduce.weight",
       "stage_1.stage_1_bottleneck_0.bn_reduce.bias", "stage_1.stage_1_bottleneck_0.conv_conv.weight",
       "stage_1.stage_1_bottleneck_0.bn.weight", "stage_1.stage_1_bottleneck_0.conv_expand.weight",
       "stage_1.stage_1_bottleneck_0.bn_expand.weight", "stage_1.stage_1_bottleneck_0.shortcut.shortcut_conv.weight",
       "stage_2.stage_2_bottleneck_0.shortcut.shortcut_bn.weight", "classifier.weight", "classifier.bias"},
      {"stage_1.stage_1_bottleneck_1.shortcut.shortcut_conv.weight"},
      "stage_3.stage_3_bottleneck_2.bn_expand.running_mean");
  expect_names("densenet-bc-100-12",
               {"conv1.weight", "dense1.0.bn1.weight", "dense1.0.conv1.weight", "dense1.15.conv2.weight",
                "trans1.bn1.weight", "trans1.conv1.weight", "trans2.conv1.weight", "bn1.weight", "fc.weight"},
               {"dense1.16.conv1.weight", "trans3.conv1.weight"}, "dense3.15.bn2.running_var");
  expect_names("resnet-20",
               {"conv1.weight", "bn1.weight", "layer1.0.conv1.weight", "layer2.0.bn2.weight", "layer3.2.conv2.weight",
                "fc.bias"},
               {"layer2.0.downsample.0.weight", "layer1.0.conv3.weight"}, "layer3.2.bn2.running_mean");
  expect_names("resnet-20:block=bottleneck",
               {"layer1.0.conv3.weight", "layer1.0.downsample.0.weight", "layer2.0.downsample.1.bias"},
               {"layer1.1.downsample.0.weight"}, "layer2.0.downsample.1.running_var");
  expect_names("convmixer-8-32",
               {"stem.0.weight", "stem.0.bias", "stem.2.weight", "blocks.0.0.fn.0.weight", "blocks.0.0.fn.0.bias",
                "blocks.0.0.fn.2.bias", "blocks.7.1.weight", "blocks.7.1.bias", "blocks.7.3.weight", "head.weight"},
               {"blocks.8.1.weight", "blocks.0.0.fn.1.weight"}, "blocks.0.3.running_var");
  const Model grouped = build_model("resnext-29-8x16d", kCifar, 10);
  EXPECT_EQ(to_string(grouped.network.find_parameter("stage_1.stage_1_bottleneck_0.conv_conv.weight")->shape),
            "(128, 16, 3, 3)");
}

TEST(Models, NormAndActivationCanBeSwitchedEverywhere) {
  for (const char* spec : {"wrn-10-1", "resnext-11-2x4d", "densenet-13-4", "densenet-bc-16-4", "plain-5-4", "mlp-2-8",
                           "resnet-8", "preresnet-11", "vgg-11", "nin", "fitnet4", "convmixer-2-8"})
    for (const char* option :
         {":norm=none", ":norm=bn", ":norm=none,act=tanh", ":act=identity", ":act=gelu,classes=7"}) {
      const Model model = build_model(std::string(spec) + option, kCifar, 10);
      int norms = 0, activations = 0;
      for (const NodeSummary& row : model.network.summary()) {
        norms += row.description.starts_with("batch_norm");
        activations += row.description == "tanh" || row.description == "gelu";
      }
      const std::string text = option;
      if (text.find("none") != std::string::npos) {
        EXPECT_EQ(norms, 0) << spec << option;
      }
      if (text.find("norm=bn") != std::string::npos) {
        EXPECT_GT(norms, 0) << spec << option;
      }
      if (text.find("tanh") != std::string::npos || text.find("gelu") != std::string::npos) {
        EXPECT_GT(activations, 0) << spec << option;
      }
      EXPECT_EQ(model.logits.channels(), text.find("classes") == std::string::npos ? 10 : 7);
    }
}

TEST(Models, RulesAreCheckedAndLegalValuesListed) {
  const auto expect = [](const char* spec, const char* part) {
    const std::string error = error_of([&] { build_model(spec, kCifar, 10); });
    EXPECT_NE(error.find(part), std::string::npos) << spec << ": " << error;
  };
  expect("wrn-15-1", "10, 16, 22, 28, 34, 40");
  expect("wrn-15-1", "nearest: 16");
  expect("wrn-4-1", "10, 16");
  expect("resnext-28-2x4d", "nearest: 29");
  expect("densenet-41-12", "7, 10, 13");
  expect("densenet-bc-101-12", "nearest: 100");
  expect("plain-3-8", "4 to 10000");
  expect("wrn-16", "wrn-DEPTH-WIDEN");
  expect("resnext-29-8-64d-1", "resnext-DEPTH-CxWd");
  expect("wrn-16-0", "widen factor 0");
  expect("wrn-16-1:dropout=1.5", "dropout 1.5");
  expect("wrn-16-1:growth=3", "unknown option 'growth'");
  expect("resnet-21", "nearest: 20");
  expect("resnet-20:block=bottleneck,width=0", "width");
  expect("preresnet-21", "11, 20, 29");
  expect("preresnet-164:shortcut=A", "unknown option 'shortcut'");
  expect("resnext-29-2x4d:form=D", "form");
  expect("vgg-17", "11, 13, 16 or 19");
  expect("nin-3", "nin");
  expect("convmixer-8", "convmixer-DEPTH-DIM");
  expect("convmixer-0-8", "depth 0");
  expect("convmixer-2-8:kernel=4", "kernel 4; give an odd one, such as 5");
  EXPECT_NE(error_of([] { build_model("convmixer-2-8:patch=64", kCifar, 10); }).find("does not fit"),
            std::string::npos);
  expect("vg-16", "unknown model 'vg-16'");
  EXPECT_NE(error_of([] { build_model("wrn-16-1", kCifar, 0); }).find("0 classes"), std::string::npos);
  EXPECT_NE(error_of([] {
              build_model("densenet-bc-40-12", {1, 2, 2, 3}, 10);
            }).find("does not fit"),
            std::string::npos);
}

// Every family learns: a few steps on one batch halve its loss.
TEST(Models, AFewStepsLowerTheLoss) {
  for (const char* spec :
       {"wrn-10-1", "resnext-11-2x4d:widen=1", "densenet-13-4", "densenet-bc-16-4", "plain-5-8", "mlp-2-32",
        "wrn-10-1:norm=none", "resnext-11-2x4d:widen=1,norm=none,act=tanh", "resnext-11-2x4d:widen=1,form=B",
        "resnet-8:width=4", "preresnet-11:width=4", "convmixer-2-16", "convmixer-2-16:norm=none,kernel=3"}) {
    Model model = build_model(spec, {1, 16, 16, 3}, 4);
    Network& net = model.network;
    net.prepare(model.logits, 8);
    make_scheme("kaiming_normal")->apply(net, {}, 1);
    Optimizer optimizer(net, {.kind = "adam", .weight_decay = 0.0});
    Tensor x({8, 16, 16, 3}), gradient({8, 1, 1, 4});
    for (std::size_t i = 0; i < x.shape().size(); ++i)
      x.view().data[i] = static_cast<float>(Rng::stream(1, "x").normal(i));
    const std::vector<int> labels = {0, 1, 2, 3, 0, 1, 2, 3};
    double first = 0.0, last = 0.0;
    for (int step = 0; step < 30; ++step) {
      last = softmax_cross_entropy(net.forward(std::as_const(x).view(), Mode::train), labels, 0.0f, gradient.view())
                 .loss_sum;
      if (step == 0) first = last;
      net.backward(std::as_const(gradient).view());
      optimizer.step(0.003);
    }
    EXPECT_LT(last, 0.5 * first) << spec;
  }
}

TEST(Models, EveryExampleOfTheCatalogBuilds) {
  for (const ModelEntry& entry : model_catalog())
    EXPECT_NO_THROW(build_model(entry.example, kCifar, 10)) << entry.example;
}

TEST(Models, ThePageNamesEveryNetwork) {
  std::ifstream file(FANIN_SOURCE_DIR "/docs/networks.md");
  std::stringstream page;
  page << file.rdbuf();
  for (const ModelEntry& entry : model_catalog())
    EXPECT_NE(page.str().find("| `" + entry.pattern + "` |"), std::string::npos) << entry.pattern;
}

}  // namespace
}  // namespace fanin
