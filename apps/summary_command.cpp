// fanin summary: what a network is made of and what it takes. fanin list: what can be named.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/model_options.h"
#include "apps/study/catalog_zh.h"
#include "apps/study/memory.h"
#include "apps/study/session.h"
#include "apps/study/text.h"
#include "apps/table.h"
#include "core/check.h"
#include "core/tensor/parallel.h"
#include "core/text.h"
#include "data/dataset.h"
#include "init/catalog.h"
#include "init/fan.h"
#include "init/gain.h"
#include "init/network_catalog.h"
#include "init/presets.h"
#include "layers/activation.h"
#include "models/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace fanin {

namespace {

void print_summary(const ModelChoice& choice, int batch) {
  FANIN_CHECK(batch >= 1, usage, "--batch {}; give at least 1", batch);
  const Model model = choice.build();
  const std::vector<NodeSummary> rows = model.network.summary();
  Table table({"node", "layer", ">HxWxC", ">parameters", ">MACs/image", ">fan in", ">fan out"});
  std::int64_t parameters = 0, macs = 0;
  for (const NodeSummary& row : rows) {
    std::string in, out;
    if (!row.weights.empty() && row.weights.front()->shape.rank > 1) {
      const Fan f = fan(row.weights.front()->shape);
      in = fmt::format("{}", f.in);
      out = fmt::format("{}", f.out);
    }
    table.add({row.name, row.description,
               fmt::format("{}x{}x{}", row.output.height, row.output.width, row.output.channels),
               row.parameters > 0 ? thousands(row.parameters) : "", row.macs > 0 ? thousands(row.macs) : "", in, out});
    parameters += row.parameters;
    macs += row.macs;
  }
  fmt::print("{}", table.text());
  const MemoryEstimate memory = model.network.estimate(model.logits, {.images = batch, .keep_gradients = false});
  fmt::print("\n{}: {} nodes, {} parameters, {} multiply-adds per image\n", choice.model, rows.size(),
             thousands(parameters), thousands(macs));
  const std::uint64_t program = resident_memory();
  fmt::print(
      "training at batch {}: peak memory {} (weights {}, momentum {}, activations {}, scratch with one layer's "
      "gradients {}, images {}, program {}) and the data set; available here: {}\n",
      batch, mebibytes(training_memory(model.network, model.logits, batch, "sgd", false) + program),
      mebibytes(memory.parameters), mebibytes(memory.parameters), mebibytes(memory.activations),
      mebibytes(memory.scratch), mebibytes(image_memory(model.network, batch)), mebibytes(program),
      mebibytes(available_memory()));
  fmt::print("fans count groups exactly; `fanin fans` shows how PyTorch counts\n");
}

void list_models(Language) {
  fmt::print(
      "Networks (--model), with options after a colon: wrn-16-1:norm=none,act=tanh. All take norm=bn|none, act=, "
      "classes=\n");
  for (const ModelEntry& e : model_catalog())
    fmt::print("  {:<26} e.g. {:<20} {:<46} {}\n", e.pattern, e.example, e.options, e.source);
}

// With --lang zh: what is claimed, in both languages.
void list_claim(const std::string& name, const std::string& claim, Language language) {
  if (language == Language::zh) fmt::print("  {0:<17}   {1}\n  {0:<17}   {2}\n", "", claim, claim_zh(name));
}

void list_steps(Language language) {
  fmt::print(
      "Steps over a network (--scheme): after a base, which base=NAME changes; rules may follow: "
      "'lsuv;fc.weight=zeros'\n");
  for (const NetworkEntry& e : network_catalog()) {
    fmt::print("  {:<17} {}\n  {:<17}   {}; base {}{}{}; for example on {}\n", e.name, e.formula, "", e.source, e.base,
               e.options.empty() ? "" : "; options: ", e.options, e.model);
    list_claim(e.name, e.claim, language);
  }
}

void list_schemes(Language language) {
  fmt::print(
      "Initializers (--scheme NAME or NAME:key=value,...). A name alone fills conv and linear weights; biases 0, norm "
      "scale 1.\n"
      "By role or name: 'conv=kaiming_normal:mode=fan_out;linear=torch_default;*.bn2.weight=zeros'; presets: `fanin "
      "list "
      "presets`\n");
  for (const InitializerEntry& e : initializer_catalog()) {
    fmt::print("  {:<17} {}\n  {:<17}   {}{}{}\n", e.name, e.formula, "", e.source,
               e.options.empty() ? "" : "; options: ", e.options);
    list_claim(e.name, e.claim, language);
  }
  list_steps(language);
}

void list_presets(Language) {
  fmt::print("Presets (--scheme): what real systems do\n");
  for (const Preset& p : presets()) fmt::print("  {:<20} {}\n  {:<20}   {}\n", p.name, p.source, "", p.rules);
}

void list_gains(Language) {
  fmt::print("Gains (kaiming_* option nonlinearity=)\n");
  Table table({"nonlinearity", ">torch.nn.init", ">1 / sqrt(E f(z)^2)"});
  for (const std::string& name : exact_gain_names()) {
    const bool in_torch =
        std::find(torch_gain_names().begin(), torch_gain_names().end(), name) != torch_gain_names().end();
    table.add({"  " + name, in_torch ? fmt::format("{:.6f}", torch_gain(name)) : "none",
               fmt::format("{:.6f}", exact_gain(name))});
  }
  fmt::print("{}", table.text());
}

void list_activations(Language) {
  fmt::print("Activations (model option act=): {}\n", fmt::join(activation_kinds(), ", "));
}

void list_normalizations(Language) {
  fmt::print("Normalization constants (--normalize), of pixels in [0, 1]: dataset (measured on its training images)\n");
  for (const NormalizationPreset& p : normalization_presets())
    fmt::print("  {:<10} mean {} std {}  {}\n", p.name, fmt::join(p.mean, " "), fmt::join(p.std, " "), p.source);
}

}  // namespace

void add_summary_command(CLI::App& app) {
  struct Options {
    ModelChoice model;
    int batch = 128, threads = 0;
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("summary", "Layers, parameters, multiply-adds, fans and memory of a network");
  command->footer("Example:\n  fanin summary resnext-29-8x64d --batch 64");
  o->model.add(*command);
  command->add_option("--batch", o->batch, "Batch size of the memory estimate")->capture_default_str();
  command->add_option("--threads", o->threads, "Threads of the memory estimate; 0: all cores")
      ->check(CLI::Range(0, 1024));
  command->callback([o] {
    if (o->threads > 0) set_thread_count(o->threads);
    print_summary(o->model, o->batch);
  });
}

void add_list_command(CLI::App& app) {
  struct Options {
    std::string what, language = "en";
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("list", "What can be named: models, schemes, presets, gains, ...");
  struct Section {
    const char* name;
    void (*print)(Language);
  };
  static constexpr Section sections[] = {{"models", list_models},           {"schemes", list_schemes},
                                         {"presets", list_presets},         {"gains", list_gains},
                                         {"activations", list_activations}, {"normalizations", list_normalizations}};
  std::vector<std::string> known;
  for (const Section& section : sections) known.emplace_back(section.name);
  command->add_option("what", o->what, fmt::format("One of {}; default: all", fmt::join(known, ", ")));
  command->add_option("--lang", o->language, "zh: what schemes claim, in English and Chinese")->capture_default_str();
  command->callback([o, known] {
    const Language language = language_of(o->language);
    FANIN_CHECK(o->what.empty() || std::find(known.begin(), known.end(), o->what) != known.end(), usage,
                "cannot list '{}'{}", o->what, did_you_mean(o->what, known));
    for (const Section& section : sections)
      if (o->what.empty() || o->what == section.name) section.print(language);
  });
}

}  // namespace fanin
