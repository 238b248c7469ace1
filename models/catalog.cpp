// SPDX-License-Identifier: MIT
#include "models/catalog.h"

#include "core/check.h"
#include "core/spec.h"
#include "core/text.h"
#include "layers/activation.h"
#include "models/densenet.h"
#include "models/plain.h"
#include "models/resnext.h"
#include "models/wide_resnet.h"

#include <fmt/format.h>

#include <algorithm>

namespace fanin {

namespace {

void take_common(SpecOptions& options, ModelOptions& o) {
  o.norm = options.word("norm", o.norm ? "bn" : "none", {"bn", "none"}) == "bn";
  o.act = options.word("act", o.act, activation_kinds());
  o.classes = options.integer("classes", o.classes, 1, 100000);
}

// The numbers of "resnext-29-8x64d" after its family name: {29, 8, 64}. Throws unless exactly `count` are there.
std::vector<int> numbers_of(const std::string& name, std::string_view rest, std::string_view pattern,
                            std::size_t count) {
  std::vector<int> numbers;
  std::string text(rest);
  if (pattern.ends_with('d') && !text.empty() && text.back() == 'd') text.pop_back();
  std::replace(text.begin(), text.end(), 'x', '-');
  for (const std::string_view part : split(text, '-')) {
    const std::optional<long long> n = parse_integer(part);
    if (!n || *n < 0 || *n > 1000000) {
      numbers.clear();
      break;
    }
    numbers.push_back(static_cast<int>(*n));
  }
  FANIN_CHECK(numbers.size() == count, usage, "model '{}' does not follow its pattern {}", name, pattern);
  return numbers;
}

Node build_wrn(Network& net, const std::vector<int>& n, SpecOptions& options, int classes) {
  WideResnetOptions o;
  o.classes = classes;
  o.depth = n[0];
  o.widen = n[1];
  take_common(options, o);
  o.dropout = static_cast<float>(options.number("dropout", 0.0));
  options.finish();
  return wide_resnet(net, o);
}

Node build_resnext(Network& net, const std::vector<int>& n, SpecOptions& options, int classes) {
  ResnextOptions o;
  o.classes = classes;
  o.depth = n[0];
  o.cardinality = n[1];
  o.width = n[2];
  take_common(options, o);
  o.widen = options.integer("widen", o.widen, 1, 64);
  options.finish();
  return resnext(net, o);
}

Node build_densenet(Network& net, const std::vector<int>& n, SpecOptions& options, int classes, bool bottleneck) {
  DensenetOptions o;
  o.classes = classes;
  o.depth = n[0];
  o.growth = n[1];
  o.bottleneck = bottleneck;
  take_common(options, o);
  o.reduction = options.number("reduction", bottleneck ? 0.5 : 1.0);
  options.finish();
  return densenet(net, o);
}

template <Node (*kBuild)(Network&, const PlainOptions&)>
Node build_plain(Network& net, const std::vector<int>& n, SpecOptions& options, int classes) {
  PlainOptions o;
  o.classes = classes;
  o.norm = false;
  o.depth = n[0];
  o.width = n[1];
  take_common(options, o);
  options.finish();
  return kBuild(net, o);
}

struct Family {
  const char* prefix;  // tried in order: densenet-bc- before densenet-
  std::size_t numbers;
  Node (*build)(Network&, const std::vector<int>&, SpecOptions&, int classes);
  ModelEntry entry;
};

const std::vector<Family>& families() {
  static const std::vector<Family> list = {
      {"wrn-",
       2,
       build_wrn,
       {"wrn-DEPTH-WIDEN", "wrn-16-4", "norm=bn|none, act, dropout=0", "Zagoruyko & Komodakis 2016"}},
      {"resnext-",
       3,
       build_resnext,
       {"resnext-DEPTH-CxWd", "resnext-29-8x64d", "norm=bn|none, act, widen=4", "Xie et al. 2017"}},
      {"densenet-bc-",
       2,
       [](Network& net, const std::vector<int>& n, SpecOptions& o, int classes) {
         return build_densenet(net, n, o, classes, true);
       },
       {"densenet-bc-DEPTH-GROWTH", "densenet-bc-100-12", "norm=bn|none, act, reduction=0.5", "Huang et al. 2017"}},
      {"densenet-",
       2,
       [](Network& net, const std::vector<int>& n, SpecOptions& o, int classes) {
         return build_densenet(net, n, o, classes, false);
       },
       {"densenet-DEPTH-GROWTH", "densenet-40-12", "norm=bn|none, act, reduction=1", "Huang et al. 2017"}},
      {"plain-",
       2,
       build_plain<plain_cnn>,
       {"plain-DEPTH-WIDTH", "plain-20-16", "norm=none|bn, act", "He et al. 2015, plain nets"}},
      {"mlp-", 2, build_plain<mlp>, {"mlp-DEPTH-WIDTH", "mlp-5-256", "norm=none|bn, act", "Glorot & Bengio 2010"}},
  };
  return list;
}

}  // namespace

const std::vector<ModelEntry>& model_catalog() {
  static const std::vector<ModelEntry> entries = [] {
    std::vector<ModelEntry> result;
    for (const Family& family : families()) result.push_back(family.entry);
    return result;
  }();
  return entries;
}

Model build_model(std::string_view spec, Shape image, int classes) {
  FANIN_CHECK(classes >= 1, usage, "model '{}' with {} classes; a data set needs at least 1", spec, classes);
  SpecOptions options("model", parse_spec(spec));
  for (const Family& family : families()) {
    if (!options.name().starts_with(family.prefix)) continue;
    const std::string_view rest = std::string_view(options.name()).substr(std::string_view(family.prefix).size());
    const std::vector<int> numbers = numbers_of(options.name(), rest, family.entry.pattern, family.numbers);
    Network net(image);
    const Node logits = family.build(net, numbers, options, classes);
    return {std::move(net), logits, std::string(spec)};
  }
  std::vector<std::string> examples;
  for (const Family& family : families()) examples.push_back(family.entry.example);
  fail(ErrorKind::usage, "unknown model '{}'{}", options.name(), did_you_mean(options.name(), examples));
}

}  // namespace fanin
