// SPDX-License-Identifier: MIT
#include "apps/study/comparison.h"

#include "apps/study/probe.h"
#include "apps/study/published.h"
#include "core/check.h"
#include "core/rng.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

namespace fanin {

namespace {

// A name that any file system takes. What had to be changed is told apart by a hash.
std::string slug(const std::string& name) {
  std::string result = name;
  for (char& c : result)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '.') c = '_';
  if (result.size() > 60) result.resize(60);
  if (result != name) result += fmt::format("-{:04x}", hash_bytes(name.data(), name.size()) & 0xffff);
  return result;
}

template <class T>
void check_distinct(std::vector<T> values, const char* what) {
  FANIN_CHECK(!values.empty(), usage, "no {} to compare; give at least one", what);
  std::sort(values.begin(), values.end());
  FANIN_CHECK(std::adjacent_find(values.begin(), values.end()) == values.end(), usage,
              "a {} is given twice; each once is enough", what);
}

}  // namespace

void check(const Comparison& c) {
  check_distinct(c.schemes, "scheme");
  check_distinct(c.models, "model");
  check_distinct(c.seeds, "seed");
  check_distinct(c.rates, "learning rate");
  FANIN_CHECK(c.target >= 0.0 && c.target <= 1.0, usage, "--target {}; give an accuracy from 0 to 1", c.target);
  for (const std::string& name : c.published) published_curve(name);
  for (const PlannedRun& run : planned_runs(c, "")) check(run.config);
}

std::vector<double> rates_of(const Comparison& c, const std::string& model, const std::string& scheme) {
  for (const TunedRate& t : c.tuned)
    if (t.model == model && t.scheme == scheme) return {t.rate};
  return c.rates;
}

io::Path scheme_folder(const io::Path& out, const std::string& model, const std::string& scheme) {
  return out / slug(model) / slug(scheme);
}

std::vector<PlannedRun> planned_runs(const Comparison& c, const io::Path& out) {
  std::vector<PlannedRun> runs;
  for (const std::uint64_t seed : c.seeds)  // whole rounds first, so that an early look compares all schemes
    for (const std::string& model : c.models)
      for (const std::string& scheme : c.schemes)
        for (const double rate : rates_of(c, model, scheme)) {
          PlannedRun run{c.base, {}};
          run.config.model = model;
          run.config.scheme = scheme;
          run.config.seed = seed;
          run.config.lr = rate;
          run.folder = scheme_folder(out, model, scheme) /
                       (c.rates.size() == 1 ? fmt::format("s{}", seed) : fmt::format("s{}-lr{}", seed, rate));
          runs.push_back(std::move(run));
        }
  return runs;
}

void save(const Comparison& c, const io::Path& out) {
  nlohmann::ordered_json tuned = nlohmann::ordered_json::array();
  for (const TunedRate& t : c.tuned) tuned.push_back({{"model", t.model}, {"scheme", t.scheme}, {"rate", t.rate}});
  const nlohmann::ordered_json json = {{"schemes", c.schemes},
                                       {"models", c.models},
                                       {"seeds", c.seeds},
                                       {"rates", c.rates},
                                       {"target", c.target},
                                       {"command", c.command},
                                       {"base", to_toml(c.base)},
                                       {"published", c.published},
                                       {"tuning_seeds", c.tuning_seeds},
                                       {"tuning_images", c.tuning_images},
                                       {"tuned", tuned}};
  io::create_folders(out);
  io::write_atomically(out / "comparison.json",
                       json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

Comparison load_comparison(const io::Path& out) {
  const io::Path path = out / "comparison.json";
  FANIN_CHECK(std::filesystem::exists(path), input,
              "{} is no comparison: it has no comparison.json; give the --out folder of `fanin compare`", out.string());
  Comparison c;
  try {
    const nlohmann::json json = nlohmann::json::parse(io::read_text(path));
    c.schemes = json.at("schemes").get<std::vector<std::string>>();
    c.models = json.at("models").get<std::vector<std::string>>();
    c.seeds = json.at("seeds").get<std::vector<std::uint64_t>>();
    c.rates = json.at("rates").get<std::vector<double>>();
    c.target = json.at("target");
    c.command = json.at("command");
    c.published = json.value("published", std::vector<std::string>{});
    c.tuning_seeds = json.value("tuning_seeds", 0);
    c.tuning_images = json.value("tuning_images", 0);
    for (const nlohmann::json& t : json.value("tuned", nlohmann::json::array()))
      c.tuned.push_back({t.at("model"), t.at("scheme"), t.at("rate")});
    read_toml_text(c.base, json.at("base").get<std::string>(), path.string());
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::input, "{} is damaged ({})", path.string(), error.what());
  }
  return c;
}

void probe_all(const Comparison& c, const io::Path& out) {
  for (const std::string& model : c.models)
    for (const std::string& scheme : c.schemes) {
      const io::Path folder = scheme_folder(out, model, scheme);
      if (std::filesystem::exists(folder / "signal.json")) continue;
      RunConfig config = c.base;
      config.model = model;
      config.scheme = scheme;
      config.seed = c.seeds.front();
      config.augment = "none";  // the signal of the images themselves
      const std::unique_ptr<Session> session = open_session(config);
      io::create_folders(folder);
      io::write_atomically(folder / "signal.json", to_json(probe(*session)));
    }
}

}  // namespace fanin
