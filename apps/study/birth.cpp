// SPDX-License-Identifier: MIT
#include "apps/study/birth.h"

#include "apps/study/statistics.h"
#include "core/check.h"
#include "core/train/loss.h"
#include "init/fan.h"

#include <cmath>
#include <limits>
#include <map>

namespace fanin {

double OverSeeds::mean() const {
  return values.empty() ? std::numeric_limits<double>::quiet_NaN() : fanin::mean(values);
}

double OverSeeds::std() const {
  if (values.size() < 2) return 0.0;
  const double centre = mean();
  double squares = 0.0;
  for (const double v : values) squares += (v - centre) * (v - centre);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

double OverSeeds::standard_error() const {
  return std() / std::sqrt(static_cast<double>(std::max<std::size_t>(1, values.size())));
}

namespace {

// Of the first seed, so that all seeds share the bins.
void open(Histogram& histogram, double square) {
  if (!histogram.counts.empty()) return;
  const double root = std::sqrt(square), reach = std::isfinite(root) && root > 0.0 ? 4.0 * root : 1.0;
  histogram = {-reach, reach, std::vector<double>(kNodeBins)};
}

class Recorder : public Observer {
 public:
  Recorder(Birth& birth, const std::vector<NodeSummary>& summary) {
    for (std::size_t i = 0; i < summary.size(); ++i) rows_[summary[i].name] = {&birth.nodes[i], &summary[i].traits};
  }

  void value(std::string_view node, ConstView v) override {
    auto& [row, traits] = rows_.find(node)->second;
    if (row->values.counts.empty()) open(row->values, statistics_of(v, *traits).square);
    const ValueStatistics s = statistics_of(v, *traits, &row->values);
    row->mean.values.push_back(s.mean);
    row->std.values.push_back(s.std);
    row->square.values.push_back(s.square);
    row->zeros.values.push_back(s.zeros);
    row->dead.values.push_back(s.dead);
    row->saturated.values.push_back(s.saturated);
    row->correlation.values.push_back(pair_correlation(v));
  }

  void gradient(std::string_view node, ConstView v) override {
    NodeBirth& row = *rows_.find(node)->second.first;
    if (row.gradients.counts.empty()) open(row.gradients, statistics_of(v, {}).square);
    const ValueStatistics s = statistics_of(v, {}, &row.gradients);
    row.gradient_mean.values.push_back(s.mean);
    row.gradient_std.values.push_back(s.std);
    row.gradient_square.values.push_back(s.square);
  }

 private:
  std::map<std::string, std::pair<NodeBirth*, const Traits*>, std::less<>> rows_;
};

double norm_of(std::span<const float> values) {
  double sum = 0.0;
  for (const float v : values) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum);
}

double std_of(std::span<const float> values) {
  const int size = static_cast<int>(values.size());
  return statistics_of({values.data(), {size, 1, 1, 1}, 1}, {}).std;
}

void add_weights(const Network& net, Birth& birth) {
  std::size_t row = 0;
  for (const Parameter* p : net.parameters()) {
    if (p->shape.rank < 2) continue;
    WeightBirth& w = birth.weights[row++];
    w.std.values.push_back(std_of(p->value));
    w.norm.values.push_back(norm_of(p->value));
    w.gradient_norm.values.push_back(norm_of(p->grad));
    w.ratio.values.push_back(w.gradient_norm.values.back() / w.norm.values.back());
  }
}

void add_structures(const Network& net, Birth& birth) {
  std::size_t row = 0;
  for (const Parameter* p : net.parameters()) {
    if (p->shape.rank < 2) continue;
    WeightBirth& w = birth.weights[row++];
    w.weight = structure_of(p->shape, p->value);
    w.gradient = structure_of(p->shape, p->grad);
  }
}

}  // namespace

Birth empty_birth(const Session& session) {
  Birth birth;
  birth.model = session.config.model;
  birth.scheme = session.config.scheme;
  birth.classes = session.dataset.classes();
  for (const NodeSummary& row : session.model.network.summary()) {
    NodeBirth node;
    node.node = row.name;
    node.layer = row.description;
    node.inputs = row.inputs;
    node.weighted = row.traits.kind == Traits::Kind::conv || row.traits.kind == Traits::Kind::linear;
    birth.nodes.push_back(std::move(node));
  }
  for (const Parameter* p : session.model.network.parameters()) {
    if (p->shape.rank < 2) continue;
    WeightBirth w;
    const Fan f = fan(p->shape);
    const std::optional<double> variance = session.scheme->variance(*p);
    w.parameter = p->name;
    w.initializer = session.scheme->describe(*p);
    w.fan_in = f.in;
    w.fan_out = f.out;
    if (variance) w.promised_std = std::sqrt(*variance);
    birth.weights.push_back(std::move(w));
  }
  return birth;
}

KeptBatch first_batch(BatchSource& source) {
  Batch batch;
  source.start_epoch(1);
  FANIN_CHECK(source.next(batch), usage, "the training set gives no batch of {}; use a smaller --batch",
              source.largest_batch());
  KeptBatch kept{Tensor(batch.images.shape), {batch.labels.begin(), batch.labels.end()}};
  copy(batch.images, kept.images.view());
  return kept;
}

KeptBatch first_batch(Session& session) { return first_batch(*session.train); }

void add_pass(Network& net, const KeptBatch& batch, std::uint64_t seed, Birth& birth) {
  const std::vector<NodeSummary> summary = net.summary();
  Recorder recorder(birth, summary);
  net.set_random_state(seed, 0);
  net.observe(&recorder);
  const ConstView logits = net.forward(batch.images.view(), Mode::train);
  Tensor gradient(logits.shape);
  const LossResult loss = softmax_cross_entropy(logits, batch.labels, 0.0f, gradient.view());
  net.backward(std::as_const(gradient).view());
  net.observe(nullptr);
  birth.images = batch.images.shape().images;
  birth.loss.values.push_back(loss.loss_sum / birth.images);
  add_weights(net, birth);
}

Birth birth(Session& session, int seeds, const KeptBatch& batch, const std::function<void()>& each) {
  FANIN_CHECK(seeds >= 1, usage, "{} seeds; give at least 1", seeds);
  Network& net = session.model.network;
  Birth birth = empty_birth(session);
  std::vector<std::vector<float>> buffers;  // running statistics of a network that has seen nothing
  for (const StateBuffer* b : net.buffers()) buffers.push_back(b->value);
  const std::uint64_t first = session.config.seed;
  for (std::uint64_t seed = first; seed < first + static_cast<std::uint64_t>(seeds); ++seed) {
    session.config.seed = seed;
    session.initialize();
    for (std::size_t i = 0; i < buffers.size(); ++i) net.buffers()[i]->value = buffers[i];
    add_pass(net, batch, seed, birth);
    if (seed == first) add_structures(net, birth);
    birth.seeds.push_back(seed);
    if (each) each();
  }
  session.config.seed = first;
  return birth;
}

}  // namespace fanin
