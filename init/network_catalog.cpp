// SPDX-License-Identifier: MIT
#include "init/network_catalog.h"

#include "core/check.h"
#include "core/spec.h"
#include "init/as_grouped.h"
#include "init/covariance_by_depth.h"
#include "init/fixup.h"
#include "init/gradinit.h"
#include "init/kraehenbuehl.h"
#include "init/lsuv.h"
#include "init/metainit.h"
#include "init/skipinit.h"
#include "init/stable_resnet.h"
#include "init/whitening.h"
#include "init/zero_last.h"

namespace fanin {

namespace {

struct Row {
  NetworkEntry entry;
  NetworkInitializerPtr (*make)(SpecOptions&);
};

const std::vector<Row>& rows() {
  static const std::vector<Row> list = {
      {{"lsuv", "tolerance=0.02, tries=10", "orthogonal", "W / std(output), layer after layer, until variance 1",
        "Mishkin & Matas 2016",
        "plain networks of 17-19 layers train with any activation, about as well as with BatchNorm", "plain-8-8"},
       [](SpecOptions& o) {
         const double tolerance = o.number("tolerance", 0.02);
         return lsuv(tolerance, o.integer("tries", 10, 1, 1000));
       }},
      {{"zero_last", "", "kaiming_normal", "last convolution of each residual branch = 0",
        "Zhang et al. 2019, ablation; ZerO with base=zero_hadamard",
        "blocks start as the identity; without norm nothing explodes", "preresnet-11:norm=none"},
       [](SpecOptions&) { return zero_last(); }},
      {{"zero_gamma", "", "kaiming_normal:mode=fan_out", "scale of the norm that ends each residual branch = 0",
        "Goyal et al. 2017; torchvision's zero_init_residual",
        "blocks start as the identity: stabler at large batches and rates, ResNet-50 gains 0.2-0.5 points", "resnet-8"},
       [](SpecOptions&) { return zero_gamma(); }},
      {{"stable_resnet", "", "kaiming_normal", "what ends each of L residual branches times 1 / sqrt(L)",
        "Hayou et al. 2021 (Stable ResNet), there a constant; GPT-2, in the weights",
        "without norm neither outputs nor gradients explode with depth, and networks stay expressive",
        "preresnet-11:norm=none"},
       [](SpecOptions&) { return stable_resnet(); }},
      {{"skipinit", "scale=zero|inverse_sqrt", "kaiming_normal", "x + scale F(x), scale = 0 or 1 / sqrt(L)",
        "De & Smith 2020", "replaces what BatchNorm does for deep residual networks: 1000 layers train without norm",
        "wrn-16-1:residual=skipinit,norm=none"},
       [](SpecOptions& o) {
         return branch_scale("skipinit", o.word("scale", "zero", {"zero", "inverse_sqrt"}) == "zero"
                                             ? BranchScale::zero
                                             : BranchScale::inverse_sqrt);
       }},
      {{"rezero", "", "torch_default", "x + scale F(x), scale = 0", "Bachlechner et al. 2020",
        "deep networks train, and ResNet-56 gets to 85 % on CIFAR-10 in 32 % fewer epochs", "resnet-8:residual=rezero"},
       [](SpecOptions&) { return branch_scale("rezero", BranchScale::zero); }},
      {{"fixup", "", "kaiming_normal:mode=fan_out",
        "branches: L^(-1 / (2 m - 2)) He, last 0; classifier 0; scalars 0 and 1", "Zhang, Dauphin & Ma 2019",
        "10,000 layers train without norm, at BatchNorm's learning rates", "resnet-14:residual=fixup,norm=none"},
       [](SpecOptions&) { return fixup(); }},
      {{"kraehenbuehl", "between=yes|no", "normal:std=0.01",
        "each channel to mean 0, variance 1; then W_k sqrt(C_k / C), C_k = rms gradient / |W_k|",
        "Kraehenbuehl et al. 2016",
        "all layers learn at the same relative rate; closes most of the gap to pre-trained networks on small data",
        "plain-6-8"},
       [](SpecOptions& o) {
         return kraehenbuehl(o.word("between", "yes", {"yes", "no"}) == "yes");
       }},
      {{"whitening", "epsilon=0.0005", "torch_default",
        "first convolution: eigenvectors of patches / sqrt(eigenvalue + epsilon), and negatives; others: dirac where "
        "it fits",
        "Page 2018; Jordan 2024 (airbench)", "part of the fastest trainings on CIFAR-10", "wrn-10-1"},
       [](SpecOptions& o) { return whitening(o.number("epsilon", 5e-4)); }},
      {{"metainit", "rounds=40", "kaiming_normal", "scales of the weights with the least |H g / g|",
        "Dauphin & Schoenholz 2019",
        "a good start is where the gradient changes least; repairs bad scales without knowing the architecture",
        "plain-4-4:act=tanh"},
       [](SpecOptions& o) { return metainit(o.integer("rounds", 40, 1, 100000)); }},
      {{"gradinit", "eta=0.1, gamma=1, rounds=40", "kaiming_normal",
        "scales of the weights with the least loss after one step of length eta, |g| <= gamma", "Zhu et al. 2021",
        "VGG-19 without BatchNorm and residual networks of 1,202 layers train", "plain-4-4"},
       [](SpecOptions& o) {
         const double eta = o.number("eta", 0.1), gamma = o.number("gamma", 1.0);
         return gradinit(eta, gamma, o.integer("rounds", 40, 1, 100000));
       }},
      {{"covariance_by_depth", "first=0.1, last=0.4, gain=1", "kaiming_normal",
        "depthwise convolution i of L: covariance at depth i / (L - 1)",
        "after Trockman, Willmott & Kolter 2023; the form is fanin's own, not compared with theirs",
        "of their form: often over 1 % more on CIFAR-10 for large depthwise filters (their figure); of this one: none",
        "convmixer-4-8"},
       [](SpecOptions& o) {
         const double first = o.number("first", 0.1), last = o.number("last", 0.4);
         return covariance_by_depth({.first = first, .last = last, .gain = o.number("gain", 1.0)});
       }},
      {{"as_grouped", "", "kaiming_normal:mode=fan_out",
        "branches filled as the one grouped convolution that they amount to",
        "Xie et al. 2017, section 3.2, for the equivalence of the forms",
        "none: makes forms B and C of ResNeXt start as the same function", "resnext-11-2x4d:form=B"},
       [](SpecOptions&) { return as_grouped(); }},
  };
  return list;
}

}  // namespace

const std::vector<NetworkEntry>& network_catalog() {
  static const std::vector<NetworkEntry> entries = [] {
    std::vector<NetworkEntry> result;
    for (const Row& row : rows()) result.push_back(row.entry);
    return result;
  }();
  return entries;
}

const NetworkEntry* find_network_entry(std::string_view name) {
  for (const Row& row : rows())
    if (row.entry.name == name) return &row.entry;
  return nullptr;
}

NetworkStep make_network_step(std::string_view spec) {
  SpecOptions options("scheme", parse_spec(spec));
  for (const Row& row : rows()) {
    if (row.entry.name != options.name()) continue;
    NetworkStep step{options.text("base", row.entry.base), row.make(options)};
    options.finish();
    return step;
  }
  fail(ErrorKind::usage, "unknown step '{}'", options.name());
}

}  // namespace fanin
