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
  for (const NodeBirth& n : schemes.front().birth.nodes) plot.x_names.push_back(n.node);
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

// A frame a node, a histogram a scheme; all seeds together.
HistogramStack histograms_of(const std::vector<ProbedScheme>& schemes, bool gradients) {
  HistogramStack stack{.title = gradients ? "Gradients of every node" : "Values of every node",
                       .x_label = gradients ? "dL/dx" : "x",
                       .slider_label = "node",
                       .frames = {}};
  for (std::size_t i = 0; i < schemes.front().birth.nodes.size(); ++i) {
    HistogramFrame frame{schemes.front().birth.nodes[i].node, {}};
    double reach = 0.0;  // of those that are not all zero
    for (const ProbedScheme& s : schemes) {
      const NodeBirth& n = s.birth.nodes[i];
      const Histogram& h = gradients ? n.gradients : n.values;
      if (h.counts.empty()) continue;
      frame.series.push_back({s.birth.scheme, h.low, h.high, h.counts});
      if ((gradients ? n.gradient_square : n.square).mean() > 0.0) reach = std::max(reach, h.high);
    }
    // Nothing but zeros: bins of any width hold them alike, so those of the others are taken.
    for (std::size_t k = 0, series = 0; k < schemes.size() && series < frame.series.size() && reach > 0.0; ++k) {
      const NodeBirth& n = schemes[k].birth.nodes[i];
      if ((gradients ? n.gradients : n.values).counts.empty()) continue;
      HistogramSeries& h = frame.series[series++];
      if ((gradients ? n.gradient_square : n.square).mean() == 0.0) h.low = -reach, h.high = reach;
    }
    if (!frame.series.empty()) stack.frames.push_back(std::move(frame));
  }
  return stack;
}

void add_pictures(Page& page, const ProbedScheme& s) {
  if (!s.pictures.filters.empty())
    page.figure(Pictures{"Filters of the first convolution: " + s.birth.scheme, s.birth.scheme, s.pictures.filters});
  if (s.pictures.maps.size() > 1)
    page.figure(Pictures{"One image on its way: " + s.birth.scheme, s.birth.scheme, s.pictures.maps});
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
  page.paragraph(
      "What is predicted follows the second moment from node to node, over the draw of the weights. Of a "
      "convolution or linear layer whose weights have variance v, and of the ReLU behind it (He et al. 2015, "
      "section 2.2; docs/probe.md has the other nodes):");
  page.formula(
      "\\mathbb{E}\\, y^2 = v \\sum_{k} \\mathbb{E}\\, x_k^2 + \\mathbb{E}\\, b^2, \\qquad "
      "\\mathbb{E} \\max(0, y)^2 = \\frac{1}{2}\\, \\mathbb{E}\\, y^2");
  page.figure(plot_of(schemes, false));
  page.figure(plot_of(schemes, true));
  page.heading(2, "Every node");
  page.paragraph(
      "Histograms of all draws together, from -4 to 4 times the first draw's root mean square; what lies "
      "outside is in the outermost bins.");
  page.figure(histograms_of(schemes, false));
  page.figure(histograms_of(schemes, true));
  page.heading(2, "Pictures");
  page.paragraph(
      "Under the last draw of the weights. Each picture has its own scale, from its lowest value to its "
      "highest.");
  for (const ProbedScheme& s : schemes) add_pictures(page, s);
  page.heading(2, "Numbers");
  for (const ProbedScheme& s : schemes) {
    page.heading(3, s.birth.scheme);
    page.paragraph(
        fmt::format("Loss {:.4f}; knowing nothing costs {:.4f}.", s.birth.loss.mean(), std::log(s.birth.classes)));
    add_table(page, s);
  }
  page.command(command);
  return page.html();
}

}  // namespace fanin
