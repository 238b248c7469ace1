// SPDX-License-Identifier: MIT
#include "apps/study/birth_export.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace fanin {

namespace {

using Json = nlohmann::ordered_json;

Json number(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }
Json number(const std::optional<double>& v) { return v ? number(*v) : Json(nullptr); }

Json over_seeds(const OverSeeds& o) {
  Json values = Json::array();
  for (const double v : o.values) values.push_back(number(v));
  return {{"mean", number(o.mean())}, {"std", number(o.std())}, {"values", std::move(values)}};
}

Json histogram(const Histogram& h) { return {{"low", number(h.low)}, {"high", number(h.high)}, {"counts", h.counts}}; }

Json node(const NodeBirth& n, const NodePrediction& p) {
  return {{"node", n.node},
          {"layer", n.layer},
          {"inputs", n.inputs},
          {"weighted", n.weighted},
          {"value_mean", over_seeds(n.mean)},
          {"value_std", over_seeds(n.std)},
          {"value_square", over_seeds(n.square)},
          {"predicted_value_square", {number(p.low), number(p.high)}},
          {"not_predicted_because", p.reason},
          {"gradient_mean", over_seeds(n.gradient_mean)},
          {"gradient_std", over_seeds(n.gradient_std)},
          {"gradient_square", over_seeds(n.gradient_square)},
          {"predicted_gradient_square", {number(p.gradient_low), number(p.gradient_high)}},
          {"zeros", over_seeds(n.zeros)},
          {"dead_channels", over_seeds(n.dead)},
          {"saturated", over_seeds(n.saturated)},
          {"pair_correlation", over_seeds(n.correlation)},
          {"value_histogram", histogram(n.values)},
          {"gradient_histogram", histogram(n.gradients)}};
}

Json structure(const MatrixStructure& s) {
  return {{"rank", s.rank ? Json(*s.rank) : Json(nullptr)}, {"full_rank", s.full_rank}, {"twins", s.twins}};
}

Json jacobian(const std::optional<JacobianSpectrum>& j) {
  if (!j) return nullptr;
  Json values = Json::array();
  for (const double v : j->singular_values) values.push_back(number(v));
  return {{"singular_values", std::move(values)}, {"mean_square", number(j->mean_square)}, {"none_because", j->reason}};
}

Json curvature(const std::optional<Curvature>& c) {
  if (!c) return nullptr;
  return {{"largest_eigenvalue", number(c->largest)},
          {"residual", number(c->residual)},
          {"products", c->products},
          {"stable_learning_rate", number(c->stable_rate())}};
}

Json weight(const WeightBirth& w) {
  return {{"parameter", w.parameter},
          {"initializer", w.initializer},
          {"fan_in", w.fan_in},
          {"fan_out", w.fan_out},
          {"promised_std", number(w.promised_std)},
          {"measured_std", over_seeds(w.std)},
          {"norm", over_seeds(w.norm)},
          {"gradient_norm", over_seeds(w.gradient_norm)},
          {"gradient_to_weight", over_seeds(w.ratio)},
          {"structure", structure(w.weight)},
          {"gradient_structure", structure(w.gradient)}};
}

Json phase(const std::optional<Phase>& p) {
  if (!p) return nullptr;
  return {{"activation", p->activation},
          {"weight_variance", {{"lowest", p->lowest}, {"highest", p->highest}, {"used", p->weight_variance}}},
          {"bias_variance", p->bias_variance},
          {"fixed_length", number(p->length)},
          {"chi1", number(p->chi1)},
          {"depth_scale", number(p->depth)},
          {"critical_weight_variance", number(p->critical)}};
}

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + "\"";
}

std::string cell(const std::optional<double>& v) { return v && std::isfinite(*v) ? fmt::format("{}", *v) : ""; }

}  // namespace

std::string to_json(const std::vector<ProbedScheme>& schemes) {
  Json all = Json::array();
  for (const ProbedScheme& s : schemes) {
    const Birth& b = s.birth;
    Json one = {{"model", b.model},
                {"scheme", b.scheme},
                {"seeds", b.seeds},
                {"images", b.images},
                {"classes", b.classes},
                {"loss", over_seeds(b.loss)},
                {"phase", phase(s.phase)},
                {"jacobian", jacobian(s.jacobian)},
                {"curvature", curvature(s.curvature)}};
    one["nodes"] = one["weights"] = Json::array();
    for (std::size_t i = 0; i < b.nodes.size(); ++i) one["nodes"].push_back(node(b.nodes[i], s.predictions[i]));
    for (const WeightBirth& w : b.weights) one["weights"].push_back(weight(w));
    all.push_back(std::move(one));
  }
  return all.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string to_csv(const std::vector<ProbedScheme>& schemes) {
  std::string text =
      "node,value_mean,value_std,gradient_std,zeros,dead_channels,saturated,pair_correlation,value_square,"
      "value_square_error,predicted_value_square_low,predicted_value_square_high,gradient_square,"
      "gradient_square_error,predicted_gradient_square_low,predicted_gradient_square_high,scheme\n";
  for (const ProbedScheme& s : schemes)
    for (std::size_t i = 0; i < s.birth.nodes.size(); ++i) {
      const NodeBirth& n = s.birth.nodes[i];
      const NodePrediction& p = s.predictions[i];
      text += n.node;
      for (const OverSeeds* o :
           {&n.mean, &n.std, &n.gradient_std, &n.zeros, &n.dead, &n.saturated, &n.correlation, &n.square})
        text += "," + cell(o->mean());
      text += "," + cell(n.square.standard_error()) + "," + cell(p.low) + "," + cell(p.high) + "," +
              cell(n.gradient_square.mean()) + "," + cell(n.gradient_square.standard_error()) + "," +
              cell(p.gradient_low) + "," + cell(p.gradient_high) + "," + quoted(s.birth.scheme) + "\n";
    }
  return text;
}

}  // namespace fanin
