// A network: a fixed, ordered list of named nodes, built by ordinary functions and then planned once.
//   Network net({0, 32, 32, 3});
//   Node y = conv(net, "conv0", net.input(), {.out_channels = 16, .kernel = 3});
//   net.prepare(y, 128);
// All shape errors appear while building. After prepare nothing is allocated by forward or backward.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/layer.h"
#include "core/graph/plan.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fanin {

// A value of the graph: a handle to pass to the next builder function.
class Node {
 public:
  Node() = default;
  const Shape& shape() const { return shape_; }  // of one image
  int channels() const { return shape_.channels; }

 private:
  friend class Network;
  Node(int id, Shape shape) : id_(id), shape_(shape) {}
  int id_ = -1;
  Shape shape_;
};

// Sees every node's value right after it is computed, and its gradient right after that is complete.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void value(std::string_view /*node*/, ConstView) {}
  virtual void gradient(std::string_view /*node*/, ConstView) {}
};

// Gets the gradients of parameters as the backward pass completes them, the last layer's first.
class GradientReader {
 public:
  virtual ~GradientReader() = default;
  // `index` of Network::parameters(). Its grad is there until this returns; its value may be changed, nothing else of this
  // pass reads it.
  virtual void complete(std::size_t index) = 0;
};

// One line of `fanin summary`.
struct NodeSummary {
  std::string name, description;
  Traits traits;
  std::vector<std::string> inputs;        // names of the nodes it reads
  Shape output;                           // for one image
  std::int64_t parameters = 0, macs = 0;  // per image
  std::vector<const Parameter*> weights;
};

struct MemoryEstimate {
  std::size_t parameters = 0, gradients = 0, activations = 0, scratch = 0;  // bytes
  std::size_t total() const { return parameters + gradients + activations + scratch; }
};

class Network {
 public:
  explicit Network(Shape image);  // images is ignored: any batch size
  ~Network();
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;

  // --- building; every failure names the full path
  Node input() const;
  Node add(const std::string& name, std::unique_ptr<Layer> layer, Node x);
  Node sum(const std::string& name, Node a, Node b);     // equal shapes
  Node concat(const std::string& name, Node a, Node b);  // equal images, height and width; channels of a come first

  class Scope {  // while it lives, names get its prefix: "group1.block0."
   public:
    explicit Scope(Network& net, const std::string& name);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Network& network_;
    std::size_t restore_;
  };
  Scope scope(const std::string& name) { return Scope(*this, name); }

  // --- between building and running
  Plan plan(Node output, PlanOptions options) const;  // what prepare would decide; its node i is row i of summary()
  MemoryEstimate estimate(Node output, int largest_batch, Mode mode) const;  // what prepare would allocate
  MemoryEstimate estimate(Node output, PlanOptions options) const;
  // Plans and allocates. Weights are NaN afterwards. Mode::evaluate plans for forward only.
  void prepare(Node output, int largest_batch, Mode mode = Mode::train);
  void prepare(Node output, PlanOptions options);  // options.output is set from `output`
  int largest_batch() const;

  // --- running
  ConstView forward(ConstView images, Mode mode);
  // After the forward pass that it belongs to, in either mode, of a network prepared with Mode::train; parameter
  // gradients start at 0. In Mode::evaluate running statistics are constants, and dropout passes everything on. A network
  // that does not keep its gradients must have a reader.
  void backward(ConstView output_gradient, GradientReader* reader = nullptr);
  bool keeps_gradients() const;
  // Fills Pass::seed and Pass::step of the coming passes.
  void set_random_state(std::uint64_t seed, std::uint64_t step);
  // Null to stop; the observer must outlive its use. A prepared network that leaves values out (PlanOptions::fuse) is
  // laid out anew, with all of them in memory, for as long as it is observed: views from before are gone, and what is
  // seen agrees with the passes that nobody watches up to rounding.
  void observe(Observer* observer);

  // --- looking
  std::vector<Parameter*> parameters() const;              // in order of construction
  std::vector<StateBuffer*> buffers() const;               // likewise
  Parameter* find_parameter(std::string_view name) const;  // null if absent
  std::vector<NodeSummary> summary() const;
  const Shape& image() const;
  // All parameters, one arena each, in order; padded by zeros. Gradients that are not kept are not there.
  std::span<float> values() const, gradients() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fanin
