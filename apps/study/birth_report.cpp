// SPDX-License-Identifier: MIT
#include "apps/study/birth_report.h"

#include "apps/study/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

constexpr Text kTitle{"{} at birth", "{} 初始时"}, kGradients{"Gradients", "梯度"}, kValues{"Values", "值"},
    kNodeAxis{"node, input to output", "节点，从输入到输出"}, kRms{"root mean square", "均方根"},
    kMeasured{"{}, measured", "{}，测量"}, kPredicted{"{}, predicted", "{}，预测"},
    kGradientsOfNodes{"Gradients of every node", "每个节点的梯度"},
    kValuesOfNodes{"Values of every node", "每个节点的值"}, kNode{"node", "节点"},
    kFilters{"Filters of the first convolution: {}", "第一个卷积的滤波器：{}"},
    kWay{"One image on its way: {}", "一幅图像经过网络：{}"},
    kBatch{
        "One batch of {}, the same for {} draws of the weights. Bands are two standard errors of the measured mean, or "
        "the limits of a prediction.",
        "一个含 {} 幅图像的批，对 {} 次权重抽样都相同。区间是测得均值的两倍标准误，或预测的上下限。"},
    kWhat{
        "What is predicted follows the second moment from node to node, over the draw of the weights. Of a convolution "
        "or linear layer whose weights have variance v, and of the ReLU behind it (He et al. 2015, section 2.2; "
        "docs/probe.md has the other nodes):",
        "预测值是二阶矩在权重抽样上逐节点的传播。对权重方差为 v 的卷积层或线性层及其后的 ReLU（He et al. 2015，第 2.2 "
        "节；其他节点见 docs/probe.md）："},
    kEvery{"Every node", "每个节点"},
    kHistograms{
        "Histograms of all draws together, from -4 to 4 times the first draw's root mean square; what lies outside is "
        "in the outermost bins.",
        "所有抽样合在一起的直方图，范围是第一次抽样均方根的 -4 到 4 倍；超出的值计入最外侧的格。"},
    kPictures{"Pictures", "图片"},
    kScale{"Under the last draw of the weights. Each picture has its own scale, from its lowest value to its highest.",
           "使用最后一次抽样的权重。每幅图片有自己的灰度范围，从最低值到最高值。"},
    kNumbers{"Numbers", "数值"},
    kLoss{"Loss {:.4f}; knowing nothing costs {:.4f}.", "损失 {:.4f}；一无所知时为 {:.4f}。"};

// The table's columns.
constexpr Text kColumns[] = {{"node", "节点"},
                             {"rms", "均方根"},
                             {"predicted", "预测"},
                             {"to", "至"},
                             {"gradient rms", "梯度均方根"},
                             {"predicted", "预测"},
                             {"to", "至"},
                             {"zeros", "零值"},
                             {"dead channels", "死通道"},
                             {"flat", "饱和"},
                             {"pair correlation", "图像对相关"}};

std::optional<double> root(const std::optional<double>& v) { return v ? std::optional<double>(std::sqrt(*v)) : v; }

// Root mean squares by node, measured and predicted.
Plot plot_of(const std::vector<ProbedScheme>& schemes, bool gradients, Language language) {
  Plot plot{.title = say(language, gradients ? kGradients : kValues),
            .x_label = say(language, kNodeAxis),
            .y_label = say(language, kRms),
            .log_y = true,
            .series = {}};
  for (const NodeBirth& n : schemes.front().birth.nodes) plot.x_names.push_back(n.node);
  for (const ProbedScheme& s : schemes) {
    PlotSeries measured{say(language, kMeasured, s.birth.scheme), {}, {}, {}, {}},
        predicted{say(language, kPredicted, s.birth.scheme), {}, {}, {}, {}};
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
HistogramStack histograms_of(const std::vector<ProbedScheme>& schemes, bool gradients, Language language) {
  HistogramStack stack{.title = say(language, gradients ? kGradientsOfNodes : kValuesOfNodes),
                       .x_label = gradients ? "dL/dx" : "x",
                       .slider_label = say(language, kNode),
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

void add_pictures(Page& page, const ProbedScheme& s, Language language) {
  if (!s.pictures.filters.empty())
    page.figure(Pictures{say(language, kFilters, s.birth.scheme), s.birth.scheme, s.pictures.filters});
  if (s.pictures.maps.size() > 1)
    page.figure(Pictures{say(language, kWay, s.birth.scheme), s.birth.scheme, s.pictures.maps});
}

std::string cell(const std::optional<double>& v) {
  return v && std::isfinite(*v) ? fmt::format("{:.4g}", *v) : std::string();
}

void add_table(Page& page, const ProbedScheme& s, Language language) {
  std::vector<Page::Row> rows;
  for (std::size_t i = 0; i < s.birth.nodes.size(); ++i) {
    const NodeBirth& n = s.birth.nodes[i];
    const NodePrediction& p = s.predictions[i];
    rows.push_back({n.node, cell(std::sqrt(n.square.mean())), cell(root(p.low)), cell(root(p.high)),
                    cell(std::sqrt(n.gradient_square.mean())), cell(root(p.gradient_low)), cell(root(p.gradient_high)),
                    cell(n.zeros.mean()), cell(n.dead.mean()), cell(n.saturated.mean()), cell(n.correlation.mean())});
  }
  Page::Row head;
  for (const Text& column : kColumns) head.push_back(say(language, column));
  page.table(head, rows);
}

}  // namespace

std::string birth_page(const std::vector<ProbedScheme>& schemes, const std::string& command, Language language) {
  const Birth& first = schemes.front().birth;
  Page page(say(language, kTitle, first.model), language);
  page.paragraph(say(language, kBatch, first.images, first.seeds.size()));
  page.paragraph(say(language, kWhat));
  page.formula(
      "\\mathbb{E}\\, y^2 = v \\sum_{k} \\mathbb{E}\\, x_k^2 + \\mathbb{E}\\, b^2, \\qquad "
      "\\mathbb{E} \\max(0, y)^2 = \\frac{1}{2}\\, \\mathbb{E}\\, y^2");
  page.figure(plot_of(schemes, false, language));
  page.figure(plot_of(schemes, true, language));
  page.heading(2, say(language, kEvery));
  page.paragraph(say(language, kHistograms));
  page.figure(histograms_of(schemes, false, language));
  page.figure(histograms_of(schemes, true, language));
  page.heading(2, say(language, kPictures));
  page.paragraph(say(language, kScale));
  for (const ProbedScheme& s : schemes) add_pictures(page, s, language);
  page.heading(2, say(language, kNumbers));
  for (const ProbedScheme& s : schemes) {
    page.heading(3, s.birth.scheme);
    page.paragraph(say(language, kLoss, s.birth.loss.mean(), std::log(s.birth.classes)));
    add_table(page, s, language);
  }
  page.command(command);
  return page.html();
}

}  // namespace fanin
