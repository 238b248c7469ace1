// Checks one layer, forward and backward, against its reference twin by complex step: y, dx and every parameter
// gradient.
// Two surroundings: alone; and as part of a dense block, where it reads and writes channel slices of a wider matrix and
// adds to a gradient.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"
#include "core/kernels/reference.h"
#include "core/rng.h"
#include "layers/scalar.h"

#include <gtest/gtest.h>

#include <functional>

namespace fanin::test {

using Complex = std::complex<double>;
using Values = std::vector<Complex>;

struct LayerCase {
  std::string name;
  Shape x;                                    // with images
  std::function<Node(Network&, Node)> build;  // the layer under test, named "layer"
  std::function<Values(const Values& x, const std::vector<Values>& parameters)> reference;
  // Tolerance of an element, in units of 2^-24, given the largest magnitude and number of the terms that it is a sum
  // of. The magnitude is the same derivative with every input, parameter and dy replaced by its absolute value, which
  // is exact for layers that multiply and add.
  double terms = 1.0;
  // For layers that are not sums of products: an absolute tolerance in units of 2^-24 instead.
  double absolute = 0.0;
  bool in_slice = true;  // false where the output cannot be joined to the input (another size)
  Mode mode = Mode::train;
  std::function<float(std::size_t)> state = {};  // element of every state buffer, if the reference depends on them
};

namespace detail {

inline Values random_values(std::size_t size, const std::string& stream, double mean = 0.0) {
  const Rng rng = Rng::stream(1, stream);
  Values v(size);
  for (std::size_t i = 0; i < size; ++i) v[i] = static_cast<double>(static_cast<float>(rng.normal(i) + mean));
  return v;
}

inline Values absolute(Values v) {
  for (Complex& z : v) z = std::abs(z.real());
  return v;
}

inline void put(const Values& from, View to) {
  std::size_t i = 0;
  for (std::size_t p = 0; p < to.shape.pixels(); ++p)
    for (int c = 0; c < to.shape.channels; ++c) to.pixel(p)[c] = static_cast<float>(from[i++].real());
}

inline std::vector<double> get(ConstView v) {
  std::vector<double> result;
  for (std::size_t p = 0; p < v.shape.pixels(); ++p)
    for (int c = 0; c < v.shape.channels; ++c) result.push_back(static_cast<double>(v.pixel(p)[c]));
  return result;
}

class Capture : public Observer {
 public:
  void value(std::string_view node, ConstView v) override {
    if (node == "layer") y = get(v);
  }
  void gradient(std::string_view node, ConstView v) override {
    if (node == "front") dx = get(v);
  }
  std::vector<double> y, dx;
};

// d(sum dy * f)/d(input i), for all i of one of the vectors.
inline std::vector<double> complex_step(const LayerCase& test, Values x, std::vector<Values> parameters,
                                        const Values& dy, int which) {
  constexpr double h = 1e-30;
  Values& moved = which < 0 ? x : parameters[static_cast<std::size_t>(which)];
  std::vector<double> result;
  for (Complex& element : moved) {
    element += Complex(0.0, h);
    const Values y = test.reference(x, parameters);
    double sum = 0.0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i].imag() * dy[i].real();
    result.push_back(sum / h);
    element = element.real();
  }
  return result;
}

}  // namespace detail

inline void check_layer(const LayerCase& test, bool in_slice) {
  SCOPED_TRACE(test.name + (in_slice ? " in a dense block" : ""));
  Network net(test.x);
  const Node front = scalar_bias(net, "front", net.input());
  Node whole, layer, output;
  if (in_slice) {  // [front | side] is one matrix; the layer reads front's slice of it and writes a slice of the next
    const Node side = scalar_bias(net, "side", net.input());
    whole = net.concat("whole", front, side);
    layer = test.build(net, front);
    output = net.concat("output", whole, layer);
  } else {
    output = layer = test.build(net, front);
  }
  net.prepare(output, test.x.images);

  std::vector<Values> parameters;
  std::vector<Parameter*> under_test;
  for (Parameter* p : net.parameters()) {
    std::fill(p->value.begin(), p->value.end(), 0.0f);
    if (!p->name.starts_with("layer.")) continue;
    under_test.push_back(p);
    parameters.push_back(
        detail::random_values(p->value.size(), test.name + p->name, p->role == Role::norm_scale ? 1.0 : 0.0));
    detail::put(
        parameters.back(),
        {p->value.data(), {1, 1, 1, static_cast<int>(p->value.size())}, static_cast<std::ptrdiff_t>(p->value.size())});
  }
  const Values x = detail::random_values(test.x.size(), test.name + "x");
  Tensor images(test.x);
  detail::put(x, images.view());
  const Shape y_shape = layer.shape().with_images(test.x.images);
  const Values dy = detail::random_values(y_shape.size(), test.name + "dy");
  Tensor gradient(output.shape().with_images(test.x.images));  // zero for the channels that only pass through
  detail::put(dy, gradient.view().channels(output.channels() - layer.channels(), layer.channels()));

  detail::Capture capture;
  net.observe(&capture);
  net.set_random_state(1, 1);
  if (test.state)
    for (StateBuffer* b : net.buffers())
      for (std::size_t i = 0; i < b->value.size(); ++i) b->value[i] = test.state(i);
  net.forward(std::as_const(images).view(), test.mode);
  net.backward(std::as_const(gradient).view());

  const double unit = 0x1p-24;
  const Values x_abs = detail::absolute(x), dy_abs = detail::absolute(dy);
  std::vector<Values> parameters_abs;
  for (const Values& p : parameters) parameters_abs.push_back(detail::absolute(p));
  const auto tolerance = [&](double magnitude) {
    return unit * (test.absolute > 0.0 ? test.absolute : 1.01 * (test.terms + 2.0) * magnitude);
  };

  const Values y = test.reference(x, parameters), y_abs = test.reference(x_abs, parameters_abs);
  ASSERT_EQ(capture.y.size(), y.size());
  for (std::size_t i = 0; i < y.size(); ++i)
    ASSERT_NEAR(capture.y[i], y[i].real(), tolerance(y_abs[i].real())) << "y " << i;

  const std::vector<double> dx = detail::complex_step(test, x, parameters, dy, -1),
                            dx_abs = detail::complex_step(test, x_abs, parameters_abs, dy_abs, -1);
  ASSERT_EQ(capture.dx.size(), dx.size());
  for (std::size_t i = 0; i < dx.size(); ++i) ASSERT_NEAR(capture.dx[i], dx[i], tolerance(dx_abs[i])) << "dx " << i;
  for (std::size_t k = 0; k < under_test.size(); ++k) {
    const std::vector<double> g = detail::complex_step(test, x, parameters, dy, static_cast<int>(k));
    const std::vector<double> g_abs = detail::complex_step(test, x_abs, parameters_abs, dy_abs, static_cast<int>(k));
    // A sum over all pixels, whatever the layer.
    const double sums = static_cast<double>(y_shape.pixels());
    for (std::size_t i = 0; i < g.size(); ++i)
      ASSERT_NEAR(
          static_cast<double>(under_test[k]->grad[i]), g[i],
          (test.absolute > 0.0 ? sums * unit * test.absolute : unit * 1.01 * (sums + test.terms + 2.0) * g_abs[i]))
          << under_test[k]->name << " " << i;
  }
}

inline void check_layer(const LayerCase& test) {
  check_layer(test, false);
  if (test.in_slice) check_layer(test, true);
}

}  // namespace fanin::test
