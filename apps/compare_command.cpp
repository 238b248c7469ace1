// fanin compare: schemes over paired seeds. fanin report: rebuilds the page.
// SPDX-License-Identifier: MIT
#include "apps/comparison_work.h"
#include "apps/setting_options.h"
#include "apps/study/report.h"
#include "apps/study/scheme_file.h"
#include "apps/study/tuning.h"
#include "core/check.h"
#include "core/rng.h"
#include "core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace fanin {

namespace {

std::vector<std::string> words_of(const std::string& list, std::vector<std::string> given) {
  for (const std::string_view part : split(list, ',')) given.emplace_back(trim(part));
  return given;
}

template <class T>
std::vector<T> numbers_of(const std::string& list, const char* flag) {
  std::vector<T> result;
  for (const std::string_view part : split(list, ',')) {
    const std::optional<double> value = parse_number(trim(part));
    FANIN_CHECK(value && *value >= 0.0 && static_cast<double>(static_cast<T>(*value)) == *value, usage,
                "{} '{}' must be numbers separated by commas", flag, list);
    result.push_back(static_cast<T>(*value));
  }
  return result;
}

}  // namespace

void add_compare_command(CLI::App& app, CommandContext& context) {
  struct Options {
    SettingOptions settings;
    std::vector<std::string> schemes, models, published;
    std::string scheme_list, model_list, seed_list, rate_list, tune_list, out, language = "en";
    int seeds = 3, tune_seeds = 1, tune_images = 1000;
    double target = 0.0;
    Workers workers;
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("compare", "Compare schemes: networks x schemes x paired seeds, with intervals and a report");
  command->footer(
      "Examples:\n"
      "  fanin compare --schemes kaiming_normal,xavier_uniform,orthogonal --models plain-20-8,wrn-10-1 --epochs 5\n"
      "  fanin compare --scheme kaiming_normal:mode=fan_out --scheme 'conv=dirac;linear=torch_default' --seeds 5 "
      "--data cifar10.fanin\n"
      "  fanin compare --schemes kaiming_normal,xavier_uniform --models wrn-10-1 --tune 0.01,0.03,0.1,0.3 --seeds 5\n"
      "Runs of one seed share data order and augmentation. The same command continues what is unfinished and repeats "
      "nothing.");
  command->add_option("--scheme", o->schemes, "A scheme, or @FILE with rules; give it once for each")
      ->group("What")
      ->take_all()
      ->expected(1);
  command->add_option("--schemes", o->scheme_list, "Several schemes without options, separated by commas")
      ->group("What");
  command->add_option("--model", o->models, "A network; give it once for each")->group("What")->take_all()->expected(1);
  command->add_option("--models", o->model_list, "Several networks without options, separated by commas")
      ->group("What");
  command->add_option("--seeds", o->seeds, "How many paired seeds: 1, 2, ...")->group("What")->capture_default_str();
  command->add_option("--seed-list", o->seed_list, "These seeds instead, separated by commas")->group("What");
  CLI::Option* rates = command->add_option("--lrs", o->rate_list, "Learning rates, separated by commas")->group("What");
  CLI::Option* tune =
      command
          ->add_option("--tune", o->tune_list,
                       "Learning rates, of which every scheme gets its best, chosen on images kept from training")
          ->group("What")
          ->excludes(rates);
  command->add_option("--tune-seeds", o->tune_seeds, "Trials of each of these rates, by seeds not compared later")
      ->group("What")
      ->needs(tune)
      ->capture_default_str();
  command->add_option("--tune-images", o->tune_images, "Training images that the trials are tested on")
      ->group("What")
      ->needs(tune)
      ->capture_default_str();
  command
      ->add_option("--target", o->target, "Accuracy for 'epochs to target', 0 to 1; 0: 90 % of the best final median")
      ->group("What");
  command->add_option("--published", o->published, "Draw a published curve behind: see fanin recipe show")
      ->group("What")
      ->take_all()
      ->expected(1);
  command->add_option("--out", o->out, "Folder of the comparison; default runs/compare-<hash>")->group("What");
  command->add_option("--lang", o->language, "Of report.html: en or zh")->group("What")->capture_default_str();
  o->workers.add(*command);
  o->settings.add(*command, {"model", "scheme", "seed"});
  command->callback([o, &context] {
    const Language language = language_of(o->language);
    Comparison c;
    c.base = o->settings.resolve();
    c.schemes = words_of(o->scheme_list, o->schemes);
    for (std::string& scheme : c.schemes) scheme = scheme_text(scheme, "--scheme");
    c.models = words_of(o->model_list, o->models);
    if (c.schemes.empty())
      c.schemes = {"kaiming_normal", "xavier_uniform", "orthogonal", "torch_default", "normal:std=0.01"};
    if (c.models.empty()) c.models = {c.base.model};
    c.rates = o->rate_list.empty() ? std::vector<double>{c.base.lr} : numbers_of<double>(o->rate_list, "--lrs");
    FANIN_CHECK(o->seeds >= 1 && o->seeds <= 1000, usage, "--seeds {}; give 1 to 1000", o->seeds);
    for (int s = 1; s <= o->seeds; ++s) c.seeds.push_back(static_cast<std::uint64_t>(s));
    if (!o->seed_list.empty()) c.seeds = numbers_of<std::uint64_t>(o->seed_list, "--seed-list");
    if (!o->tune_list.empty()) {
      c.rates = numbers_of<double>(o->tune_list, "--tune");
      c.tuning_seeds = o->tune_seeds;
      c.tuning_images = o->tune_images;
      check_tuning(c);
    }
    c.target = o->target;
    c.published = o->published;
    o->workers.threads = c.base.threads;
    c.base.threads = 0;
    io::Path out = o->out;
    if (out.empty()) {
      const std::string command_text = command_of(c);
      out = fmt::format("runs/compare-{:08x}", hash_bytes(command_text.data(), command_text.size()) & 0xffffffff);
    }
    context.exit_code = run_comparison(std::move(c), out, context, o->workers, language);
  });
}

void add_report_command(CLI::App& app) {
  struct Options {
    std::string out, language = "en";
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("report", "Rebuild ranking and report.html of a comparison from its run folders");
  command->add_option("folder", o->out, "The --out folder of fanin compare")->required();
  command->add_option("--lang", o->language, "Of report.html: en or zh")->capture_default_str();
  command->callback([o] {
    const Language language = language_of(o->language);
    const Comparison c = load_comparison(o->out);
    print_results(write_results(c, o->out, language), o->out);
  });
}

}  // namespace fanin
