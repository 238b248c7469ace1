// fanin explain: what a scheme is, who says so, what it claims, and its numbers for one network.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/model_options.h"
#include "apps/study/catalog_zh.h"
#include "apps/study/filling.h"
#include "apps/study/scheme_file.h"
#include "apps/study/text.h"
#include "apps/table.h"
#include "core/check.h"
#include "core/spec.h"
#include "core/text.h"
#include "init/catalog.h"
#include "init/fan.h"
#include "init/network_catalog.h"
#include "init/presets.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <set>

namespace fanin {

namespace {

void print_text(const std::string& title, const std::string& formula, const std::string& source,
                const std::string& claim, std::string_view claim_in_chinese, const std::string& options) {
  fmt::print("{}\n", title);
  const std::pair<const char*, std::string_view> rows[] = {
      {"formula", formula}, {"source", source}, {"claim", claim}, {"", claim_in_chinese}, {"options", options}};
  for (const auto& [name, text] : rows)
    if (!text.empty()) fmt::print("  {:<8} {}\n", name, text);
}

// A name is an initializer, a preset or a step; presets and bases lead to further names.
void explain_name(const std::string& name, Language language, std::set<std::string>& told) {
  if (!told.insert(name).second) return;
  const std::string_view zh = language == Language::zh ? claim_zh(name) : std::string_view();
  for (const InitializerEntry& e : initializer_catalog())
    if (e.name == name)
      print_text(name + ": an initializer of one weight", e.formula, e.source, e.claim, zh, e.options);
  if (const NetworkEntry* e = find_network_entry(name))
    print_text(fmt::format("{}: a step over the network, after {}", name, e->base), e->formula, e->source, e->claim, zh,
               e->options.empty() ? "base" : "base, " + e->options);
  if (const Preset* p = find_preset(name)) {
    print_text(name + ": a preset", p->rules, p->source, "", "", "");
    for (const std::string_view rule : split(p->rules, ';'))
      explain_name(parse_spec(rule.substr(rule.find('=') + 1)).name, language, told);
  }
}

void explain_scheme(const std::string& text, Language language) {
  std::set<std::string> told;
  for (const std::string_view part : split(text, ';')) {
    const bool rule = part.find('=') < part.find(':');
    const Spec spec = parse_spec(trim(rule ? part.substr(part.find('=') + 1) : part));
    explain_name(spec.name, language, told);
    const NetworkEntry* step = find_network_entry(spec.name);
    if (step == nullptr) continue;
    std::string base = step->base;
    for (const auto& [key, value] : spec.options)
      if (key == "base") base = value;
    explain_name(base, language, told);
  }
}

std::string number(double x) { return fmt::format("{:.4g}", x); }

double measured_std(const Parameter& p) {
  double mean = 0.0, square = 0.0;
  for (const float v : p.value) mean += static_cast<double>(v) / static_cast<double>(p.value.size());
  for (const float v : p.value) square += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean);
  return std::sqrt(square / static_cast<double>(p.value.size()));
}

void print_numbers(Model& model, const Scheme& scheme, const FillOptions& options) {
  const FillSample sample = fill_model(model, scheme, options);
  Table table({"parameter", "shape", ">fan in", ">fan out", "rule", ">promised std",
               ">std, seed " + std::to_string(options.seed), "initializer"});
  for (const Parameter* p : model.network.parameters()) {
    const Fan f = fan(p->shape);
    const bool has_fans = p->role != Role::norm_scale && p->role != Role::norm_shift;
    const std::optional<double> variance = scheme.variance(*p);
    table.add({p->name, to_string(p->shape), has_fans ? number(f.in) : "", has_fans ? number(f.out) : "",
               scheme.rule(*p), variance ? number(std::sqrt(*variance)) : "none", number(measured_std(*p)),
               scheme.describe(*p)});
  }
  fmt::print("\n{}\n{}", model.spec, table.text());
  if (scheme.step() == nullptr) return;
  const Property p = scheme.step()->check(model.network, sample.batch, options.seed);
  fmt::print("\npromise: {}; largest deviation {:.3g}, bound {:.3g}: {}\n", p.claim, p.deviation, p.bound,
             p.holds() ? "kept" : "NOT KEPT");
}

}  // namespace

void add_explain_command(CLI::App& app) {
  struct Options {
    std::string scheme, language = "en";
    ModelChoice model;
    FillOptions fill;
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("explain", "What a scheme is: formula, source, claim, and its numbers for a network");
  command->footer(
      "Examples:\n"
      "  fanin explain delta_orthogonal\n"
      "  fanin explain 'kaiming_normal:mode=fan_out' --model wrn-16-4\n"
      "  fanin explain lsuv --model plain-8-16 --data synthetic");
  command->add_option("scheme", o->scheme, "Scheme: see fanin list schemes and presets; @FILE: rules, one a line")
      ->required();
  command->add_option("--lang", o->language, "zh: what it claims, in English and Chinese")->capture_default_str();
  command->add_option("--model", o->model.model, "Network whose layers are gone through");
  command->add_option("--classes", o->model.classes, "Classes")->capture_default_str();
  command->add_option("--image", o->model.image, "HEIGHTxWIDTHxCHANNELS")->capture_default_str();
  command->add_option("--seed", o->fill.seed, "Seed of the measured values")->capture_default_str();
  add_sample_options(*command, o->fill);
  command->callback([o] {
    const Language language = language_of(o->language);
    const std::string text = scheme_text(o->scheme, "scheme");
    const std::unique_ptr<Scheme> scheme = make_scheme(text);
    explain_scheme(text, language);
    if (o->model.model.empty()) return;
    Model model = o->model.build();
    print_numbers(model, *scheme, o->fill);
  });
}

}  // namespace fanin
