// SPDX-License-Identifier: MIT
#include "apps/study/report.h"

#include "apps/study/environment.h"
#include "apps/study/overview.h"
#include "apps/study/page.h"
#include "apps/study/probe.h"
#include "apps/study/report_curves.h"
#include "apps/study/report_record.h"
#include "apps/study/svg.h"
#include "apps/study/tuning.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

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

Plot signal_plot(const std::vector<SignalProfile>& profiles, const char* title, double NodeSignal::*member) {
  Plot plot{.title = title,
            .x_label = "layer with weights, input to output",
            .y_label = "standard deviation",
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

std::string number(double v) { return v >= 1e299 ? "not finite" : fmt::format("{:.3g}", v); }

// One row per weighted layer, one column per scheme: activations / gradients.
void add_signal_table(Page& page, const std::vector<SignalProfile>& profiles) {
  Row head = {"layer (std of values / of gradients)"};
  for (const SignalProfile& p : profiles) head.push_back(p.scheme);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < profiles.front().nodes.size(); ++i) {
    if (!profiles.front().nodes[i].weighted) continue;
    Row row = {profiles.front().nodes[i].node};
    for (const SignalProfile& p : profiles)
      row.push_back(number(p.nodes[i].value_std) + " / " + number(p.nodes[i].gradient_std));
    rows.push_back(std::move(row));
  }
  Row loss = {"loss of the batch"};
  for (const SignalProfile& p : profiles)
    loss.push_back(fmt::format("{} (ln {} = {:.3f})", number(p.loss), p.classes, std::log(p.classes)));
  rows.push_back(std::move(loss));
  page.details("The same as a table", head, rows);
}

void add_promise_table(Page& page, const std::vector<SignalProfile>& profiles) {
  std::vector<Row> rows;
  for (const SignalProfile& p : profiles)
    for (const WeightSignal& w : p.weights)
      rows.push_back(
          {w.parameter, p.scheme, w.initializer, fmt::format("{:g}", w.fan_in), fmt::format("{:g}", w.fan_out),
           w.promised_std ? number(*w.promised_std) : "none", number(w.measured_std),
           w.promised_std && *w.promised_std > 0.0 ? fmt::format("{:.3f}", w.measured_std / *w.promised_std) : ""});
  page.details("Promised and measured standard deviation of every weight",
               {"weight", "scheme", "initializer", "fan in", "fan out", "promised", "measured", "measured / promised"},
               rows);
}

void add_ranking(Page& page, const ModelRanking& ranking) {
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
                        : "never",
                    percent(row.area), fmt::format("{}/{}", row.diverged, row.seeds.size()),
                    !row.difference ? ""
                    : row.interval  ? fmt::format("{:+.2f} [{:+.2f}, {:+.2f}]", 100 * *row.difference,
                                                  100 * row.interval->low, 100 * row.interval->high)
                                    : fmt::format("{:+.2f}", 100 * *row.difference),
                    row.verdict});
    if (row.difference)
      intervals.push_back({row.label(), 100 * *row.difference, row.interval ? 100 * row.interval->low : 0.0,
                           row.interval ? 100 * row.interval->high : 0.0, row.interval.has_value()});
    for (const SeedResult& s : row.seeds)
      if (s.status.state == RunState::diverged)
        diverged.push_back(fmt::format("{}, seed {}: {}", row.label(), s.seed, s.status.reason));
  }
  page.table({"scheme", "n", "final test accuracy %", "epochs to target", "mean of curve %", "diverged",
              "paired difference to best, 95 % interval", "verdict"},
             rows);
  page.note(target_sentence(ranking) +
            ". Differences are paired by seed: runs of one seed see the same images in the same order. "
            "An interval that covers 0 is reported as \"no difference found\"; it is the wider of Student's t and a "
            "bootstrap over seeds.");
  page.formula(
      "\\bar{d} \\pm t_{0.975,\\, n-1}\\, \\frac{s_d}{\\sqrt{n}}, \\qquad d_i = \\text{accuracy}_i - "
      "\\text{accuracy}_i^{\\text{best}}, \\quad i = 1 \\ldots n \\text{ seeds}");
  if (!intervals.empty())
    page.intervals("Paired difference to " + ranking.rows.front().label(),
                   "percentage points of final test accuracy, 95 % interval", intervals);
  if (diverged.empty()) return;
  page.heading(3, "Diverged runs");
  page.list(diverged);
}

void add_tuning(Page& page, const Comparison& c, const std::string& model, const std::vector<ModelRanking>& trials) {
  page.heading(3, "Learning rates");
  page.paragraph(tuning_sentence(c));
  page.link("tuning/report.html", "The trials");
  for (const ModelRanking& tuning : trials)
    if (tuning.model == model)
      if (const HeatMap map = rate_map(tuning, "Validation accuracy, tuning"); !map.rows.empty()) page.figure(map);
  std::vector<Row> rows;
  for (const TunedRate& t : c.tuned)
    if (t.model == model)
      rows.push_back({t.scheme, fmt::format("{}", t.rate), at_edge(c, t.rate) ? "at the edge of what was tried" : ""});
  page.table({"scheme", "learning rate", ""}, rows);
}

void add_record(Page& page, const RecordFigures& figures, std::uint64_t seed) {
  if (!figures.weights.empty()) {
    page.heading(3, "Weights, epoch by epoch");
    page.paragraph(fmt::format(
        "Of seed {}, at birth and after every epoch. All of them are in the runs' weight_histograms.csv.", seed));
    for (const HistogramStack& stack : figures.weights) page.figure(stack);
  }
  if (figures.nodes.empty()) return;
  page.heading(3, "Values and gradients, epoch by epoch");
  page.paragraph(
      fmt::format("Of seed {}, on one batch of training images, the same for every epoch and scheme, without "
                  "augmentation, in training mode. All nodes are in the runs' node_record.csv and "
                  "node_histograms.csv. Histograms go from -4 to 4 times the root mean square of their epoch; what "
                  "lies outside is in the outermost bins.",
                  seed));
  for (const Plot& plot : figures.nodes) page.figure(plot);
  for (const HistogramStack& stack : figures.values) page.figure(stack);
  for (const HistogramStack& stack : figures.gradients) page.figure(stack);
}

}  // namespace

std::string report_html(const Comparison& c, const std::vector<ModelRanking>& rankings, const io::Path& out) {
  Page page("Initialization schemes compared", Language::en);
  const auto count = [](std::size_t n, const char* what) { return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s"); };
  page.paragraph(fmt::format("{}, {}, {}, data {}, {} of batch {}.", count(c.schemes.size(), "scheme"),
                             count(c.models.size(), "network"), count(c.seeds.size(), "paired seed"), c.base.data,
                             count(static_cast<std::size_t>(c.base.epochs), "epoch"), c.base.batch));
  if (rankings.size() > 1) {
    page.heading(2, "All networks");
    page.figure(overview_map(rankings));
    page.table(overview_head(), overview_rows(rankings));
    page.note(overview_sentence(rankings));
  }
  const std::vector<ModelRanking> trials = c.tuned.empty() ? std::vector<ModelRanking>() : tuning_rankings(c, out);
  for (const ModelRanking& ranking : rankings) {
    page.heading(2, ranking.model);
    page.heading(3, "The signal at birth");
    page.paragraph(
        "Before any training, one batch: how large values and gradients are at the output of each layer. A good "
        "scheme keeps both level; what shrinks or grows by a factor per layer is lost or explodes with depth.");
    const std::vector<SignalProfile> profiles = profiles_of(c, ranking.model, out);
    if (!profiles.empty()) {
      page.figure(signal_plot(profiles, "Values", &NodeSignal::value_std));
      page.figure(signal_plot(profiles, "Gradients", &NodeSignal::gradient_std));
      add_signal_table(page, profiles);
      add_promise_table(page, profiles);
    }
    if (!c.tuned.empty()) add_tuning(page, c, ranking.model, trials);
    page.heading(3, "Training");
    page.figure(step_plot(ranking));
    page.figure(epoch_plot(ranking, c.published));
    add_record(page, record_figures(c, ranking, out), c.seeds.front());
    page.heading(3, "Ranking");
    if (const HeatMap map = rate_map(ranking, "Final test accuracy"); !map.rows.empty()) page.figure(map);
    add_ranking(page, ranking);
  }
  page.command(c.command);
  page.details("Settings that all runs share", to_toml(c.base));
  page.details("Where this page was made", environment_json());
  return page.html();
}

std::vector<ModelRanking> write_results(const Comparison& c, const io::Path& out) {
  std::vector<ModelRanking> rankings = rank(c, out);
  io::write_atomically(out / "ranking.csv", ranking_csv(rankings));
  io::write_atomically(out / "ranking.md", overview_markdown(rankings) + ranking_markdown(rankings));
  io::write_atomically(out / "report.html", report_html(c, rankings, out));
  if (rankings.size() > 1) io::write_atomically(out / "overview.svg", svg_file(svg(overview_map(rankings))));
  return rankings;
}

}  // namespace fanin
