// SPDX-License-Identifier: MIT
#include "models/catalog.h"

#include "core/check.h"
#include "core/text.h"
#include "models/classic.h"
#include "models/convmixer.h"
#include "models/densenet.h"
#include "models/plain.h"
#include "models/resnet.h"
#include "models/resnext.h"
#include "models/wide_resnet.h"

#include <fmt/format.h>

#include <algorithm>

namespace fanin {

namespace {

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

struct Family {
  const char* prefix;  // tried in order: densenet-bc- before densenet-; without a '-' at the end, the whole name
  std::size_t numbers;
  Node (*build)(Network&, ModelSpec&);
  ModelEntry entry;
};

const std::vector<Family>& families() {
  static const std::vector<Family> list = {
      {"wrn-",
       2,
       wide_resnet,
       {"wrn-DEPTH-WIDEN", "wrn-16-4", "dropout=0, residual=plain|skipinit|rezero|fixup",
        "Zagoruyko & Komodakis 2016"}},
      {"resnext-",
       3,
       resnext,
       {"resnext-DEPTH-CxWd", "resnext-29-8x64d", "widen=4, form=C|B, shortcut=B|A|C", "Xie et al. 2017"}},
      {"densenet-bc-",
       2,
       densenet_bc,
       {"densenet-bc-DEPTH-GROWTH", "densenet-bc-100-12", "reduction=0.5", "Huang et al. 2017"}},
      {"densenet-", 2, densenet, {"densenet-DEPTH-GROWTH", "densenet-40-12", "reduction=1", "Huang et al. 2017"}},
      {"preresnet-",
       1,
       preresnet,
       {"preresnet-DEPTH", "preresnet-164", "block=bottleneck|basic, width=16, residual=plain|skipinit|rezero|fixup",
        "He et al. 2016, Identity Mappings"}},
      {"resnet-",
       1,
       resnet,
       {"resnet-DEPTH", "resnet-20",
        "block=basic|bottleneck, width=16, shortcut=A|B|C, residual=plain|skipinit|rezero|fixup",
        "He et al. 2016, Deep Residual Learning"}},
      {"convmixer-",
       2,
       convmixer,
       {"convmixer-DEPTH-DIM", "convmixer-8-256", "kernel=5, patch=2, act=gelu", "Trockman & Kolter 2022"}},
      {"vgg-", 1, vgg, {"vgg-DEPTH", "vgg-19", "", "Simonyan & Zisserman 2015, with BatchNorm"}},
      {"nin", 0, nin, {"nin", "nin", "", "Lin et al. 2014, with BatchNorm"}},
      {"fitnet4", 0, fitnet4, {"fitnet4", "fitnet4", "norm=none|bn, dropout=0", "Mishkin & Matas 2016"}},
      {"plain-",
       2,
       plain_cnn,
       {"plain-DEPTH-WIDTH", "plain-20-16", "norm=none|bn, stages=3", "He et al. 2015, plain nets"}},
      {"mlp-", 2, mlp, {"mlp-DEPTH-WIDTH", "mlp-5-256", "norm=none|bn", "Glorot & Bengio 2010"}},
  };
  return list;
}

bool is_of(const Family& family, const std::string& name) {
  return family.numbers == 0 ? name == family.prefix : name.starts_with(family.prefix);
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

Model build_model(std::string_view text, Shape image, int classes) {
  FANIN_CHECK(classes >= 1, usage, "model '{}' with {} classes; a data set needs at least 1", text, classes);
  ModelSpec spec{{}, SpecOptions("model", parse_spec(text)), classes};
  const std::string name = spec.options.name();
  for (const Family& family : families()) {
    if (!is_of(family, name)) continue;
    const std::string_view rest = std::string_view(name).substr(std::string_view(family.prefix).size());
    if (family.numbers > 0) spec.numbers = numbers_of(name, rest, family.entry.pattern, family.numbers);
    Network net(image);
    const Node logits = family.build(net, spec);
    return {std::move(net), logits, std::string(text)};
  }
  std::vector<std::string> examples;
  for (const Family& family : families()) examples.push_back(family.entry.example);
  fail(ErrorKind::usage, "unknown model '{}'{}", name, did_you_mean(name, examples));
}

}  // namespace fanin
