// SPDX-License-Identifier: MIT
#include "apps/study/report_record.h"

#include "apps/study/node_record.h"
#include "apps/study/record.h"
#include "apps/study/report_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

// `most` of the items in equal steps, with the first and the last; all if there are no more.
template <class T>
std::vector<T> spread(const std::vector<T>& items, std::size_t most) {
  if (items.size() <= most) return items;
  std::vector<T> chosen;
  for (std::size_t i = 0; i < most; ++i) chosen.push_back(items[i * (items.size() - 1) / (most - 1)]);
  return chosen;
}

constexpr std::size_t kShown = 4;  // weights, and layers

// A scheme's run of the first seed.
struct Recorded {
  std::string label;
  std::vector<WeightHistogram> weights;
  std::vector<NodeRow> nodes;
  std::vector<NodeHistogram> histograms;
};

std::string label_of(int epoch, Language language) {
  return epoch == 0 ? say(language, kBirth) : fmt::format("{}", epoch);
}

// A frame an epoch: `add` puts the series of one run into it.
template <class Add>
HistogramStack stack_of(const std::string& title, const std::string& x_label, const std::vector<int>& epochs,
                        const std::vector<Recorded>& all, Language language, Add add) {
  HistogramStack stack{.title = title, .x_label = x_label, .slider_label = say(language, kEpoch), .frames = {}};
  for (const int epoch : epochs) {
    HistogramFrame frame{label_of(epoch, language), {}};
    for (const Recorded& r : all) add(r, epoch, frame.series);
    stack.frames.push_back(std::move(frame));
  }
  return stack;
}

void add_weights(RecordFigures& figures, const std::vector<Recorded>& all, Language language) {
  std::vector<std::string> weights;
  std::set<int> epochs;
  for (const Recorded& r : all)
    for (const WeightHistogram& h : r.weights) {
      epochs.insert(h.epoch);
      if (std::find(weights.begin(), weights.end(), h.weight) == weights.end()) weights.push_back(h.weight);
    }
  for (const std::string& weight : spread(weights, kShown))
    figures.weights.push_back(
        stack_of(weight, say(language, kWeight), epochs_shown(epochs), all, language,
                 [&](const Recorded& r, int epoch, std::vector<HistogramSeries>& series) {
                   for (const WeightHistogram& h : r.weights)
                     if (h.epoch == epoch && h.weight == weight)
                       series.push_back({r.label, h.histogram.low, h.histogram.high, h.histogram.counts});
                 }));
}

std::vector<std::string> names_of(const std::vector<Recorded>& all, bool weighted_only) {
  std::vector<std::string> names;
  for (const Recorded& r : all)
    for (const NodeRow& row : r.nodes)
      if ((row.weighted || !weighted_only) && std::find(names.begin(), names.end(), row.node) == names.end())
        names.push_back(row.node);
  return names;
}

// By node: dotted at birth, and after the last epoch that the run has.
Plot plot_of(const std::vector<Recorded>& all, bool gradients, Language language) {
  Plot plot{.title = say(language, gradients ? kGradientsThen : kValuesThen),
            .x_label = say(language, kNodes),
            .y_label = say(language, kRmsOnBatch),
            .log_y = true,
            .series = {},
            .x_names = names_of(all, false),
            .reference_says = say(language, kDottedIsBirth)};
  for (const Recorded& r : all) {
    int last = 0;
    for (const NodeRow& row : r.nodes) last = std::max(last, row.epoch);
    for (const int epoch : std::set<int>{0, last}) {
      PlotSeries s{say(language, epoch == 0 ? kAtBirth : kAtEpoch, r.label, epoch), {}, {}, {}, {}};
      s.group = r.label;
      s.reference = epoch == 0;
      for (const NodeRow& row : r.nodes) {
        const double y = gradients ? row.gradient_rms : row.rms;
        if (row.epoch != epoch || std::isnan(y)) continue;
        s.x.push_back(
            static_cast<double>(std::find(plot.x_names.begin(), plot.x_names.end(), row.node) - plot.x_names.begin()));
        s.y.push_back(y);
      }
      if (!s.x.empty()) plot.series.push_back(std::move(s));
    }
  }
  return plot;
}

void add_nodes(RecordFigures& figures, const std::vector<Recorded>& all, const std::vector<std::string>& layers,
               const std::vector<int>& epochs, Language language) {
  for (const std::string& layer : layers)
    for (const bool gradients : {false, true})
      (gradients ? figures.gradients : figures.values)
          .push_back(stack_of(say(language, gradients ? kGradientsOf : kValuesOf, layer), gradients ? "dL/dx" : "x",
                              epochs, all, language,
                              [&](const Recorded& r, int epoch, std::vector<HistogramSeries>& series) {
                                for (const NodeHistogram& h : r.histograms)
                                  if (h.epoch == epoch && h.node == layer && h.gradient == gradients)
                                    series.push_back({r.label, h.histogram.low, h.histogram.high, h.histogram.counts});
                              }));
}

}  // namespace

std::vector<int> epochs_shown(const std::set<int>& epochs) {
  return spread(std::vector<int>(epochs.begin(), epochs.end()), kMostFrames);
}

RecordFigures record_figures(const Comparison& c, const ModelRanking& ranking, const io::Path& out, Language language) {
  std::vector<Recorded> all;
  std::vector<io::Path> folders;
  for (const RankingRow& row : ranking.rows)
    for (const PlannedRun& run : planned_runs(c, out))
      if (run.config.model == ranking.model && run.config.scheme == row.scheme && run.config.lr == row.rate &&
          run.config.seed == c.seeds.front()) {
        all.push_back({row.label(),
                       read_weight_histograms(run.folder / "weight_histograms.csv"),
                       read_node_record(run.folder / "node_record.csv"),
                       {}});
        folders.push_back(run.folder);
      }
  RecordFigures figures;
  add_weights(figures, all, language);
  const std::vector<std::string> layers = spread(names_of(all, true), kShown);
  if (layers.empty()) return figures;
  std::set<int> recorded;
  for (const Recorded& r : all)
    for (const NodeRow& row : r.nodes) recorded.insert(row.epoch);
  const std::vector<int> epochs = epochs_shown(recorded);
  for (std::size_t i = 0; i < all.size(); ++i)  // of a long run's many, only what is shown
    all[i].histograms = read_node_histograms(folders[i] / "node_histograms.csv", [&](int epoch, std::string_view node) {
      return std::find(epochs.begin(), epochs.end(), epoch) != epochs.end() &&
             std::find(layers.begin(), layers.end(), node) != layers.end();
    });
  for (const bool gradients : {false, true}) figures.nodes.push_back(plot_of(all, gradients, language));
  add_nodes(figures, all, layers, epochs, language);
  return figures;
}

}  // namespace fanin
