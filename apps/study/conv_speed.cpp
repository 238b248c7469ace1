// SPDX-License-Identifier: MIT
#include "apps/study/conv_speed.h"

#include "core/rng.h"
#include "core/tensor/parallel.h"

#include <algorithm>
#include <chrono>

namespace fanin {

namespace {

void fill_random(Tensor& t, const char* name) {
  const Rng rng = Rng::stream(1, name);
  const View v = t.view();
  std::size_t i = 0;
  for (std::size_t p = 0; p < v.shape.pixels(); ++p)
    for (int c = 0; c < v.shape.channels; ++c) v.pixel(p)[c] = static_cast<float>(2.0 * rng.uniform(i++) - 1.0);
}

std::size_t z(int n) { return static_cast<std::size_t>(n); }

}  // namespace

ConvSpeed::ConvSpeed(const ConvJob& job, int batch, double seconds)
    : job_(job),
      x_shape_(job.node.x.with_images(batch)),
      y_shape_(job.node.conv.output_shape(x_shape_)),
      seconds_(seconds),
      x_(x_shape_, job.x_stride),
      y_(y_shape_, job.y_stride),
      dy_(y_shape_, job.dy_stride),
      dx_(x_shape_, job.dx_stride),
      w_(job.node.conv.weight_shape().size(), 0.01f),
      dw_(w_.size()),
      mean_(z(x_shape_.channels), 0.1f),
      factor_(mean_.size(), 1.1f),
      shift_(mean_.size(), 0.2f),
      moments_(2 * z(batch) * z(y_shape_.channels)),
      sums_(2 * z(batch) * z(x_shape_.channels)) {
  fill_random(x_, "bench/x");
  fill_random(dy_, "bench/dy");
  const auto transform = [&](bool affine, bool relu) {
    InputTransform t;
    if (affine) t = {mean_.data(), factor_.data(), shift_.data(), false};
    t.relu = relu;
    return t;
  };
  transform_ = transform(job.affine, job.relu);
  if (job.add == ConvJob::Add::in_place) forward_.add = y_.view();
  if (job.add == ConvJob::Add::other) {
    add_ = Tensor(y_shape_, job.y_stride);
    forward_.add = add_.view();
  }
  if (job.moments) forward_.moments = moments_.data();
  if (job.finishes)
    backward_ = {x_.view(), transform(job.finish_affine, job.mask), job.sums ? sums_.data() : nullptr, job.scaled};
}

bool ConvSpeed::fits(const ConvCandidate& rung, ConvProduct product) const {
  return rung.fits(job_.node.conv, x_shape_, product);
}

template <class Fn>
double ConvSpeed::rate(double products, Fn&& fn) const {
  using Clock = std::chrono::steady_clock;
  double best = 1e30;
  int calls = 0;
  const Clock::time_point begin = Clock::now();
  do {
    const Clock::time_point start = Clock::now();
    fn();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  } while (++calls < 3 || std::chrono::duration<double>(Clock::now() - begin).count() < seconds_);
  return 2e-9 * products * static_cast<double>(y_shape_.pixels()) * static_cast<double>(w_.size()) / best;
}

double ConvSpeed::product(const ConvCandidate& rung, ConvProduct product) {
  if (!fits(rung, product)) return 0.0;
  const Conv2d& c = job_.node.conv;
  Buffer scratch(rung.scratch(c, x_shape_, product, thread_count()));
  const ConstView x = x_.view(), dy = dy_.view();
  // What is added to would grow without end, call after call.
  if (job_.add == ConvJob::Add::in_place) fill(y_.view(), 0.0f);
  if (job_.write == Write::add) fill(dx_.view(), 0.0f);
  switch (product) {
    case ConvProduct::forward:
      return rate(1, [&] { rung.forward(c, x, transform_, w_.data(), y_.view(), forward_, scratch.span()); });
    case ConvProduct::backward_input:
      return rate(1, [&] { rung.backward_input(c, dy, w_.data(), dx_.view(), job_.write, backward_, scratch.span()); });
    case ConvProduct::backward_weights: break;
  }
  return rate(1, [&] { rung.backward_weights(c, x, transform_, dy, dw_.data(), scratch.span()); });
}

double ConvSpeed::joint(const ConvCandidate& rung) {
  if (rung.backward == nullptr || !fits(rung, ConvProduct::backward_input) || !job_.wanted) return 0.0;
  Buffer scratch(rung.backward_scratch(job_.node.conv, x_shape_, thread_count()));
  if (job_.write == Write::add) fill(dx_.view(), 0.0f);
  return rate(2, [&] {
    rung.backward(job_.node.conv, x_.view(), transform_, dy_.view(), w_.data(), dx_.view(), job_.write, backward_,
                  dw_.data(), scratch.span());
  });
}

}  // namespace fanin
