// SPDX-License-Identifier: MIT
#include "core/train/optimizer.h"

#include "core/check.h"
#include "core/tensor/parallel.h"
#include "core/text.h"

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

const std::vector<std::string> kinds = {"sgd", "adam", "adamw"};
const std::vector<std::string> groups = {"weight", "bias", "norm", "scalar"};
constexpr std::size_t kBlock = 16384;  // elements; the unit of parallel work

const char* group_of(Role role) {
  switch (role) {
    case Role::conv_bias:
    case Role::linear_bias: return "bias";
    case Role::norm_scale:
    case Role::norm_shift: return "norm";
    case Role::scalar_multiplier:
    case Role::scalar_bias: return "scalar";
    default: return "weight";
  }
}

// "scalar=0.1" in its parts.
std::pair<std::string, double> parse_group(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string group(trim(std::string_view(text).substr(0, equals)));
  const std::optional<double> factor =
      equals == std::string::npos ? std::nullopt : parse_number(trim(std::string_view(text).substr(equals + 1)));
  FANIN_CHECK(factor && *factor >= 0.0, usage, "lr_groups: '{}' must be group=factor, such as scalar=0.1", text);
  FANIN_CHECK(std::find(groups.begin(), groups.end(), group) != groups.end(), usage, "lr_groups: unknown group '{}'{}",
              group, did_you_mean(group, groups));
  return {group, *factor};
}

}  // namespace

void check(const OptimizerOptions& o) {
  FANIN_CHECK(std::find(kinds.begin(), kinds.end(), o.kind) != kinds.end(), usage, "unknown optimizer '{}'{}", o.kind,
              did_you_mean(o.kind, kinds));
  FANIN_CHECK(o.momentum >= 0.0 && o.momentum < 1.0, usage, "momentum {}; it must be at least 0 and below 1",
              o.momentum);
  FANIN_CHECK(o.dampening >= 0.0 && o.dampening <= 1.0, usage, "dampening {}; give 0 to 1", o.dampening);
  FANIN_CHECK(
      o.kind != "sgd" || !o.nesterov || (o.momentum > 0.0 && o.dampening == 0.0), usage,
      "Nesterov momentum needs momentum above 0 (is {}) and dampening 0 (is {}); change them or set nesterov to false",
      o.momentum, o.dampening);
  FANIN_CHECK(o.weight_decay >= 0.0 && std::isfinite(o.weight_decay), usage, "weight decay {}; it must be at least 0",
              o.weight_decay);
  FANIN_CHECK(o.beta1 >= 0.0 && o.beta1 < 1.0 && o.beta2 >= 0.0 && o.beta2 < 1.0, usage,
              "betas {} and {}; both must be at least 0 and below 1", o.beta1, o.beta2);
  FANIN_CHECK(o.epsilon > 0.0, usage, "epsilon {}; it must be above 0", o.epsilon);
  FANIN_CHECK(o.clip_norm >= 0.0 && std::isfinite(o.clip_norm), usage, "clip_norm {}; it must be at least 0",
              o.clip_norm);
  for (const std::string& group : o.lr_groups) parse_group(group);
  for (const std::string& group : o.no_decay)
    FANIN_CHECK(std::find(groups.begin(), groups.end(), group) != groups.end(), usage, "no_decay: unknown group '{}'{}",
                group, did_you_mean(group, groups));
}

Optimizer::Optimizer(Network& net, OptimizerOptions options)
    : net_(net), options_(std::move(options)), parameters_(net.parameters()) {
  check(options_);
  FANIN_CHECK(options_.clip_norm <= 0.0 || net.keeps_gradients(), usage,
              "clip_norm {} needs all gradients at once; prepare the network with PlanOptions::keep_gradients",
              options_.clip_norm);
  for (const Parameter* p : parameters_) {
    const std::vector<std::string>& without = options_.no_decay;
    const bool decays = std::find(without.begin(), without.end(), group_of(p->role)) == without.end();
    double rate = 1.0;
    for (const std::string& group : options_.lr_groups)
      if (const auto [name, factor] = parse_group(group); name == group_of(p->role)) rate = factor;
    groups_.push_back({decays ? static_cast<float>(options_.weight_decay) : 0.0f, rate});
  }
  first_ = Buffer(net.values().size());
  if (options_.kind != "sgd") second_ = Buffer(net.values().size());
  if (options_.clip_norm > 0.0) block_squares_.resize((net.gradients().size() + kBlock - 1) / kBlock);
}

void Optimizer::reset() {
  for (const State& part : state()) std::fill(part.value.begin(), part.value.end(), 0.0f);
  steps_ = 0;
}

// Block sums in double, added in block order: the same on any number of threads.
float Optimizer::clip_factor() {
  if (options_.clip_norm <= 0.0) return 1.0f;
  const std::span<const float> g = net_.gradients();
  parallel_for(static_cast<int>(block_squares_.size()), [&](int block) {
    const std::size_t begin = static_cast<std::size_t>(block) * kBlock, end = std::min(begin + kBlock, g.size());
    double sum = 0.0;
    for (std::size_t i = begin; i < end; ++i) sum += static_cast<double>(g[i]) * static_cast<double>(g[i]);
    block_squares_[static_cast<std::size_t>(block)] = sum;
  });
  double squares = 0.0;
  for (const double sum : block_squares_) squares += sum;
  return static_cast<float>(std::min(1.0, options_.clip_norm / (std::sqrt(squares) + 1e-6)));
}

std::vector<Optimizer::State> Optimizer::state() {
  if (options_.kind == "sgd") return {{"momentum", first_.span()}};
  return {{"first", first_.span()}, {"second", second_.span()}};
}

void Optimizer::backward_and_step(ConstView output_gradient, double learning_rate) {
  if (net_.keeps_gradients()) {
    net_.backward(output_gradient);
    return step(learning_rate);
  }
  struct Stepping : GradientReader {
    Stepping(Optimizer& o, double rate) : optimizer(o), learning_rate(rate) {}
    void complete(std::size_t index) override { optimizer.update(index, learning_rate, 1.0f); }
    Optimizer& optimizer;
    const double learning_rate;
  };
  ++steps_;
  Stepping stepping(*this, learning_rate);
  net_.backward(output_gradient, &stepping);
}

void Optimizer::step(double learning_rate) {
  FANIN_CHECK(net_.keeps_gradients(), usage, "step: the network does not keep its gradients; use backward_and_step");
  ++steps_;
  const float clip = clip_factor();
  for (std::size_t index = 0; index < parameters_.size(); ++index) update(index, learning_rate, clip);
}

// Element-wise, so cutting it into blocks cannot change a bit.
void Optimizer::update(std::size_t index, double learning_rate, float clip) {
  const Parameter& p = *parameters_[index];
  const std::size_t size = p.value.size(), at = static_cast<std::size_t>(p.value.data() - net_.values().data());
  const float rate = static_cast<float>(learning_rate * groups_[index].rate);
  const int blocks = static_cast<int>((size + kBlock - 1) / kBlock);
  const auto update_block = [&](int block) {
    const std::size_t begin = static_cast<std::size_t>(block) * kBlock;
    const Part part{.count = std::min(kBlock, size - begin),
                    .w = p.value.data() + begin,
                    .first = first_.data() + at + begin,
                    .second = second_.size() > 0 ? second_.data() + at + begin : nullptr,
                    .g = p.grad.data() + begin,
                    .decay = groups_[index].decay,
                    .rate = rate,
                    .clip = clip};
    options_.kind == "sgd" ? sgd(part) : adam(part);
  };
  if (blocks == 1)
    update_block(0);  // most parameters are smaller than a fork and join is worth
  else
    parallel_for(blocks, update_block);
}

void Optimizer::sgd(const Part& part) const {
  const auto [count, w, m, second, g, decay, rate, clip] = part;  // copies, which no store can change
  const float momentum = static_cast<float>(options_.momentum);
  // The first step sets the buffer to the gradient: it is zero before, so only the dampening has to be left out.
  const float fresh = steps_ == 1 ? 1.0f : static_cast<float>(1.0 - options_.dampening);
  const bool nesterov = options_.nesterov;
  for (std::size_t i = 0; i < count; ++i) {
    const float gradient = clip * g[i] + decay * w[i];
    m[i] = momentum * m[i] + fresh * gradient;
    w[i] -= rate * (nesterov ? gradient + momentum * m[i] : m[i]);
  }
}

void Optimizer::adam(const Part& part) const {
  const auto [count, w, first, second, g, decay, rate, clip] = part;
  const bool decoupled = options_.kind == "adamw";
  const float b1 = static_cast<float>(options_.beta1), b2 = static_cast<float>(options_.beta2);
  const double steps = static_cast<double>(steps_);
  const float step_size = static_cast<float>(static_cast<double>(rate) / (1.0 - std::pow(options_.beta1, steps)));
  const float root_correction = static_cast<float>(std::sqrt(1.0 - std::pow(options_.beta2, steps)));
  const float epsilon = static_cast<float>(options_.epsilon);
  for (std::size_t i = 0; i < count; ++i) {
    if (decoupled) w[i] -= rate * decay * w[i];
    const float gradient = clip * g[i] + (decoupled ? 0.0f : decay * w[i]);
    first[i] = b1 * first[i] + (1.0f - b1) * gradient;
    second[i] = b2 * second[i] + (1.0f - b2) * gradient * gradient;
    w[i] -= step_size * first[i] / (std::sqrt(second[i]) / root_correction + epsilon);
  }
}

}  // namespace fanin
