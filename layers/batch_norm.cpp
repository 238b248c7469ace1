// SPDX-License-Identifier: MIT
#include "layers/batch_norm.h"

#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

#include <cmath>
#include <memory>

namespace fanin {

namespace {

class BatchNorm : public Layer {
 public:
  BatchNorm(int channels, const BatchNormOptions& options) : channels_(channels), options_(options) {
    weight_ = {
        .name = "weight", .role = Role::norm_scale, .shape = WeightShape::vector(channels), .value = {}, .grad = {}};
    bias_ = {.name = "bias", .role = Role::norm_shift, .shape = WeightShape::vector(channels), .value = {}, .grad = {}};
    const std::size_t size = static_cast<std::size_t>(channels);
    running_mean_ = {.name = "running_mean", .value = std::vector<float>(size, 0.0f)};
    running_var_ = {.name = "running_var", .value = std::vector<float>(size, 1.0f)};
    for (Buffer* b : {&mean_, &inv_std_, &factor_, &mean_dy_, &slope_}) *b = Buffer(size);
  }

  std::string describe() const override { return fmt::format("batch_norm {}", channels_); }
  Traits traits() const override {
    return {.kind = Traits::Kind::batch_norm, .number = static_cast<double>(options_.epsilon)};
  }
  Shape output_shape(const Shape& x) const override { return x; }
  std::vector<Parameter*> parameters() override { return {&weight_, &bias_}; }
  std::vector<StateBuffer*> buffers() override { return {&running_mean_, &running_var_}; }
  BackwardNeeds needs() const override { return {.input = true}; }
  bool forward_in_place() const override { return true; }
  bool backward_in_place() const override { return true; }
  Offers offers() const override { return {.lazy = Lazy::norm}; }
  InputTransform transform() const override { return {mean_.data(), factor_.data(), bias_.value.data(), false}; }
  std::size_t scratch_floats(const Shape& x) const override {
    return 2 * static_cast<std::size_t>(row_block_count(x)) * static_cast<std::size_t>(channels_);
  }

  void forward(ConstView x, View y, const Pass& pass) override {
    if (pass.mode == Mode::evaluate)
      use_running_moments();
    else if (pass.moments.mean != nullptr)
      use_known_moments(pass.moments);
    else
      use_batch_moments(x, pass.scratch);
    row(factor_) = row(inv_std_).cwiseProduct(ConstVectorMap(weight_.value.data(), channels_));
    if (y.data == nullptr) return;
    const float *const factor = factor_.data(), *const mean = mean_.data(), *const shift = bias_.value.data();
    // x - mean first: x * factor + (shift - mean * factor) cancels digits when the mean is many deviations away.
    for_row_blocks(x, y, [&, channels = channels_](ConstView x, View y) {
      for (std::size_t p = 0; p < x.shape.pixels(); ++p) {
        const float* const from = x.pixel(p);
        float* const to = y.pixel(p);
#pragma GCC ivdep
        for (int c = 0; c < channels; ++c) to[c] = (from[c] - mean[c]) * factor[c] + shift[c];
      }
    });
  }

  void backward(ConstView x, ConstView, ConstView dy, View dx, Write write, const Pass& pass) override {
    if (pass.sums != nullptr)
      use_known_sums(x.shape, pass);
    else
      sum_gradients(x, dy, pass);
    if (pass.correction.constant != nullptr) return add_correction(pass.correction);
    if (dx.data == nullptr) return;
    const float *const factor = factor_.data(), *const mean = mean_.data(), *const mean_dy = mean_dy_.data(),
                       *const slope = slope_.data();
    for_row_blocks(x, dy, dx, [&, channels = channels_](ConstView x, ConstView dy, View dx) {
      for (std::size_t p = 0; p < x.shape.pixels(); ++p) {
        const float *const from = x.pixel(p), *const gradient = dy.pixel(p);
        float* const to = dx.pixel(p);
#pragma GCC ivdep
        for (int c = 0; c < channels; ++c) {
          const float part = ((gradient[c] - mean_dy[c]) - (from[c] - mean[c]) * slope[c]) * factor[c];
          to[c] = write == Write::overwrite ? part : to[c] + part;
        }
      }
    });
  }

 private:
  VectorMap row(const Buffer& b) const { return {b.data(), channels_}; }

  // The two partial rows of a block in the scratch.
  VectorMap partial(std::span<float> scratch, std::size_t block, int which) const {
    const std::size_t c = static_cast<std::size_t>(channels_);
    return {scratch.data() + (2 * block + static_cast<std::size_t>(which)) * c, channels_};
  }

  // Per block its mean and sum of squared deviations, then all blocks joined in order in double (Chan, Golub & LeVeque
  // 1983).
  // The plain E[x^2] - E[x]^2 in float loses three digits when the mean is 30 deviations from 0.
  void use_batch_moments(ConstView x, std::span<float> scratch) {
    for_numbered_row_blocks(
        [&](int block, ConstView rows) {
          const std::size_t b = static_cast<std::size_t>(block);
          VectorMap mean = partial(scratch, b, 0), squares = partial(scratch, b, 1);
          mean = as_matrix(rows).colwise().mean();
          squares.setZero();
          float* const sum = squares.data();
          const float* const centre = mean.data();
          for (std::size_t p = 0; p < rows.shape.pixels(); ++p) {
            const float* const from = rows.pixel(p);
#pragma GCC ivdep
            for (int c = 0; c < channels_; ++c) sum[c] += (from[c] - centre[c]) * (from[c] - centre[c]);
          }
        },
        x);
    const std::size_t pixels = x.shape.pixels(), per_block = rows_per_block(channels_);
    const std::size_t blocks = static_cast<std::size_t>(row_block_count(x.shape));
    for (int c = 0; c < channels_; ++c) {
      double count = 0.0, mean = 0.0, squares = 0.0;
      for (std::size_t b = 0; b < blocks; ++b) {
        const double n = static_cast<double>(std::min(per_block, pixels - b * per_block));
        const double difference = static_cast<double>(partial(scratch, b, 0)[c]) - mean;
        count += n;
        mean += difference * n / count;
        squares += static_cast<double>(partial(scratch, b, 1)[c]) + difference * difference * n * (count - n) / count;
      }
      set_moments(c, mean, squares, count);
    }
  }

  void use_known_moments(const Moments& m) {
    for (int c = 0; c < channels_; ++c) set_moments(c, m.mean[c], m.squares[c], m.count);
  }

  void set_moments(int c, double mean, double squares, double count) {
    const std::size_t i = static_cast<std::size_t>(c);
    mean_.data()[i] = static_cast<float>(mean);
    inv_std_.data()[i] = static_cast<float>(1.0 / std::sqrt(squares / count + static_cast<double>(options_.epsilon)));
    const float m = options_.momentum;
    running_mean_.value[i] = (1.0f - m) * running_mean_.value[i] + m * static_cast<float>(mean);
    if (count > 1.0)
      running_var_.value[i] = (1.0f - m) * running_var_.value[i] + m * static_cast<float>(squares / (count - 1.0));
  }

  void use_running_moments() {
    for (std::size_t c = 0; c < static_cast<std::size_t>(channels_); ++c) {
      mean_.data()[c] = running_mean_.value[c];
      inv_std_.data()[c] = static_cast<float>(
          1.0 / std::sqrt(static_cast<double>(running_var_.value[c]) + static_cast<double>(options_.epsilon)));
    }
  }

  void add_correction(const Correction& c) const {
    VectorMap(c.constant, channels_) += row(mean_dy_).cwiseProduct(row(factor_));
    VectorMap(c.slope, channels_) += row(slope_).cwiseProduct(row(factor_));
    VectorMap(c.mean, channels_) = row(mean_);
  }

  // Sums of dy and dy * x_hat.
  void sum_gradients(ConstView x, ConstView dy, const Pass& pass) {
    const std::span<float> scratch = pass.scratch;
    const float *const mean = mean_.data(), *const inv_std = inv_std_.data();
    for_numbered_row_blocks(
        [&, channels = channels_](int block, ConstView x, ConstView dy) {
          float* const sum = partial(scratch, static_cast<std::size_t>(block), 0).data();
          float* const sum_x_hat = partial(scratch, static_cast<std::size_t>(block), 1).data();
          std::fill_n(sum, channels, 0.0f);
          std::fill_n(sum_x_hat, channels, 0.0f);
          for (std::size_t p = 0; p < x.shape.pixels(); ++p) {
            const float *const from = x.pixel(p), *const gradient = dy.pixel(p);
#pragma GCC ivdep
            for (int c = 0; c < channels; ++c) {
              sum[c] += gradient[c];
              sum_x_hat[c] += gradient[c] * ((from[c] - mean[c]) * inv_std[c]);
            }
          }
        },
        x, dy);
    const std::size_t blocks = static_cast<std::size_t>(row_block_count(x.shape));
    for (int c = 0; c < channels_; ++c) {
      double sum = 0.0, sum_x_hat = 0.0;
      for (std::size_t b = 0; b < blocks; ++b) {
        sum += static_cast<double>(partial(scratch, b, 0)[c]);
        sum_x_hat += static_cast<double>(partial(scratch, b, 1)[c]);
      }
      set_sums(c, sum, sum_x_hat, x.shape, pass.mode);
    }
  }

  // Sums of dy and dy * (x - mean) of each image.
  void use_known_sums(const Shape& shape, const Pass& pass) {
    constexpr int kTile = 64;  // channels whose sums are on the stack while the images go by in order
    for (int first = 0; first < channels_; first += kTile) {
      const int count = std::min(kTile, channels_ - first);
      double sum[kTile] = {}, product[kTile] = {};
      for (std::ptrdiff_t n = 0; n < shape.images; ++n) {
        const float *const s = pass.sums + 2 * n * channels_ + first, *const p = s + channels_;
        for (int c = 0; c < count; ++c) sum[c] += static_cast<double>(s[c]);
        for (int c = 0; c < count; ++c) product[c] += static_cast<double>(p[c]);
      }
      for (int c = 0; c < count; ++c)
        set_sums(first + c, sum[c], product[c] * static_cast<double>(inv_std_.data()[first + c]), shape, pass.mode);
    }
  }

  // The gradients of shift and scale, and the two means of the formula. These are there because the batch's moments move
  // with x; running moments do not, and dx = dy * factor is left.
  void set_sums(int c, double sum, double sum_x_hat, const Shape& shape, Mode mode) {
    const std::size_t i = static_cast<std::size_t>(c);
    bias_.grad[i] += static_cast<float>(sum);
    weight_.grad[i] += static_cast<float>(sum_x_hat);
    const double share = mode == Mode::train ? 1.0 / static_cast<double>(shape.pixels()) : 0.0;
    mean_dy_.data()[i] = static_cast<float>(sum * share);
    slope_.data()[i] = static_cast<float>(sum_x_hat * share * static_cast<double>(inv_std_.data()[i]));
  }

  const int channels_;
  const BatchNormOptions options_;
  Parameter weight_, bias_;
  StateBuffer running_mean_, running_var_;
  Buffer mean_, inv_std_, factor_;  // (C) of the last pass; factor = scale * inv_std
  Buffer mean_dy_, slope_;          // (C) of the last backward pass; slope = mean(dy * x_hat) * inv_std
};

}  // namespace

Node batch_norm(Network& net, const std::string& name, Node x, const BatchNormOptions& options) {
  return net.add(name, std::make_unique<BatchNorm>(x.channels(), options), x);
}

}  // namespace fanin
