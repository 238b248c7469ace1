// SPDX-License-Identifier: MIT
#include "apps/study/birth_report.h"

#include "apps/study/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

std::optional<double> root(const std::optional<double>& v) { return v ? std::optional<double>(std::sqrt(*v)) : v; }

// Root mean squares by node, measured and predicted.
Plot plot_of(const std::vector<ProbedScheme>& schemes, bool gradients) {
  Plot plot{.title = gradients ? "Gradients" : "Values",
            .x_label = "node, input to output",
            .y_label = "root mean square",
            .log_y = true,
            .series = {}};
  for (const ProbedScheme& s : schemes) {
    PlotSeries measured{s.birth.scheme + ", measured", {}, {}, {}, {}},
        predicted{s.birth.scheme + ", predicted", {}, {}, {}, {}};
    measured.group = predicted.group = s.birth.scheme;
    predicted.reference = true;
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
  return v && std::isfinite(*v) ? fmt::format("{:.4g}", *v) : std::string();
}

void add_table(Page& page, const ProbedScheme& s) {
  std::vector<Page::Row> rows;
  for (std::size_t i = 0; i < s.birth.nodes.size(); ++i) {
    const NodeBirth& n = s.birth.nodes[i];
    const NodePrediction& p = s.predictions[i];
    rows.push_back({n.node, cell(std::sqrt(n.square.mean())), cell(root(p.low)), cell(root(p.high)),
                    cell(std::sqrt(n.gradient_square.mean())), cell(root(p.gradient_low)), cell(root(p.gradient_high)),
                    cell(n.zeros.mean()), cell(n.dead.mean()), cell(n.saturated.mean()), cell(n.correlation.mean())});
  }
  page.table({"node", "rms", "predicted", "to", "gradient rms", "predicted", "to", "zeros", "dead channels", "flat",
              "pair correlation"},
             rows);
}

}  // namespace

std::string birth_page(const std::vector<ProbedScheme>& schemes, const std::string& command) {
  const Birth& first = schemes.front().birth;
  Page page(first.model + " at birth", Language::en);
  page.paragraph(
      fmt::format("One batch of {}, the same for {} draws of the weights. Bands are two standard errors of "
                  "the measured mean, or the limits of a prediction.",
                  first.images, first.seeds.size()));
  page.figure(plot_of(schemes, false));
  page.figure(plot_of(schemes, true));
  for (const ProbedScheme& s : schemes) {
    page.heading(2, s.birth.scheme);
    page.paragraph(
        fmt::format("Loss {:.4f}; knowing nothing costs {:.4f}.", s.birth.loss.mean(), std::log(s.birth.classes)));
    add_table(page, s);
  }
  page.command(command);
  return page.html();
}

}  // namespace fanin
