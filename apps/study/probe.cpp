// SPDX-License-Identifier: MIT
#include "apps/study/probe.h"

#include "core/check.h"
#include "core/train/loss.h"
#include "init/fan.h"

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

namespace fanin {

namespace {

struct Moments {
  double mean = 0, std = 0, zeros = 0;
};

// Two passes in double: at birth values may be 1e-20 or 1e+20.
template <class ForEach>
Moments moments_of(double count, ForEach&& for_each) {
  Moments m;
  double zeros = 0.0;
  for_each([&](double v) {
    m.mean += v;
    zeros += v == 0.0;
  });
  m.mean /= count;
  double squares = 0.0;
  for_each([&](double v) { squares += (v - m.mean) * (v - m.mean); });
  m.std = std::sqrt(squares / count);
  m.zeros = zeros / count;
  return m;
}

Moments moments_of(ConstView view) {
  return moments_of(static_cast<double>(view.shape.size()), [&](auto&& visit) {
    for (std::size_t p = 0; p < view.shape.pixels(); ++p)
      for (int c = 0; c < view.shape.channels; ++c) visit(static_cast<double>(view.pixel(p)[c]));
  });
}

Moments moments_of(std::span<const float> values) {
  return moments_of(static_cast<double>(values.size()), [&](auto&& visit) {
    for (const float v : values) visit(static_cast<double>(v));
  });
}

class Recorder : public Observer {
 public:
  explicit Recorder(SignalProfile& profile) {
    for (NodeSignal& node : profile.nodes) rows_[node.node] = &node;
  }
  void value(std::string_view node, ConstView v) override {
    const Moments m = moments_of(v);
    NodeSignal& row = *rows_.at(std::string(node));
    row.value_mean = m.mean;
    row.value_std = m.std;
    row.zeros = m.zeros;
  }
  void gradient(std::string_view node, ConstView v) override {
    rows_.at(std::string(node))->gradient_std = moments_of(v).std;
  }

 private:
  std::map<std::string, NodeSignal*> rows_;
};

double finite_or_huge(double v) { return std::isfinite(v) ? v : 1e300; }  // JSON has no infinity

}  // namespace

SignalProfile probe(Session& session) {
  session.initialize();
  Network& net = session.model.network;
  SignalProfile profile{.model = session.config.model,
                        .scheme = session.config.scheme,
                        .images = 0,
                        .classes = session.dataset.classes(),
                        .loss = 0,
                        .nodes = {},
                        .weights = {}};
  for (const NodeSummary& row : net.summary())
    profile.nodes.push_back({.node = row.name,
                             .layer = row.description,
                             .value_mean = 0,
                             .value_std = 0,
                             .gradient_std = 0,
                             .zeros = 0,
                             .weighted = !row.weights.empty() && row.weights.front()->shape.rank > 1});
  for (const Parameter* p : net.parameters()) {
    if (p->shape.rank < 2) continue;
    const Fan f = fan(p->shape);
    const std::optional<double> variance = session.scheme->variance(*p);
    profile.weights.push_back({.parameter = p->name,
                               .initializer = session.scheme->describe(*p),
                               .fan_in = f.in,
                               .fan_out = f.out,
                               .promised_std = variance ? std::optional<double>(std::sqrt(*variance)) : std::nullopt,
                               .measured_std = moments_of(p->value).std});
  }
  Batch batch;
  session.train->start_epoch(1);
  FANIN_CHECK(session.train->next(batch), usage, "the training set gives no batch of {}; use a smaller --batch",
              session.config.batch);
  Recorder recorder(profile);
  net.observe(&recorder);
  const ConstView logits = net.forward(batch.images, Mode::train);
  Tensor gradient(logits.shape);
  const LossResult loss = softmax_cross_entropy(logits, batch.labels, 0.0f, gradient.view());
  net.backward(gradient.view());
  net.observe(nullptr);
  profile.images = batch.images.shape.images;
  profile.loss = loss.loss_sum / profile.images;
  return profile;
}

std::string to_json(const SignalProfile& p) {
  nlohmann::ordered_json json = {{"model", p.model},
                                 {"scheme", p.scheme},
                                 {"images", p.images},
                                 {"classes", p.classes},
                                 {"loss", finite_or_huge(p.loss)}};
  json["nodes"] = nlohmann::ordered_json::array();
  for (const NodeSignal& n : p.nodes)
    json["nodes"].push_back({{"node", n.node},
                             {"layer", n.layer},
                             {"value_mean", finite_or_huge(n.value_mean)},
                             {"value_std", finite_or_huge(n.value_std)},
                             {"gradient_std", finite_or_huge(n.gradient_std)},
                             {"zeros", n.zeros},
                             {"weighted", n.weighted}});
  json["weights"] = nlohmann::ordered_json::array();
  for (const WeightSignal& w : p.weights) {
    nlohmann::ordered_json row = {{"parameter", w.parameter},
                                  {"initializer", w.initializer},
                                  {"fan_in", w.fan_in},
                                  {"fan_out", w.fan_out},
                                  {"measured_std", w.measured_std}};
    if (w.promised_std) row["promised_std"] = *w.promised_std;
    json["weights"].push_back(std::move(row));
  }
  return json.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

SignalProfile profile_from_json(const std::string& text, const std::string& source) {
  SignalProfile p;
  try {
    const nlohmann::json json = nlohmann::json::parse(text);
    p.model = json.at("model");
    p.scheme = json.at("scheme");
    p.images = json.at("images");
    p.classes = json.at("classes");
    p.loss = json.at("loss");
    for (const nlohmann::json& n : json.at("nodes"))
      p.nodes.push_back({n.at("node"), n.at("layer"), n.at("value_mean"), n.at("value_std"), n.at("gradient_std"),
                         n.at("zeros"), n.at("weighted")});
    for (const nlohmann::json& w : json.at("weights")) {
      WeightSignal row{w.at("parameter"), w.at("initializer"), w.at("fan_in"),
                       w.at("fan_out"),   std::nullopt,        w.at("measured_std")};
      if (w.contains("promised_std")) row.promised_std = w.at("promised_std").get<double>();
      p.weights.push_back(std::move(row));
    }
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::input, "{} is damaged ({}); remove it and compare again", source, error.what());
  }
  return p;
}

}  // namespace fanin
