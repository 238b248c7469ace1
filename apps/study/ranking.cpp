// SPDX-License-Identifier: MIT
#include "apps/study/ranking.h"

#include "apps/study/metrics.h"
#include "apps/study/probe.h"
#include "apps/study/report_text.h"
#include "core/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace fanin {

namespace {

constexpr std::size_t kFirstSteps = 100;

std::vector<double> first_losses(const io::Path& folder) {
  std::vector<double> losses;
  if (!std::filesystem::exists(folder / "steps.jsonl")) return losses;
  const std::string text = io::read_text(folder / "steps.jsonl");
  for (const std::string_view line : split(text, '\n')) {
    if (losses.size() == kFirstSteps) break;
    const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object() && json.contains("loss") && json["loss"].is_number()) losses.push_back(json["loss"]);
  }
  return losses;
}

int classes_of(const Comparison& c, const std::string& model, const io::Path& out) {
  for (const std::string& scheme : c.schemes) {
    const io::Path path = scheme_folder(out, model, scheme) / "signal.json";
    if (std::filesystem::exists(path)) return profile_from_json(io::read_text(path), path.string()).classes;
  }
  return 0;
}

// Without a target given: 90 % of the best median, so that every comparison has a line that some reach early and some
// late.
double choose_target(double given, const std::vector<RankingRow>& rows) {
  constexpr double kShareOfBest = 0.9;
  if (given > 0.0) return given;
  double best = 0.0;
  for (const RankingRow& row : rows) best = std::max(best, row.final_accuracy.median);
  return kShareOfBest * best;
}

void fill_row(RankingRow& row) {
  std::vector<double> finals;
  double area = 0.0;
  std::size_t epochs = 0;
  for (const SeedResult& s : row.seeds) {
    finals.push_back(s.final_accuracy);
    row.diverged += s.status.state == RunState::diverged;
    for (const EpochRow& r : s.rows) area += r.test_accuracy;
    epochs += s.rows.size();
  }
  if (finals.empty()) return;
  row.final_accuracy = quartiles(finals);
  row.area = epochs > 0 ? area / static_cast<double>(epochs) : 0.0;
}

void fill_epochs_to(RankingRow& row, double target) {
  std::vector<double> epochs;
  for (const SeedResult& s : row.seeds) {
    const std::vector<EpochRow>::const_iterator first =
        std::find_if(s.rows.begin(), s.rows.end(), [&](const EpochRow& r) { return r.test_accuracy >= target; });
    if (first != s.rows.end() && s.status.state == RunState::done) epochs.push_back(first->epoch);
  }
  row.reached = static_cast<int>(epochs.size());
  if (!epochs.empty()) row.epochs_to_target = quantile(epochs, 0.5);
}

// Differences of the seeds that both rows have.
void compare_to_best(RankingRow& row, const RankingRow& best) {
  std::map<std::uint64_t, double> of_best;
  for (const SeedResult& s : best.seeds) of_best[s.seed] = s.final_accuracy;
  std::vector<double> differences;
  for (const SeedResult& s : row.seeds)
    if (of_best.contains(s.seed)) differences.push_back(s.final_accuracy - of_best.at(s.seed));
  if (!differences.empty()) row.difference = mean(differences);
  row.interval = paired_interval(differences);
  if (!row.interval)
    row.verdict = kTooFewSeeds.en;
  else
    row.verdict = (row.interval->contains(0.0) ? kNoDifference : *row.difference < 0.0 ? kWorse : kBetter).en;
}

std::string percent(double v) { return fmt::format("{:.2f}", 100.0 * v); }

std::string difference_text(const RankingRow& row) {
  if (row.verdict == kBest.en || !row.difference) return "";
  if (!row.interval) return fmt::format("{:+.2f}", 100.0 * *row.difference);
  return fmt::format("{:+.2f} [{:+.2f}, {:+.2f}]", 100.0 * *row.difference, 100.0 * row.interval->low,
                     100.0 * row.interval->high);
}

std::string epochs_text(const RankingRow& row) {
  if (!row.epochs_to_target) return "never";
  return fmt::format("{:g} ({}/{})", *row.epochs_to_target, row.reached, row.seeds.size());
}

std::vector<std::string> cells(const RankingRow& row) {
  return {row.label(),
          std::to_string(row.seeds.size()),
          fmt::format("{} [{}, {}]", percent(row.final_accuracy.median), percent(row.final_accuracy.low),
                      percent(row.final_accuracy.high)),
          epochs_text(row),
          percent(row.area),
          fmt::format("{}/{}", row.diverged, row.seeds.size()),
          difference_text(row),
          row.verdict};
}

const std::vector<std::string> kColumns = {
    "scheme",          "n",        "final test accuracy %",     "epochs to target",
    "mean of curve %", "diverged", "difference to best [95 %]", "verdict"};

std::string csv_cell(std::string text) {
  if (!text.empty() && std::string_view("=+-@").find(text[0]) != std::string_view::npos && !parse_number(text))
    text.insert(0, "'");  // no formula for a spreadsheet
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

std::string RankingRow::label() const { return show_rate ? fmt::format("{} @ lr {}", scheme, rate) : scheme; }

std::vector<ModelRanking> rank(const Comparison& c, const io::Path& out) {
  std::vector<ModelRanking> rankings;
  const std::vector<PlannedRun> runs = planned_runs(c, out);
  for (const std::string& model : c.models) {
    ModelRanking ranking{.model = model, .classes = classes_of(c, model, out), .target = 0, .rows = {}, .missing = 0};
    for (const std::string& scheme : c.schemes)
      for (const double rate : rates_of(c, model, scheme)) {
        RankingRow row;
        row.scheme = scheme;
        row.rate = rate;
        row.show_rate = c.rates.size() > 1;  // tuned ones too
        for (const PlannedRun& run : runs) {
          if (run.config.model != model || run.config.scheme != scheme || run.config.lr != rate) continue;
          SeedResult s{.seed = run.config.seed,
                       .status = read_status(run.folder),
                       .rows = read_metrics(run.folder),
                       .step_losses = first_losses(run.folder),
                       .final_accuracy = 0};
          const bool diverged = s.status.state == RunState::diverged;
          if (!diverged && s.status.state != RunState::done) {
            ++ranking.missing;
            continue;
          }
          s.final_accuracy = diverged         ? (ranking.classes > 0 ? 1.0 / ranking.classes : 0.0)
                             : s.rows.empty() ? 0.0
                                              : s.rows.back().test_accuracy;
          row.seeds.push_back(std::move(s));
        }
        fill_row(row);
        ranking.rows.push_back(std::move(row));
      }
    ranking.target = choose_target(c.target, ranking.rows);
    for (RankingRow& row : ranking.rows) fill_epochs_to(row, ranking.target);
    std::stable_sort(ranking.rows.begin(), ranking.rows.end(), [](const RankingRow& a, const RankingRow& b) {
      return a.final_accuracy.median > b.final_accuracy.median;
    });
    for (std::size_t i = 0; i < ranking.rows.size(); ++i) {
      if (i == 0)
        ranking.rows[i].verdict = kBest.en;
      else
        compare_to_best(ranking.rows[i], ranking.rows[0]);
    }
    rankings.push_back(std::move(ranking));
  }
  return rankings;
}

std::vector<const RankingRow*> best_rows(const ModelRanking& ranking) {
  std::vector<const RankingRow*> best;
  for (const RankingRow& row : ranking.rows) {
    if (row.seeds.empty()) continue;
    const auto at =
        std::find_if(best.begin(), best.end(), [&](const RankingRow* other) { return other->scheme == row.scheme; });
    if (at == best.end())
      best.push_back(&row);
    else if (row.final_accuracy.median == (*at)->final_accuracy.median && row.rate < (*at)->rate)
      *at = &row;
  }
  return best;
}

std::string target_sentence(const ModelRanking& r, Language language) {
  std::string text = say(language, kTarget, 100.0 * r.target, r.classes > 0 ? 100.0 / r.classes : 0.0);
  if (r.missing > 0) text += say(language, kMissingRuns, r.missing);
  return text;
}

std::string ranking_table(const ModelRanking& r) {
  std::vector<std::vector<std::string>> table = {kColumns};
  for (const RankingRow& row : r.rows) table.push_back(cells(row));
  std::vector<std::size_t> widths(kColumns.size(), 0);
  for (const std::vector<std::string>& line : table)
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], line[i].size());
  std::string text = r.model + "\n";
  for (const std::vector<std::string>& line : table) {
    for (std::size_t i = 0; i < line.size(); ++i) text += fmt::format("  {:<{}}", line[i], widths[i]);
    while (text.back() == ' ') text.pop_back();
    text += "\n";
  }
  return text + "  " + target_sentence(r) + "\n";
}

std::string ranking_markdown(const std::vector<ModelRanking>& rankings) {
  std::string text;
  for (const ModelRanking& r : rankings) {
    text += fmt::format("### {}\n\n| {} |\n|{}\n", r.model, fmt::join(kColumns, " | "), [] {
      std::string line;
      for (std::size_t i = 0; i < kColumns.size(); ++i) line += " --- |";
      return line;
    }());
    for (const RankingRow& row : r.rows) text += fmt::format("| {} |\n", fmt::join(cells(row), " | "));
    text += "\n" + target_sentence(r) + "\n\n";
  }
  return text;
}

std::string ranking_csv(const std::vector<ModelRanking>& rankings) {
  std::string text =
      "model,scheme,lr,n,median,low_quartile,high_quartile,epochs_to_target,reached,mean_of_curve,diverged,difference,"
      "interval_low,interval_high,verdict\n";
  const auto optional = [](const std::optional<double>& v) { return v ? fmt::format("{}", *v) : std::string(); };
  for (const ModelRanking& r : rankings)
    for (const RankingRow& row : r.rows)
      text += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_cell(r.model), csv_cell(row.scheme),
                          row.rate, row.seeds.size(), row.final_accuracy.median, row.final_accuracy.low,
                          row.final_accuracy.high, optional(row.epochs_to_target), row.reached, row.area, row.diverged,
                          optional(row.difference), row.interval ? fmt::format("{}", row.interval->low) : "",
                          row.interval ? fmt::format("{}", row.interval->high) : "", row.verdict);
  return text;
}

}  // namespace fanin
