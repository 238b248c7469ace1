// SPDX-License-Identifier: MIT
#include "apps/study/report.h"

#include "apps/study/environment.h"
#include "apps/study/overview.h"
#include "apps/study/page.h"
#include "apps/study/probe.h"
#include "apps/study/report_curves.h"
#include "apps/study/report_record.h"
#include "apps/study/report_text.h"
#include "apps/study/svg.h"
#include "apps/study/tuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>

namespace fanin {

namespace {

using Row = Page::Row;

std::vector<SignalProfile> profiles_of(const Comparison& c, const std::string& model, const io::Path& out) {
  std::vector<SignalProfile> result;
  for (const std::string& scheme : c.schemes) {
    const io::Path path = scheme_folder(out, model, scheme) / "signal.json";
    if (std::filesystem::exists(path)) result.push_back(profile_from_json(io::read_text(path), path.string()));
  }
  return result;
}

Plot signal_plot(const std::vector<SignalProfile>& profiles, Language language, const Text& title,
                 double NodeSignal::*member) {
  Plot plot{.title = say(language, title),
            .x_label = say(language, kWeightedLayers),
            .y_label = say(language, kStandardDeviation),
            .log_y = true,
            .series = {}};
  for (const SignalProfile& p : profiles) {
    PlotSeries s{p.scheme, {}, {}, {}, {}};
    for (const NodeSignal& n : p.nodes)
      if (n.weighted) {
        s.x.push_back(static_cast<double>(s.x.size() + 1));
        s.y.push_back(n.*member);
      }
    plot.series.push_back(std::move(s));
  }
  return plot;
}

std::string number(double v, Language language) {
  return v >= 1e299 ? say(language, kNotFinite) : fmt::format("{:.3g}", v);
}

Row words(Language language, std::initializer_list<Text> texts) {
  Row row;
  for (const Text& text : texts) row.push_back(say(language, text));
  return row;
}

// One row per weighted layer, one column per scheme: activations / gradients.
void add_signal_table(Page& page, const std::vector<SignalProfile>& profiles, Language language) {
  Row head = {say(language, kLayerColumn)};
  for (const SignalProfile& p : profiles) head.push_back(p.scheme);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < profiles.front().nodes.size(); ++i) {
    if (!profiles.front().nodes[i].weighted) continue;
    Row row = {profiles.front().nodes[i].node};
    for (const SignalProfile& p : profiles)
      row.push_back(number(p.nodes[i].value_std, language) + " / " + number(p.nodes[i].gradient_std, language));
    rows.push_back(std::move(row));
  }
  Row loss = {say(language, kBatchLoss)};
  for (const SignalProfile& p : profiles)
    loss.push_back(fmt::format("{} (ln {} = {:.3f})", number(p.loss, language), p.classes, std::log(p.classes)));
  rows.push_back(std::move(loss));
  page.details(say(language, kAsTable), head, rows);
}

void add_promise_table(Page& page, const std::vector<SignalProfile>& profiles, Language language) {
  std::vector<Row> rows;
  for (const SignalProfile& p : profiles)
    for (const WeightSignal& w : p.weights)
      rows.push_back(
          {w.parameter, p.scheme, w.initializer, fmt::format("{:g}", w.fan_in), fmt::format("{:g}", w.fan_out),
           w.promised_std ? number(*w.promised_std, language) : say(language, kNoPromise),
           number(w.measured_std, language),
           w.promised_std && *w.promised_std > 0.0 ? fmt::format("{:.3f}", w.measured_std / *w.promised_std) : ""});
  page.details(say(language, kPromises),
               words(language, {kWeight, kScheme, kInitializer, kFanIn, kFanOut, kPromised, kMeasured, kPromiseRatio}),
               rows);
}

void add_ranking(Page& page, const ModelRanking& ranking, Language language) {
  std::vector<Row> rows;
  std::vector<IntervalRow> intervals;
  std::vector<std::string> diverged;
  for (const RankingRow& row : ranking.rows) {
    const auto percent = [](double v) { return fmt::format("{:.2f}", 100.0 * v); };
    rows.push_back({row.label(), std::to_string(row.seeds.size()),
                    fmt::format("{} [{}, {}]", percent(row.final_accuracy.median), percent(row.final_accuracy.low),
                                percent(row.final_accuracy.high)),
                    row.epochs_to_target
                        ? fmt::format("{:g} ({}/{})", *row.epochs_to_target, row.reached, row.seeds.size())
                        : say(language, kNever),
                    percent(row.area), fmt::format("{}/{}", row.diverged, row.seeds.size()),
                    !row.difference ? ""
                    : row.interval  ? fmt::format("{:+.2f} [{:+.2f}, {:+.2f}]", 100 * *row.difference,
                                                  100 * row.interval->low, 100 * row.interval->high)
                                    : fmt::format("{:+.2f}", 100 * *row.difference),
                    verdict_text(row.verdict, language)});
    if (row.difference)
      intervals.push_back({row.label(), 100 * *row.difference, row.interval ? 100 * row.interval->low : 0.0,
                           row.interval ? 100 * row.interval->high : 0.0, row.interval.has_value()});
    for (const SeedResult& s : row.seeds)
      if (s.status.state == RunState::diverged)
        diverged.push_back(say(language, kDivergedRun, row.label(), s.seed, s.status.reason));
  }
  page.table(
      words(language, {kScheme, kRuns, kFinalAccuracy, kEpochsToTarget, kCurveMean, kDiverged, kDifference, kVerdict}),
      rows);
  page.note(target_sentence(ranking, language) + say(language, kHowCompared));
  page.formula(
      "\\bar{d} \\pm t_{0.975,\\, n-1}\\, \\frac{s_d}{\\sqrt{n}}, \\qquad d_i = \\text{accuracy}_i - "
      "\\text{accuracy}_i^{\\text{best}}, \\quad i = 1 \\ldots n \\text{ seeds}");
  if (!intervals.empty())
    page.intervals(say(language, kDifferenceTo, ranking.rows.front().label()), say(language, kPoints), intervals);
  if (diverged.empty()) return;
  page.heading(3, say(language, kDivergedRuns));
  page.list(diverged);
}

void add_tuning(Page& page, const Comparison& c, const std::string& model, const std::vector<ModelRanking>& trials,
                Language language) {
  page.heading(3, say(language, kLearningRates));
  page.paragraph(tuning_sentence(c, language));
  page.link("tuning/report.html", say(language, kTrials));
  for (const ModelRanking& tuning : trials)
    if (tuning.model == model)
      if (const HeatMap map = rate_map(tuning, say(language, kTrialAccuracy), language); !map.rows.empty())
        page.figure(map);
  std::vector<Row> rows;
  for (const TunedRate& t : c.tuned)
    if (t.model == model)
      rows.push_back({t.scheme, fmt::format("{}", t.rate), at_edge(c, t.rate) ? say(language, kAtEdge) : ""});
  page.table({say(language, kScheme), say(language, kLearningRate), ""}, rows);
}

void add_record(Page& page, const RecordFigures& figures, std::uint64_t seed, Language language) {
  if (!figures.weights.empty()) {
    page.heading(3, say(language, kWeightsByEpoch));
    page.paragraph(say(language, kWeightsRecorded, seed));
    for (const HistogramStack& stack : figures.weights) page.figure(stack);
  }
  if (figures.nodes.empty()) return;
  page.heading(3, say(language, kNodesByEpoch));
  page.paragraph(say(language, kNodesRecorded, seed));
  for (const Plot& plot : figures.nodes) page.figure(plot);
  for (const HistogramStack& stack : figures.values) page.figure(stack);
  for (const HistogramStack& stack : figures.gradients) page.figure(stack);
}

}  // namespace

std::string report_html(const Comparison& c, const std::vector<ModelRanking>& rankings, const io::Path& out,
                        Language language) {
  Page page(say(language, kReportTitle), language);
  const auto count = [&](std::size_t n, const Text& one, const Text& more) {
    return say(language, n == 1 ? one : more, n);
  };
  page.paragraph(say(language, kReportSize, count(c.schemes.size(), kOneScheme, kSchemes),
                     count(c.models.size(), kOneNetwork, kNetworks), count(c.seeds.size(), kOneSeed, kSeeds),
                     c.base.data, count(static_cast<std::size_t>(c.base.epochs), kOneEpoch, kEpochs), c.base.batch));
  if (rankings.size() > 1) {
    page.heading(2, say(language, kAllNetworks));
    page.figure(overview_map(rankings, language));
    page.table(overview_head(language), overview_rows(rankings));
    page.note(overview_sentence(rankings, language));
  }
  const std::vector<ModelRanking> trials = c.tuned.empty() ? std::vector<ModelRanking>() : tuning_rankings(c, out);
  for (const ModelRanking& ranking : rankings) {
    page.heading(2, ranking.model);
    page.heading(3, say(language, kSignalAtBirth));
    page.paragraph(say(language, kWhatSignalSays));
    const std::vector<SignalProfile> profiles = profiles_of(c, ranking.model, out);
    if (!profiles.empty()) {
      page.figure(signal_plot(profiles, language, kValues, &NodeSignal::value_std));
      page.figure(signal_plot(profiles, language, kGradients, &NodeSignal::gradient_std));
      add_signal_table(page, profiles, language);
      add_promise_table(page, profiles, language);
    }
    if (!c.tuned.empty()) add_tuning(page, c, ranking.model, trials, language);
    page.heading(3, say(language, kTraining));
    page.figure(step_plot(ranking, language));
    page.figure(epoch_plot(ranking, c.published, language));
    add_record(page, record_figures(c, ranking, out, language), c.seeds.front(), language);
    page.heading(3, say(language, kRanking));
    if (const HeatMap map = rate_map(ranking, say(language, kFinalTestAccuracy), language); !map.rows.empty())
      page.figure(map);
    add_ranking(page, ranking, language);
  }
  page.command(c.command + (language == Language::en ? "" : " --lang zh"));
  page.details(say(language, kSharedSettings), to_toml(c.base));
  page.details(say(language, kWhereMade), environment_json());
  return page.html();
}

std::vector<ModelRanking> write_results(const Comparison& c, const io::Path& out, Language language) {
  std::vector<ModelRanking> rankings = rank(c, out);
  io::write_atomically(out / "ranking.csv", ranking_csv(rankings));
  io::write_atomically(out / "ranking.md", overview_markdown(rankings) + ranking_markdown(rankings));
  io::write_atomically(out / "report.html", report_html(c, rankings, out, language));
  if (rankings.size() > 1) io::write_atomically(out / "overview.svg", svg_file(svg(overview_map(rankings))));
  return rankings;
}

}  // namespace fanin
