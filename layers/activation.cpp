// SPDX-License-Identifier: MIT
#include "layers/activation.h"

#include "core/activation_functions.h"
#include "core/check.h"
#include "core/tensor/parallel.h"
#include "layers/relu.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>

namespace fanin {

namespace {

namespace functions = activation_functions;

// Each functor: value(x); derivative(x or y); from_output says which of the two it takes. Those that take the output
// may work in place.
struct LeakyRelu {
  static constexpr bool from_output = true;  // slope > 0 keeps the sign
  float slope = 0.01f;
  float value(float x) const { return functions::leaky_relu(x, slope); }
  float derivative(float y) const { return y > 0.0f ? 1.0f : slope; }
};
struct Tanh {
  static constexpr bool from_output = true;
  float value(float x) const { return std::tanh(x); }
  float derivative(float y) const { return 1.0f - y * y; }
};
struct Sigmoid {
  static constexpr bool from_output = true;
  float value(float x) const { return functions::sigmoid(x); }
  float derivative(float y) const { return y * (1.0f - y); }
};
struct Softsign {
  static constexpr bool from_output = false;
  float value(float x) const { return functions::softsign(x); }
  float derivative(float x) const {
    const float root = 1.0f / (1.0f + std::fabs(x));
    return root * root;
  }
};
struct Softplus {
  static constexpr bool from_output = false;
  float value(float x) const { return functions::softplus(x); }
  float derivative(float x) const { return functions::sigmoid(x); }
};
struct Elu {
  static constexpr bool from_output = true;
  float value(float x) const { return functions::elu(x); }
  float derivative(float y) const { return y > 0.0f ? 1.0f : y + 1.0f; }
};
struct Selu {
  static constexpr bool from_output = true;
  static constexpr float lambda = static_cast<float>(functions::kSeluLambda);
  static constexpr float alpha = static_cast<float>(functions::kSeluAlpha);
  float value(float x) const { return functions::selu(x); }
  float derivative(float y) const { return y > 0.0f ? lambda : y + lambda * alpha; }
};
struct Gelu {
  static constexpr bool from_output = false;
  static constexpr float root_half = 0.70710678118654752440f, root_half_over_pi = 0.39894228040143267794f;
  float value(float x) const { return functions::gelu(x); }
  float derivative(float x) const {
    return 0.5f * std::erfc(-x * root_half) + x * root_half_over_pi * std::exp(-0.5f * x * x);
  }
};
struct Silu {
  static constexpr bool from_output = false;
  float value(float x) const { return functions::silu(x); }
  float derivative(float x) const {
    const float s = functions::sigmoid(x);
    return s * (1.0f + x * (1.0f - s));
  }
};

double slope_of(const LeakyRelu& f) { return static_cast<double>(f.slope); }
template <class Function>
double slope_of(const Function&) {
  return 0.0;
}

template <class Function>
class Activation : public Layer {
 public:
  Activation(std::string text, Function function) : text_(std::move(text)), function_(function) {}
  std::string describe() const override { return text_; }
  Traits traits() const override {
    return {
        .kind = Traits::Kind::activation, .function = text_.substr(0, text_.find(' ')), .number = slope_of(function_)};
  }
  Shape output_shape(const Shape& x) const override { return x; }
  BackwardNeeds needs() const override { return {.input = !Function::from_output, .output = Function::from_output}; }
  bool forward_in_place() const override { return true; }
  bool backward_in_place() const override { return true; }

  void forward(ConstView x, View y, const Pass&) override {
    for_runs(
        [this](const float* x, float* y, std::ptrdiff_t count) {
#pragma GCC ivdep
          for (std::ptrdiff_t i = 0; i < count; ++i) y[i] = function_.value(x[i]);
        },
        x, y);
  }

  void backward(ConstView x, ConstView y, ConstView dy, View dx, Write write, const Pass&) override {
    if (dx.data == nullptr) return;
    for_runs(
        [this, write](const float* from, const float* dy, float* dx, std::ptrdiff_t count) {
#pragma GCC ivdep
          for (std::ptrdiff_t i = 0; i < count; ++i) {
            const float part = dy[i] * function_.derivative(from[i]);
            dx[i] = write == Write::overwrite ? part : dx[i] + part;
          }
        },
        Function::from_output ? y : x, dy, dx);
  }

 private:
  const std::string text_;
  const Function function_;
};

template <class Function>
Node add_activation(Network& net, const std::string& name, Node x, std::string text, Function function = {}) {
  return net.add(name, std::make_unique<Activation<Function>>(std::move(text), function), x);
}

using Builder = Node (*)(Network&, const std::string&, Node);
struct Row {
  const char* kind;
  Builder build;
};
constexpr Row rows[] = {
    {"identity", [](Network&, const std::string&, Node x) { return x; }},
    {"relu", [](Network& net, const std::string& name, Node x) { return relu(net, name, x); }},
    {"leaky_relu", [](Network& net, const std::string& name, Node x) { return leaky_relu(net, name, x); }},
    {"tanh", [](Network& net, const std::string& name, Node x) { return add_activation<Tanh>(net, name, x, "tanh"); }},
    {"sigmoid",
     [](Network& net, const std::string& name, Node x) { return add_activation<Sigmoid>(net, name, x, "sigmoid"); }},
    {"softsign",
     [](Network& net, const std::string& name, Node x) { return add_activation<Softsign>(net, name, x, "softsign"); }},
    {"softplus",
     [](Network& net, const std::string& name, Node x) { return add_activation<Softplus>(net, name, x, "softplus"); }},
    {"elu", [](Network& net, const std::string& name, Node x) { return add_activation<Elu>(net, name, x, "elu"); }},
    {"selu", [](Network& net, const std::string& name, Node x) { return add_activation<Selu>(net, name, x, "selu"); }},
    {"gelu", [](Network& net, const std::string& name, Node x) { return add_activation<Gelu>(net, name, x, "gelu"); }},
    {"silu", [](Network& net, const std::string& name, Node x) { return add_activation<Silu>(net, name, x, "silu"); }},
};

}  // namespace

Node leaky_relu(Network& net, const std::string& name, Node x, float slope) {
  FANIN_CHECK(slope > 0.0f, shape, "{}: leaky_relu with slope {}; it must be above 0 (use relu for 0)", name, slope);
  return add_activation<LeakyRelu>(net, name, x, fmt::format("leaky_relu {}", slope), {slope});
}

const std::vector<std::string>& activation_kinds() {
  static const std::vector<std::string> kinds = [] {
    std::vector<std::string> result;
    for (const Row& row : rows) result.emplace_back(row.kind);
    return result;
  }();
  return kinds;
}

Node activation(Network& net, const std::string& name, std::string_view kind, Node x) {
  for (const Row& row : rows)
    if (kind == row.kind) return row.build(net, name, x);
  fail(ErrorKind::usage, "{}: unknown activation '{}'; choose from {}", name, kind,
       fmt::join(activation_kinds(), ", "));
}

}  // namespace fanin
