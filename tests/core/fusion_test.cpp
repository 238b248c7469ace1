// Fused and unfused runs of the same network agree in everything a user can see, to the rounding of the statistics.
// SPDX-License-Identifier: MIT
#include "core/graph/fuse.h"

#include "core/rng.h"
#include "core/tensor/parallel.h"
#include "core/train/loss.h"
#include "core/train/optimizer.h"
#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/conv.h"
#include "layers/linear.h"
#include "layers/pool.h"
#include "layers/relu.h"
#include "models/catalog.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace fanin {
namespace {

constexpr Shape kImage{1, 16, 16, 3};
constexpr int kBatch = 5;

struct Case {
  std::string name;
  std::function<Node(Network&)> build;
};

Node head(Network& net, Node x) { return linear(net, "fc", global_average_pool(net, "pool", x), {.out = 10}); }
Node stem(Network& net) { return conv(net, "stem", net.input(), {.out_channels = 8, .kernel = 3}); }
Node bn_relu(Network& net, const std::string& name, Node x) {
  return relu(net, name + "_relu", batch_norm(net, name, x));
}

// Graphs that no model of the catalog has, one for each way out of the planner.
std::vector<Case> odd_graphs() {
  return {
      {"a norm that a ReLU and a convolution read",
       [](Network& net) {
         const Node b = batch_norm(net, "bn", stem(net));
         const Node r = conv(net, "a", relu(net, "relu", b), {.out_channels = 8});
         return head(net, net.sum("sum", conv(net, "b", b, {.out_channels = 8}), r));
       }},
      {"a missing ReLU whose first reader is a sum",
       [](Network& net) {
         const Node r = bn_relu(net, "bn", stem(net));
         const Node s =
             net.sum("sum", r,
                     max_pool(net, "max", batch_norm(net, "other", conv(net, "side", net.input(), {.out_channels = 8})),
                              {1, 1}));
         return head(net, net.sum("sum2", conv(net, "conv", r, {.out_channels = 8, .bias = true}), s));
       }},
      {"a ReLU of a sum of a norm, a missing ReLU and more readers",
       [](Network& net) {
         const Node r = bn_relu(net, "bn0", stem(net));
         const Node n = batch_norm(net, "bn1", conv(net, "conv1", r, {.out_channels = 8, .bias = true}));
         const Node j = relu(net, "join", net.sum("sum", n, r));
         return head(net, net.sum("out", j, conv(net, "conv2", j, {.out_channels = 8})));
       }},
      {"joins that evaluation leaves to a convolution, and some that it cannot",
       [](Network& net) {
         const Node x = stem(net);
         const Node a = conv(net, "a", x, {.out_channels = 8}), b = conv(net, "b", x, {.out_channels = 8});
         const Node norm_b = batch_norm(net, "norm_b", b), norm_a = batch_norm(net, "norm_a", a);
         const Node first = relu(net, "first", net.sum("ab", norm_a, norm_b));  // b comes last, and writes it
         const Node c = batch_norm(net, "norm_c", conv(net, "c", first, {.out_channels = 8}));
         const Node second = relu(net, "second", net.sum("cr", bn_relu(net, "side", a), c));
         const Node d = conv(net, "d", second, {.out_channels = 8});  // which more than its norm reads
         const Node third = relu(net, "third", net.sum("dr", batch_norm(net, "norm_d", d), second));
         const Node e = conv(net, "e", third, {.out_channels = 8, .bias = true});  // has no epilogue
         const Node fourth = relu(net, "fourth", net.sum("er", batch_norm(net, "norm_e", e), d));
         return head(net, fourth);
       }},
      {"concats of the input, of copies and of a missing ReLU's source",
       [](Network& net) {
         const Node x = stem(net);
         const Node a = net.concat("a", net.input(), x), b = net.concat("b", x, a), c = net.concat("c", b, x);
         const Node y = conv(net, "conv", bn_relu(net, "bn", c), {.out_channels = 4});
         return head(net, bn_relu(net, "last", net.concat("d", c, y)));
       }},
      {"average pools that read a missing value",
       [](Network& net) {
         const Node x = average_pool(net, "pool1", bn_relu(net, "bn1", stem(net)), {.kernel = 3, .stride = 2});
         return head(net, average_pool(net, "pool2", batch_norm(net, "bn2", x), {.kernel = 2}));
       }},
      {"a sum with the input, ReLU without norm, norm of a norm",
       [](Network& net) {
         const Node s = net.sum("sum", net.input(), conv(net, "conv0", net.input(), {.out_channels = 3}));
         const Node r = relu(net, "relu", s);
         const Node y = net.sum("sum2", conv(net, "conv1", r, {.out_channels = 3}), s);
         return head(net, bn_relu(net, "bn2", batch_norm(net, "bn1", relu(net, "relu2", y))));
       }},
      {"a norm that reads the input, one that is the output",
       [](Network& net) {
         const Node x = conv(net, "conv", bn_relu(net, "bn", net.input()), {.out_channels = 40, .stride = 2});
         return batch_norm(net, "out", head(net, relu(net, "act", net.sum("twice", x, x))));
       }},
  };
}

std::vector<Case> cases() {
  std::vector<Case> result = odd_graphs();
  for (const char* spec : {"wrn-10-1",
                           "wrn-10-2:norm=none",
                           "wrn-10-1:dropout=0.3",
                           "wrn-16-1:act=elu",
                           "resnext-11-2x4d:widen=1",
                           "resnext-20-2x4d",
                           "resnext-11-2x4d:act=tanh",
                           "resnext-11-2x4d:norm=none",
                           "densenet-13-4",
                           "densenet-bc-16-4",
                           "densenet-bc-16-4:norm=none,act=tanh",
                           "densenet-13-4:norm=none",
                           "plain-6-8",
                           "plain-6-8:norm=bn",
                           "plain-6-8:norm=bn,act=gelu",
                           "plain-6-8:norm=bn,act=identity",
                           "mlp-3-16",
                           "mlp-3-16:norm=bn",
                           "convmixer-2-12",
                           "convmixer-2-12:act=relu"})
    result.push_back({spec, [spec](Network& net) {
                        Model model = build_model(spec, kImage, 10);
                        net = std::move(model.network);
                        return model.logits;
                      }});
  return result;
}

Tensor random_images(int batch) {
  Tensor t(kImage.with_images(batch));
  const Rng rng = Rng::stream(3, "images");
  for (std::size_t i = 0; i < t.shape().size(); ++i) t.view().data[i] = static_cast<float>(rng.normal(i));
  return t;
}

// Weights of He's size; `moved` multiplies each by 1 + moved * (+1 or -1) and adds as much to what may be 0.
void fill(Network& net, double moved) {
  for (Parameter* p : net.parameters()) {
    const Rng rng = Rng::stream(5, p->name), sign = Rng::stream(6, p->name);
    const double fan_in = static_cast<double>(p->shape.taps() * p->shape.in_per_group);
    for (std::size_t i = 0; i < p->value.size(); ++i) {
      const double change = sign.uniform(i) < 0.5 ? -moved : moved;
      double value = 0.1 * rng.normal(i) + (p->role == Role::norm_scale ? 1.0 : 0.0) + change;
      if (p->shape.rank > 1) value = std::sqrt(2.0 / fan_in) * rng.normal(i) * (1.0 + change);
      p->value[i] = static_cast<float>(value);
    }
  }
}

using Row = std::pair<std::string, std::vector<double>>;
using Outcome = std::vector<Row>;

void add_row(Outcome& outcome, const std::string& name, const float* values, std::size_t count) {
  outcome.emplace_back(name, std::vector<double>(values, values + count));
}

// Two training steps, of which the second has a smaller batch, then evaluation: everything a user can see.
Outcome run(const Case& test, bool fuse, double moved = 0.0, bool share = true) {
  Network net(kImage);
  const Node logits = test.build(net);
  PlanOptions options;
  options.images = kBatch;
  options.fuse = fuse;
  options.share = share;
  net.prepare(logits, options);
  fill(net, moved);
  Optimizer optimizer(net, {.kind = "sgd", .no_decay = {}});
  Outcome outcome;
  const std::vector<int> labels{3, 1, 4, 1, 5};
  for (const int batch : {kBatch, kBatch - 2}) {
    const Tensor images = random_images(batch);
    net.set_random_state(1, static_cast<std::uint64_t>(batch));
    const ConstView y = net.forward(images.view(), Mode::train);
    Tensor gradient(y.shape);
    const LossResult loss = softmax_cross_entropy(
        y, std::span<const int>(labels).first(static_cast<std::size_t>(batch)), 0.0f, gradient.view());
    const std::string step = " of a batch of " + std::to_string(batch);
    outcome.emplace_back("loss" + step, std::vector<double>{loss.loss_sum});
    add_row(outcome, "logits" + step, y.data, y.shape.size());
    net.backward(std::as_const(gradient).view());
    for (const Parameter* p : net.parameters())
      add_row(outcome, "gradient of " + p->name + step, p->grad.data(), p->grad.size());
    for (const StateBuffer* b : net.buffers()) add_row(outcome, b->name + step, b->value.data(), b->value.size());
    optimizer.step(0.01);
  }
  const Tensor images = random_images(kBatch - 1);
  const ConstView y = net.forward(images.view(), Mode::evaluate);
  add_row(outcome, "logits in evaluation", y.data, y.shape.size());

  // A network that was planned for evaluation only computes the same bits.
  Network only(kImage);
  options.output = -1;
  options.mode = Mode::evaluate;
  only.prepare(test.build(only), options);
  std::copy(net.values().begin(), net.values().end(), only.values().begin());
  for (std::size_t b = 0; b < net.buffers().size(); ++b) only.buffers()[b]->value = net.buffers()[b]->value;
  const ConstView again = only.forward(images.view(), Mode::evaluate);
  for (std::size_t i = 0; i < y.shape.size(); ++i) EXPECT_EQ(y.data[i], again.data[i]) << test.name;
  return outcome;
}

double norm(const std::vector<double>& v) {
  double sum = 0.0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}
double distance(const std::vector<double>& a, std::vector<double> b) {
  for (std::size_t i = 0; i < b.size(); ++i) b[i] -= a[i];
  return norm(b);
}

// The two runs differ by the order of sums: statistics, sums of gradients, means. A sum of n floats is off by at most
// n * 2^-24 of the sum of magnitudes, and the longest that is summed in float here has 1280 terms (a block of rows; an
// image has 256 pixels): 1280 * 2^-24. An error of a statistic is exactly a change of the norm's scale and shift by as much,
// and an error of a product one of the weights. So the tolerance is measured: how far the unfused run moves when every
// parameter does, by as much in a random direction; plus a few roundings of the numbers compared. A gradient that is 0 by
// definition (what shifts a whole channel in front of a norm) moves with nothing: it is a sum of cancelling terms, one a
// pixel, whose roundings remain: at most 2^-24 of the sum of their magnitudes, which is below sqrt(terms) times their
// norm, which is of the size of the norm of the whole gradient.
constexpr double kMoved = 1280 * 0x1p-24;
const double kCancelling = 0x1p-24 * std::sqrt(static_cast<double>(kImage.with_images(kBatch).pixels()));

double norm_of_gradients(const Outcome& outcome) {
  double sum = 0.0;
  for (const Row& row : outcome)
    if (row.first.starts_with("gradient")) sum += norm(row.second) * norm(row.second);
  return std::sqrt(sum);
}

TEST(Fusion, ChangesNothingButRounding) {
  for (const Case& test : cases()) {
    const Outcome plain = run(test, false), moved = run(test, false, kMoved), fused = run(test, true);
    ASSERT_EQ(plain.size(), fused.size());
    const double cancelling = kCancelling * norm_of_gradients(plain);
    for (std::size_t i = 0; i < plain.size(); ++i) {
      double tolerance = distance(plain[i].second, moved[i].second) + 8 * 0x1p-24 * norm(plain[i].second);
      if (plain[i].first.starts_with("gradient")) tolerance += cancelling;
      EXPECT_LE(distance(plain[i].second, fused[i].second), tolerance)
          << test.name << ": " << plain[i].first << ", of norm " << norm(plain[i].second);
      EXPECT_TRUE(std::isfinite(norm(fused[i].second))) << test.name << ": " << fused[i].first;
    }
  }
}

TEST(Fusion, SameBitsOnAnyNumberOfThreadsAndWithoutSharedMemory) {
  const int before = thread_count();
  for (const Case& test : cases()) {
    set_thread_count(1);
    const Outcome one = run(test, true);
    EXPECT_EQ(one, run(test, true, 0.0, false)) << test.name << " without sharing";
    for (const int threads : {2, 3, 7}) {
      set_thread_count(threads);
      EXPECT_EQ(one, run(test, true)) << test.name << " on " << threads << " threads";
    }
  }
  set_thread_count(before);
}

std::size_t arena(const char* spec, bool fuse, Mode mode = Mode::train) {
  const bool before = fusion();
  set_fusion(fuse);
  const Model model = build_model(spec, {1, 32, 32, 3}, 10);
  const std::size_t bytes = model.network.estimate(model.logits, 8, mode).activations;
  set_fusion(before);
  return bytes;
}

TEST(Fusion, NeedsLessMemory) {
  for (const char* spec : {"wrn-16-1", "resnext-29-2x4d", "densenet-40-12", "densenet-bc-40-12", "plain-20-16:norm=bn"})
    EXPECT_LT(arena(spec, true), arena(spec, false)) << spec;
  // Every normalized input of a dense block is as wide as all layers before it: kept, they need memory in proportion
  // to the square of the depth. Left out, there is the block itself, one value and one gradient, and one gradient of
  // a normalized input at a time: twice as many layers need about twice the memory.
  EXPECT_LT(static_cast<double>(arena("densenet-76-12", true)),
            2.1 * static_cast<double>(arena("densenet-40-12", true)));
  EXPECT_GT(static_cast<double>(arena("densenet-76-12", false)),
            2.8 * static_cast<double>(arena("densenet-40-12", false)));
}

TEST(Fusion, IsTheDefaultAndCanBeSwitchedOff) {
  const bool before = fusion();
  for (const bool on : {true, false}) {
    set_fusion(on);
    EXPECT_EQ(PlanOptions{}.fuse, on);
  }
  set_fusion(before);
}

// Whoever observes sees all values, also of a network that was prepared without them, and leaves no trace.
TEST(Fusion, AnObserverSeesWhatIsLeftOut) {
  struct Names : Observer {
    void value(std::string_view node, ConstView) override { seen.emplace_back(node); }
    std::vector<std::string> seen;
  } names;
  Model model = build_model("wrn-10-1", kImage, 10);
  Network& net = model.network;
  PlanOptions options;
  options.images = kBatch;
  options.fuse = true;
  net.prepare(model.logits, options);
  fill(net, 0.0);
  const Tensor images = random_images(kBatch);
  const auto logits = [&] {
    const ConstView y = net.forward(images.view(), Mode::train);
    return std::vector<float>(y.data, y.data + y.shape.size());
  };
  const std::vector<float> expected = logits();
  net.observe(&names);
  logits();
  net.observe(nullptr);
  EXPECT_EQ(names.seen.size(), net.summary().size());
  EXPECT_EQ(logits(), expected);
}

// What the planner decides for the block of a residual network: relu(bn(conv)) is read, conv + shortcut is one pass.
TEST(Fusion, DecidesOnTheGraph) {
  const Offers convolution{.transformed_input = true, .forward_epilogue = true};
  std::vector<PlanNode> nodes(6);
  nodes[0] = {.kind = NodeKind::input, .inputs = {}, .shape = kImage, .needs = {}, .offers = {}};
  const auto layer = [&](std::size_t id, int x, Offers offers) {
    nodes[id] = {.kind = NodeKind::layer, .inputs = {x}, .shape = kImage, .needs = {.input = true}, .offers = offers};
  };
  layer(1, 0, convolution);
  layer(2, 1, {.lazy = Lazy::norm});
  layer(3, 2, {.lazy = Lazy::relu, .transformed_input = true});
  layer(4, 3, convolution);
  nodes[5] = {.kind = NodeKind::sum, .inputs = {4, 1}, .shape = kImage, .needs = {}, .offers = {}};
  PlanOptions options;
  options.output = 5;
  options.fuse = true;
  const Fusion f = fuse(nodes, options);
  EXPECT_FALSE(f.at(2).stored());
  EXPECT_FALSE(f.at(3).stored());
  EXPECT_EQ(f.at(3).value.source, 1);
  EXPECT_EQ(f.at(3).value.norm, 2);
  EXPECT_TRUE(f.at(3).value.relu);
  EXPECT_EQ(f.at(4).writes, 5);
  EXPECT_EQ(f.at(4).finishes, 3);
  EXPECT_EQ(f.at(2).sums_by, 4);
  EXPECT_EQ(f.moment_channels, 3);
  options.fuse = false;
  for (int id = 0; id < 6; ++id) EXPECT_TRUE(fuse(nodes, options).at(id).stored());
}

// relu(norm(conv) + norm(conv)): in evaluation the last of the convolutions writes it, in training nothing can.
TEST(Fusion, JoinsInAConvolutionWithoutStatistics) {
  const Offers convolution{.transformed_input = true, .forward_epilogue = true};
  const auto writes = [&](Mode mode, bool norm_read_twice) {
    std::vector<PlanNode> nodes{{.kind = NodeKind::input, .inputs = {}, .shape = kImage, .needs = {}, .offers = {}}};
    const auto add = [&](NodeKind kind, std::vector<int> inputs, Offers offers) {
      nodes.push_back({.kind = kind, .inputs = std::move(inputs), .shape = kImage, .needs = {}, .offers = offers});
    };
    add(NodeKind::layer, {0}, convolution);
    add(NodeKind::layer, {0}, convolution);
    add(NodeKind::layer, {2}, {.lazy = Lazy::norm});
    add(NodeKind::layer, {1}, {.lazy = Lazy::norm});
    add(NodeKind::sum, {4, 3}, {});
    add(NodeKind::layer, {5}, {.lazy = Lazy::relu, .transformed_input = true});
    add(NodeKind::layer, {6}, convolution);
    if (norm_read_twice) add(NodeKind::layer, {3}, convolution);
    PlanOptions options;
    options.output = 7;
    options.mode = mode;
    options.fuse = true;
    const Fusion f = fuse(nodes, options);
    return std::pair{f.at(2).writes, f.at(6).writes};
  };
  EXPECT_EQ(writes(Mode::evaluate, false), std::pair(6, -1));
  EXPECT_EQ(writes(Mode::evaluate, true), std::pair(2, 6));
  EXPECT_EQ(writes(Mode::train, false), std::pair(2, 6));
}

// relu(norm + norm), read by a convolution that joins what it loads: it does, unless somebody needs the value before.
TEST(Fusion, JoinsAtTheLoadOfTheFirstReader) {
  const Offers convolution{.transformed_input = true, .forward_epilogue = true, .joins_input = true};
  enum class First { convolution, other_layer, adding_convolution, norm, output };
  const auto joined_by = [&](First first) {
    std::vector<PlanNode> nodes{{.kind = NodeKind::input, .inputs = {}, .shape = kImage, .needs = {}, .offers = {}}};
    const auto add = [&](NodeKind kind, std::vector<int> inputs, Offers offers) {
      nodes.push_back(
          {.kind = kind, .inputs = std::move(inputs), .shape = kImage, .needs = {.input = true}, .offers = offers});
      return static_cast<int>(nodes.size()) - 1;
    };
    const int a = add(NodeKind::layer, {0}, {.transformed_input = true});
    const int b = add(NodeKind::layer, {0}, {.transformed_input = true});
    const int norm_a = add(NodeKind::layer, {a}, {.lazy = Lazy::norm});
    const int norm_b = add(NodeKind::layer, {b}, {.lazy = Lazy::norm});
    const int s = add(NodeKind::sum, {norm_a, norm_b}, {});
    const int r = add(NodeKind::layer, {s}, {.lazy = Lazy::relu, .transformed_input = true});
    int adds = -1;
    if (first == First::other_layer) add(NodeKind::layer, {r}, {});
    if (first == First::adding_convolution) adds = add(NodeKind::layer, {a}, convolution);
    int last = r;
    if (first != First::output) last = add(NodeKind::layer, {r}, convolution);
    if (first == First::norm) {
      const int norm = add(NodeKind::layer, {r}, {.lazy = Lazy::norm});
      last = add(NodeKind::layer, {norm}, convolution);
    }
    if (adds >= 0) {
      const int sum = add(NodeKind::sum, {r, adds}, {});
      last = add(NodeKind::sum, {sum, last}, {});
    }
    PlanOptions options;
    options.output = last;
    options.fuse = true;
    const Fusion f = fuse(nodes, options);
    EXPECT_EQ(f.at(r).joins, s);
    EXPECT_EQ(f.at(r).writes, f.at(r).joined_by >= 0 ? -1 : r);
    EXPECT_TRUE(adds < 0 || f.at(adds).writes != adds) << "or the case is none";
    return f.at(r).joined_by < 0 ? -1 : f.at(r).joined_by - r;
  };
  EXPECT_EQ(joined_by(First::convolution), 1);
  EXPECT_EQ(joined_by(First::other_layer), -1);
  EXPECT_EQ(joined_by(First::norm), -1) << "its statistics";
  EXPECT_EQ(joined_by(First::adding_convolution), -1);
  EXPECT_EQ(joined_by(First::output), -1);
}

// Convolution, BatchNorm, ReLU, convolution: the second passes the gradient of BatchNorm on, the first puts it right, at
// the load if it can and there is a gradient of its input to compute.
TEST(Fusion, CorrectsWhatIsPassedOn) {
  Offers convolution{.transformed_input = true, .forward_epilogue = true, .scaled_gradient = true};
  const auto corrected = [&](bool loads, bool first_layer) {
    convolution.loads_gradient = loads;
    std::vector<PlanNode> nodes{{.kind = NodeKind::input, .inputs = {}, .shape = kImage, .needs = {}, .offers = {}}};
    const auto layer = [&](Offers offers) {
      nodes.push_back({.kind = NodeKind::layer,
                       .inputs = {static_cast<int>(nodes.size()) - 1},
                       .shape = kImage,
                       .needs = {.input = true},
                       .offers = offers});
    };
    if (!first_layer) layer(convolution);
    layer(convolution);
    layer({.lazy = Lazy::norm});
    layer({.lazy = Lazy::relu, .transformed_input = true});
    layer(convolution);
    PlanOptions options;
    options.output = static_cast<int>(nodes.size()) - 1;
    options.fuse = true;
    return fuse(nodes, options).at(options.output - 3).corrected;
  };
  EXPECT_EQ(corrected(true, false), Corrected::at_load);
  EXPECT_EQ(corrected(false, false), Corrected::first);
  EXPECT_EQ(corrected(true, true), Corrected::first);
}

}  // namespace
}  // namespace fanin
