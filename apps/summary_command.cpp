// fanin summary: what a network is made of and what it takes. fanin list: what can be named.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/study/memory.h"
#include "apps/study/session.h"
#include "core/check.h"
#include "core/text.h"
#include "data/dataset.h"
#include "init/catalog.h"
#include "init/fan.h"
#include "layers/activation.h"
#include "models/catalog.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace fanin {

namespace {

Shape parse_image(const std::string& text) {
  const std::vector<std::string_view> parts = split(text, 'x');
  std::vector<int> sizes;
  for (const std::string_view part : parts) {
    const std::optional<long long> n = parse_integer(part);
    if (n && *n >= 1 && *n <= 8192) sizes.push_back(static_cast<int>(*n));
  }
  FANIN_CHECK(parts.size() == 3 && sizes.size() == 3, usage,
              "--image '{}' must be HEIGHTxWIDTHxCHANNELS, such as 32x32x3", text);
  return {1, sizes[0], sizes[1], sizes[2]};
}

// 1234567 as "1,234,567".
std::string grouped(std::int64_t n) {
  std::string digits = std::to_string(n);
  for (std::ptrdiff_t i = static_cast<std::ptrdiff_t>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(static_cast<std::size_t>(i), ",");
  return digits;
}

void print_summary(const std::string& spec, int batch, int classes, const Shape& image) {
  FANIN_CHECK(batch >= 1, usage, "--batch {}; give at least 1", batch);
  Model model = build_model(spec, image, classes);
  const std::vector<NodeSummary> rows = model.network.summary();
  std::size_t widest = 4, description = 5;
  for (const NodeSummary& row : rows) {
    widest = std::max(widest, row.name.size());
    description = std::max(description, row.description.size());
  }
  fmt::print("{:<{}}  {:<{}}  {:>12}  {:>11}  {:>13}  {:>7}  {:>7}\n", "node", widest, "layer", description, "HxWxC",
             "parameters", "MACs/image", "fan in", "fan out");
  std::int64_t parameters = 0, macs = 0;
  for (const NodeSummary& row : rows) {
    std::string in, out;
    if (!row.weights.empty() && row.weights.front()->shape.rank > 1) {
      const Fan f = fan(row.weights.front()->shape);
      in = fmt::format("{}", f.in);
      out = fmt::format("{}", f.out);
    }
    fmt::print("{:<{}}  {:<{}}  {:>12}  {:>11}  {:>13}  {:>7}  {:>7}\n", row.name, widest, row.description, description,
               fmt::format("{}x{}x{}", row.output.height, row.output.width, row.output.channels),
               row.parameters > 0 ? grouped(row.parameters) : "", row.macs > 0 ? grouped(row.macs) : "", in, out);
    parameters += row.parameters;
    macs += row.macs;
  }
  const MemoryEstimate memory = model.network.estimate(model.logits, batch, Mode::train);
  fmt::print("\n{}: {} nodes, {} parameters, {} multiply-adds per image\n", spec, rows.size(), grouped(parameters),
             grouped(macs));
  fmt::print(
      "training at batch {}: {} (weights {}, gradients {}, momentum {}, activations {}, scratch {}); available here: "
      "{}\n",
      batch, mebibytes(training_memory(model.network, model.logits, batch, "sgd")), mebibytes(memory.parameters),
      mebibytes(memory.gradients), mebibytes(memory.parameters), mebibytes(memory.activations),
      mebibytes(memory.scratch), mebibytes(available_memory()));
  fmt::print("fans count groups exactly; PyTorch's fan_out is `groups` times larger for grouped convolutions\n");
}

void list_models() {
  fmt::print("Networks (--model), with options after a colon: wrn-16-1:norm=none,act=tanh\n");
  for (const ModelEntry& e : model_catalog())
    fmt::print("  {:<26} e.g. {:<20} {:<36} {}\n", e.pattern, e.example, e.options, e.source);
}

void list_schemes() {
  fmt::print(
      "Initializers (--scheme NAME or NAME:key=value,...). A name alone fills conv and linear weights; biases 0, norm "
      "scale 1.\n"
      "By role: 'conv=kaiming_normal:mode=fan_out;linear=torch_default;norm_scale=uniform:a=0,b=1'\n");
  for (const InitializerEntry& e : initializer_catalog())
    fmt::print("  {:<17} {}\n  {:<17}   {}{}{}\n", e.name, e.formula, "", e.source,
               e.options.empty() ? "" : "; options: ", e.options);
}

void list_activations() { fmt::print("Activations (model option act=): {}\n", fmt::join(activation_kinds(), ", ")); }

void list_normalizations() {
  fmt::print("Normalization constants (--normalize), of pixels in [0, 1]: dataset (measured on its training images)\n");
  for (const NormalizationPreset& p : normalization_presets())
    fmt::print("  {:<10} mean {} std {}  {}\n", p.name, fmt::join(p.mean, " "), fmt::join(p.std, " "), p.source);
}

}  // namespace

void add_summary_command(CLI::App& app) {
  struct Options {
    std::string model, image = "32x32x3";
    int batch = 128, classes = 10;
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("summary", "Layers, parameters, multiply-adds, fans and memory of a network");
  command->footer("Example:\n  fanin summary resnext-29-8x64d --batch 64");
  command->add_option("model", o->model, "Network: see fanin list models")->required();
  command->add_option("--batch", o->batch, "Batch size of the memory estimate")->capture_default_str();
  command->add_option("--classes", o->classes, "Classes")->capture_default_str();
  command->add_option("--image", o->image, "HEIGHTxWIDTHxCHANNELS")->capture_default_str();
  command->callback([o] { print_summary(o->model, o->batch, o->classes, parse_image(o->image)); });
}

void add_list_command(CLI::App& app) {
  const std::shared_ptr<std::string> what = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("list", "What can be named: models, schemes, activations, normalizations");
  command->add_option("what", *what, "models, schemes, activations or normalizations; default: all");
  command->callback([what] {
    const std::vector<std::string> known = {"models", "schemes", "activations", "normalizations"};
    FANIN_CHECK(what->empty() || std::find(known.begin(), known.end(), *what) != known.end(), usage,
                "cannot list '{}'{}", *what, did_you_mean(*what, known));
    if (what->empty() || *what == "models") list_models();
    if (what->empty() || *what == "schemes") list_schemes();
    if (what->empty() || *what == "activations") list_activations();
    if (what->empty() || *what == "normalizations") list_normalizations();
  });
}

}  // namespace fanin
