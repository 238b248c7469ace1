// SPDX-License-Identifier: MIT
#include "apps/study/report.h"

#include "apps/study/environment.h"
#include "apps/study/probe.h"
#include "apps/study/report_curves.h"
#include "apps/study/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

constexpr const char* kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>fanin: comparison of initialization schemes</title>
<style>
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --faint: #d8d8d8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #161616; --faint: #3a3a3a; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
svg { width: 100%; height: auto; margin-top: 1rem; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } .grid { stroke: var(--faint); } .zero { stroke: var(--ink); stroke-dasharray: 4 3; }
.line { fill: none; stroke-width: 2; } .band { opacity: .18; }
.interval { stroke: var(--ink); stroke-width: 2; } .centre { fill: #d55e00; }
.legend span { margin-right: 1.2em; white-space: nowrap; }
.legend i { display: inline-block; width: 1em; height: .6em; margin-right: .4em; }
table { border-collapse: collapse; font-size: .85rem; display: block; overflow-x: auto; }
td, th { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid var(--faint); }
td:first-child, th:first-child { text-align: left; }
pre { white-space: pre-wrap; background: var(--faint); padding: .8rem; } .note { font-size: .9rem; }
</style></head><body>
)";

using Row = std::vector<std::string>;

std::string table(const Row& head, const std::vector<Row>& rows) {
  std::string out = "<table><tr>";
  for (const std::string& cell : head) out += "<th>" + escape_html(cell) + "</th>";
  out += "</tr>";
  for (const Row& row : rows) {
    out += "<tr>";
    for (const std::string& cell : row) out += "<td>" + escape_html(cell) + "</td>";
    out += "</tr>";
  }
  return out + "</table>\n";
}

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
            .y_label = "standard deviation, log scale",
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
std::string signal_table(const std::vector<SignalProfile>& profiles) {
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
  return table(head, rows);
}

std::string promise_table(const std::vector<SignalProfile>& profiles) {
  std::vector<Row> rows;
  for (const SignalProfile& p : profiles)
    for (const WeightSignal& w : p.weights)
      rows.push_back(
          {w.parameter, p.scheme, w.initializer, fmt::format("{:g}", w.fan_in), fmt::format("{:g}", w.fan_out),
           w.promised_std ? number(*w.promised_std) : "none", number(w.measured_std),
           w.promised_std && *w.promised_std > 0.0 ? fmt::format("{:.3f}", w.measured_std / *w.promised_std) : ""});
  return "<details><summary>Promised and measured standard deviation of every weight</summary>" +
         table({"weight", "scheme", "initializer", "fan in", "fan out", "promised", "measured", "measured / promised"},
               rows) +
         "</details>\n";
}

std::string ranking_section(const ModelRanking& ranking) {
  std::vector<Row> rows;
  std::vector<IntervalRow> intervals;
  std::string diverged;
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
        diverged +=
            fmt::format("<li>{}, seed {}: {}</li>", escape_html(row.label()), s.seed, escape_html(s.status.reason));
  }
  std::string out = table({"scheme", "n", "final test accuracy %", "epochs to target", "mean of curve %", "diverged",
                           "paired difference to best, 95 % interval", "verdict"},
                          rows);
  out += "<p class=\"note\">" + escape_html(target_sentence(ranking)) +
         ". Differences are paired by seed: runs of one seed see the same images in the same order. "
         "An interval that covers 0 is reported as \"no difference found\"; it is the wider of Student's t and a "
         "bootstrap over seeds.</p>\n";
  if (!intervals.empty())
    out += svg_intervals("Paired difference to " + ranking.rows.front().label(),
                         "percentage points of final test accuracy, 95 % interval", intervals);
  if (!diverged.empty()) out += "<h3>Diverged runs</h3><ul>" + diverged + "</ul>\n";
  return out;
}

}  // namespace

std::string report_html(const Comparison& c, const std::vector<ModelRanking>& rankings, const io::Path& out) {
  std::string page = kHead;
  page += fmt::format(
      "<h1>Initialization schemes compared</h1><p>{} schemes, {} networks, {} paired seeds, data <code>{}</code>, {} "
      "epochs of batch {}.</p>\n",
      c.schemes.size(), c.models.size(), c.seeds.size(), escape_html(c.base.data), c.base.epochs, c.base.batch);
  for (const ModelRanking& ranking : rankings) {
    page += "<h2>" + escape_html(ranking.model) +
            "</h2>\n<h3>The signal at birth</h3><p>Before any training, one batch: how large values and gradients are "
            "at the output of each layer. "
            "A good scheme keeps both level; what shrinks or grows by a factor per layer is lost or explodes with "
            "depth.</p>\n";
    const std::vector<SignalProfile> profiles = profiles_of(c, ranking.model, out);
    if (!profiles.empty())
      page += svg(signal_plot(profiles, "Values", &NodeSignal::value_std)) +
              svg(signal_plot(profiles, "Gradients", &NodeSignal::gradient_std)) +
              "<details><summary>The same as a table</summary>" + signal_table(profiles) + "</details>\n" +
              promise_table(profiles);
    page += "<h3>Training</h3>" + curve_plots(ranking, c.published) + "<h3>Ranking</h3>" + ranking_section(ranking);
  }
  page += "<h2>How to repeat it</h2><pre>" + escape_html(c.command) +
          "</pre>\n<details><summary>Settings that all runs share</summary><pre>" + escape_html(to_toml(c.base)) +
          "</pre></details>\n<details><summary>Where this page was made</summary><pre>" +
          escape_html(environment_json()) + "</pre></details>\n</body></html>\n";
  return page;
}

std::vector<ModelRanking> write_results(const Comparison& c, const io::Path& out) {
  std::vector<ModelRanking> rankings = rank(c, out);
  io::write_atomically(out / "ranking.csv", ranking_csv(rankings));
  io::write_atomically(out / "ranking.md", ranking_markdown(rankings));
  io::write_atomically(out / "report.html", report_html(c, rankings, out));
  return rankings;
}

}  // namespace fanin
