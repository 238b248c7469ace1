// fanin probe: a network at birth under one scheme or several, measured over seeds and predicted. Trains nothing.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/setting_options.h"
#include "apps/sparkline.h"
#include "apps/study/birth_report.h"
#include "apps/study/scheme_file.h"
#include "apps/table.h"
#include "core/check.h"
#include "core/io/file.h"
#include "core/text.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>

namespace fanin {

namespace {

std::string number(double v) { return std::isnan(v) ? "" : fmt::format("{:.4g}", v); }
std::string percent(double v) { return v == 0.0 ? "" : fmt::format("{:.1f} %", 100.0 * v); }

// Roots of mean squares: one number, or two limits.
std::string predicted(const std::optional<double>& low, const std::optional<double>& high) {
  if (!low || !high) return "";
  const std::string a = number(std::sqrt(*low)), b = number(std::sqrt(*high));
  return a == b ? a : a + " to " + b;
}

void print_nodes(const ProbedScheme& s) {
  Table table({"node", ">mean", ">std", ">rms", ">predicted", ">gradient rms", ">predicted", ">zeros", ">dead", ">flat",
               ">pair corr", "values"});
  for (std::size_t i = 0; i < s.birth.nodes.size(); ++i) {
    const NodeBirth& n = s.birth.nodes[i];
    const NodePrediction& p = s.predictions[i];
    const bool gradient = !n.gradient_square.values.empty();
    table.add({n.node, number(n.mean.mean()), number(n.std.mean()), number(std::sqrt(n.square.mean())),
               predicted(p.low, p.high), gradient ? number(std::sqrt(n.gradient_square.mean())) : "",
               predicted(p.gradient_low, p.gradient_high), percent(n.zeros.mean()), percent(n.dead.mean()),
               percent(n.saturated.mean()), number(n.correlation.mean()), "[" + sparkline(n.values.counts) + "]"});
  }
  fmt::print("{}", table.text());
  for (std::size_t i = 0; i < s.birth.nodes.size(); ++i)
    if (!s.predictions[i].reason.empty()) {
      fmt::print("not predicted from {} on: {}\n", s.birth.nodes[i].node, s.predictions[i].reason);
      break;
    }
}

std::string rank(const MatrixStructure& s) {
  return s.rank ? fmt::format("{}/{}", *s.rank, s.full_rank) : fmt::format("?/{}", s.full_rank);
}

void print_weights(const Birth& b) {
  Table table({"weight", ">fan in", ">fan out", ">promised", ">measured", ">norm", ">gradient / weight", ">rank",
               ">of gradient", ">twins", ">of gradient", "initializer"});
  for (const WeightBirth& w : b.weights)
    table.add({w.parameter, fmt::format("{}", w.fan_in), fmt::format("{}", w.fan_out),
               w.promised_std ? number(*w.promised_std) : "none", number(w.std.mean()), number(w.norm.mean()),
               number(w.ratio.mean()), rank(w.weight), rank(w.gradient), percent(w.weight.twins),
               percent(w.gradient.twins), w.initializer});
  fmt::print("\n{}", table.text());
  for (const WeightBirth& w : b.weights)
    if (w.weight.twins > 0.0 && w.gradient.twins > 0.0) {
      fmt::print("units of {} have the same weights and the same gradients: training cannot tell them apart\n",
                 w.parameter);
      break;
    }
}

void print_jacobian(const JacobianSpectrum& j) {
  if (!j.reason.empty()) return fmt::print("\nno Jacobian: {}\n", j.reason);
  fmt::print("\nJacobian of the first image's logits: root mean square singular value {:.4g}, largest {:.4g}",
             std::sqrt(j.mean_square), j.singular_values.front());
  if (j.singular_values.size() > 1)
    fmt::print(", smallest {:.4g}  [{}]", j.singular_values.back(), sparkline(j.singular_values));
  fmt::print("\n");
}

void print_curvature(const Curvature& c) {
  fmt::print("\nHessian of the batch's loss: largest eigenvalue {:.4g} within {:.1g} %, after {} products; ", c.largest,
             100.0 * c.residual, c.products);
  if (c.stable_rate())
    fmt::print("plain gradient descent is stable below a learning rate of {:.4g}\n", *c.stable_rate());
  else
    fmt::print("no direction curves up\n");
}

void print_phase(const Phase& p) {
  const auto known = [](const std::optional<double>& v, const char* else_text) {
    return !v ? std::string(else_text) : std::isinf(*v) ? std::string("infinite") : fmt::format("{:.4g}", *v);
  };
  fmt::print(
      "\nmean field of {}: fan_in * variance {}, bias variance {:.4g}; length q* {}, chi1 {}, depth scale {}; "
      "critical at {}\n",
      p.activation,
      p.lowest == p.highest ? fmt::format("{:.4g}", p.weight_variance)
                            : fmt::format("{:.4g} to {:.4g}, taken as {:.4g}", p.lowest, p.highest, p.weight_variance),
      p.bias_variance, known(p.length, "without bound"), known(p.chi1, "none"), known(p.depth, "none"),
      known(p.critical, "no variance"));
}

void print(const ProbedScheme& s) {
  const Birth& b = s.birth;
  fmt::print("{} with {}, one batch of {}, {} {}\n\n", b.model, b.scheme, b.images, b.seeds.size(),
             b.seeds.size() == 1 ? "seed" : "seeds");
  print_nodes(s);
  print_weights(b);
  if (s.phase) print_phase(*s.phase);
  if (s.jacobian) print_jacobian(*s.jacobian);
  if (s.curvature) print_curvature(*s.curvature);
  fmt::print("\nloss {:.4f}{}; knowing nothing costs ln {} = {:.4f}\n", b.loss.mean(),
             b.seeds.size() > 1 ? fmt::format(" +- {:.4f}", b.loss.std()) : "", b.classes, std::log(b.classes));
}

// One line a scheme: how the signal goes from the first layer with weights to the last.
void print_summary(const std::vector<ProbedScheme>& all) {
  Table table({"scheme", ">loss", ">values, last / first", ">gradients, first / last hidden",
               "layers with weights: [values] [gradients]"});
  for (const ProbedScheme& s : all) {
    std::vector<double> values, gradients;
    for (const NodeBirth& n : s.birth.nodes) {
      if (!n.weighted) continue;
      values.push_back(std::sqrt(n.square.mean()));
      gradients.push_back(std::sqrt(n.gradient_square.mean()));
    }
    if (values.empty()) continue;
    if (gradients.size() > 1) gradients.pop_back();  // of the logits: the loss makes it, not the weights
    table.add({s.birth.scheme, number(s.birth.loss.mean()), number(values.back() / values.front()),
               number(gradients.front() / gradients.back()),
               "[" + sparkline(values) + "] [" + sparkline(gradients) + "]"});
  }
  fmt::print("\n{}", table.text());
}

struct ProbeOptions {
  SettingOptions settings;
  std::vector<std::string> schemes;
  std::string model, scheme_list, json, report, language = "en";
  int seeds = 10;
  bool csv = false, jacobian = false, hessian = false;
};

ProbedScheme probed(const RunConfig& config, const ProbeOptions& o) {
  const std::unique_ptr<Session> session = open_session(config);
  const KeptBatch batch = first_batch(*session);
  ProbedScheme result;
  result.birth = birth(*session, o.seeds, batch);
  result.predictions = predict_birth(*session, result.birth, batch);
  result.phase = phase_of(*session);
  if (o.jacobian) result.jacobian = jacobian_spectrum(session->model.network, batch);
  if (o.hessian) result.curvature = largest_curvature(session->model.network, batch);
  if (!o.report.empty()) result.pictures = birth_pictures(session->model.network, batch, language_of(o.language));
  return result;
}

// Made from the values, so that a page can be made again where no rules file is at hand.
std::string command_of(RunConfig config, const std::vector<std::string>& schemes, const ProbeOptions& o) {
  std::string text = "fanin probe " + shell_word(config.model);
  for (const std::string& scheme : schemes) text += " --scheme " + shell_word(scheme);
  text += fmt::format(" --seeds {}{}{}", o.seeds, o.jacobian ? " --jacobian" : "", o.hessian ? " --hessian" : "");
  config.model = RunConfig().model;
  config.scheme = RunConfig().scheme;
  config.threads = RunConfig().threads;
  const std::string rest = command_line(config);
  return text + (rest.empty() ? "" : " " + rest) + " --report " + shell_word(o.report) +
         (o.language == "en" ? "" : " --lang " + o.language);
}

void run(const ProbeOptions& o) {
  FANIN_CHECK(o.seeds >= 1 && o.seeds <= 10000, usage, "--seeds {}; give 1 to 10000", o.seeds);
  const Language language = language_of(o.language);
  RunConfig config = o.settings.resolve();
  if (!o.model.empty()) config.model = o.model;
  std::vector<std::string> schemes = o.schemes;
  for (const std::string_view part : split(o.scheme_list, ',')) schemes.emplace_back(trim(part));
  if (schemes.empty()) schemes = {config.scheme};
  std::vector<ProbedScheme> all;
  for (std::string& scheme : schemes) {
    config.scheme = scheme = scheme_text(scheme, "--scheme");
    all.push_back(probed(config, o));
    if (o.csv) continue;
    if (all.size() > 1) fmt::print("\n\n");
    print(all.back());
  }
  if (o.csv)
    fmt::print("{}", to_csv(all));
  else
    print_summary(all);
  if (!o.json.empty()) io::write_atomically(o.json, to_json(all));
  if (!o.report.empty()) io::write_atomically(o.report, birth_page(all, command_of(config, schemes, o), language));
}

}  // namespace

void add_probe_command(CLI::App& app) {
  const std::shared_ptr<ProbeOptions> o = std::make_shared<ProbeOptions>();
  CLI::App* command = app.add_subcommand(
      "probe", "A network at birth: values and gradients at every layer, measured over seeds and predicted");
  command->footer(
      "Examples:\n"
      "  fanin probe plain-20-16 --scheme torch_default\n"
      "  fanin probe mlp-10-100:act=tanh --schemes xavier_normal,orthogonal --seeds 20\n"
      "  fanin probe wrn-16-1 --scheme 'conv=kaiming_normal:mode=fan_out;linear=zeros' --json birth.json\n"
      "docs/probe.md explains every column.");
  command->add_option("MODEL", o->model, "Network: see fanin list models; as --model")->group("What");
  command->add_option("--scheme", o->schemes, "A scheme, or @FILE with rules; give it once for each")
      ->group("What")
      ->take_all()
      ->expected(1);
  command->add_option("--schemes", o->scheme_list, "Several schemes without options, separated by commas")
      ->group("What");
  command->add_option("--seeds", o->seeds, "How many draws of the weights: --seed, + 1, ...")
      ->group("What")
      ->capture_default_str();
  command->add_flag("--csv", o->csv, "Comma-separated values instead of tables");
  command->add_flag("--jacobian", o->jacobian, "Singular values of logits by pixels, of the first image");
  command->add_flag("--hessian", o->hessian,
                    "The loss's largest curvature and the learning rate that follows; takes some 20 to 120 passes");
  command->add_option("--json", o->json, "Write everything to this file");
  command->add_option("--report", o->report, "Write a page that opens offline to this file");
  command->add_option("--lang", o->language, "Of the page: en or zh")->capture_default_str();
  o->settings.add(*command, {"scheme"});
  command->callback([o] { run(*o); });
}

}  // namespace fanin
