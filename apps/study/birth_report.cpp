// SPDX-License-Identifier: MIT
#include "apps/study/birth_report.h"

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
<title>fanin: a network at birth</title>
<style>
:root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --faint: #d8d8d8; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e8e8; --paper: #161616; --faint: #3a3a3a; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
svg { width: 100%; height: auto; margin-top: 1rem; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } .grid { stroke: var(--faint); } .line { fill: none; stroke-width: 2; } .band { opacity: .18; }
.legend span { margin-right: 1.2em; } .legend i { display: inline-block; width: 1em; height: .6em; margin-right: .4em; }
table { border-collapse: collapse; font-size: .85rem; display: block; overflow-x: auto; }
td, th { padding: .2rem .6rem; text-align: right; border-bottom: 1px solid var(--faint); }
td:first-child { text-align: left; }
</style></head><body>
)";

std::optional<double> root(const std::optional<double>& v) { return v ? std::optional<double>(std::sqrt(*v)) : v; }

// Root mean squares by node, measured and predicted.
Plot plot_of(const std::vector<ProbedScheme>& schemes, bool gradients) {
  Plot plot{.title = gradients ? "Gradients" : "Values",
            .x_label = "node, input to output",
            .y_label = "root mean square, log scale",
            .log_y = true,
            .series = {}};
  for (const ProbedScheme& s : schemes) {
    PlotSeries measured{s.birth.scheme + ", measured", {}, {}, {}, {}},
        predicted{s.birth.scheme + ", predicted", {}, {}, {}, {}};
    for (std::size_t i = 0; i < s.birth.nodes.size(); ++i) {
      const NodeBirth& n = s.birth.nodes[i];
      const NodePrediction& p = s.predictions[i];
      const OverSeeds& square = gradients ? n.gradient_square : n.square;
      const double mean = square.mean(), error = 2.0 * square.standard_error();
      if (!square.values.empty()) {
        measured.x.push_back(static_cast<double>(i));
        measured.y.push_back(std::sqrt(mean));
        measured.low.push_back(std::sqrt(std::max(0.0, mean - error)));
        measured.high.push_back(std::sqrt(mean + error));
      }
      const std::optional<double> low = root(gradients ? p.gradient_low : p.low),
                                  high = root(gradients ? p.gradient_high : p.high);
      if (!low || !high) continue;
      predicted.x.push_back(static_cast<double>(i));
      predicted.y.push_back(std::sqrt(*low * *high));
      predicted.low.push_back(*low);
      predicted.high.push_back(*high);
    }
    plot.series.push_back(std::move(measured));
    plot.series.push_back(std::move(predicted));
  }
  return plot;
}

std::string cell(const std::optional<double>& v) {
  return v && std::isfinite(*v) ? fmt::format("<td>{:.4g}</td>", *v) : std::string("<td></td>");
}

std::string table_of(const ProbedScheme& s) {
  std::string text =
      "<table><tr><th>node</th><th>rms</th><th>predicted</th><th>to</th><th>gradient "
      "rms</th><th>predicted</th><th>to</th>"
      "<th>zeros</th><th>dead channels</th><th>flat</th><th>pair correlation</th></tr>\n";
  for (std::size_t i = 0; i < s.birth.nodes.size(); ++i) {
    const NodeBirth& n = s.birth.nodes[i];
    const NodePrediction& p = s.predictions[i];
    text += "<tr><td>" + escape_html(n.node) + "</td>" + cell(std::sqrt(n.square.mean())) + cell(root(p.low)) +
            cell(root(p.high)) + cell(std::sqrt(n.gradient_square.mean())) + cell(root(p.gradient_low)) +
            cell(root(p.gradient_high)) + cell(n.zeros.mean()) + cell(n.dead.mean()) + cell(n.saturated.mean()) +
            cell(n.correlation.mean()) + "</tr>\n";
  }
  return text + "</table>\n";
}

}  // namespace

std::string birth_page(const std::vector<ProbedScheme>& schemes) {
  std::string page = kHead;
  if (!schemes.empty())
    page += fmt::format(
        "<h1>{} at birth</h1><p>One batch of {}, the same for {} draws of the weights. Bands are two standard "
        "errors of the measured mean, or the limits of a prediction.</p>\n",
        escape_html(schemes.front().birth.model), schemes.front().birth.images, schemes.front().birth.seeds.size());
  page += svg(plot_of(schemes, false)) + svg(plot_of(schemes, true));
  for (const ProbedScheme& s : schemes)
    page += fmt::format("<h2>{}</h2><p>Loss {:.4f}; knowing nothing costs {:.4f}.</p>\n", escape_html(s.birth.scheme),
                        s.birth.loss.mean(), std::log(s.birth.classes)) +
            table_of(s);
  return page + "</body></html>\n";
}

}  // namespace fanin
