// SPDX-License-Identifier: MIT
#include "apps/lessons/material.h"

#include "core/check.h"
#include "data/catalog.h"
#include "init/catalog.h"

#include <algorithm>
#include <cmath>

namespace fanin {

namespace {

// Means over squares of step x step pixels, rounded to bytes.
std::vector<std::uint8_t> averaged(const Split& split, const Shape& image, int step) {
  const int height = image.height / step, width = image.width / step, channels = image.channels;
  std::vector<std::uint8_t> out;
  out.reserve(static_cast<std::size_t>(split.size() * height * width * channels));
  for (int n = 0; n < split.size(); ++n)
    for (int y = 0; y < height; ++y)
      for (int x = 0; x < width; ++x)
        for (int c = 0; c < channels; ++c) {
          int sum = 0;
          for (int r = 0; r < step; ++r)
            for (int k = 0; k < step; ++k)
              sum += split.pixels[static_cast<std::size_t>(
                  ((n * image.height + y * step + r) * image.width + x * step + k) * channels + c)];
          out.push_back(static_cast<std::uint8_t>((2 * sum + step * step) / (2 * step * step)));
        }
  return out;
}

// Gives one batch, again and again.
class OneBatch : public BatchSource {
 public:
  explicit OneBatch(const KeptBatch& batch) : images_(batch.images.shape()), labels_(batch.labels) {
    copy(batch.images.view(), images_.view());
  }
  void start_epoch(int, int first_batch) override { given_ = first_batch > 0; }
  bool next(Batch& batch) override {
    if (given_) return false;
    given_ = true;
    batch = {std::as_const(images_).view(), labels_};
    return true;
  }
  int batches_per_epoch() const override { return 1; }
  int images_per_epoch() const override { return images_.shape().images; }
  int largest_batch() const override { return images_.shape().images; }

 private:
  Tensor images_;
  std::vector<int> labels_;
  bool given_ = false;
};

}  // namespace

Dataset small_images(const LessonContext& context, int train, int test, int side) {
  const LessonSettings& s = context.settings();
  const std::string spec =
      s.data == "synthetic" ? fmt::format("synthetic:train={},test={}", train, std::max(10, test)) : s.data;
  const Dataset all = open_dataset(spec);
  FANIN_CHECK(all.image.height == all.image.width && all.image.height % side == 0, usage,
              "--data {}: images of {}x{} cannot be averaged down to {}x{}; give square images of a multiple of that",
              s.data, all.image.height, all.image.width, side, side);
  const Dataset chosen = select(all, {.train_size = train, .test_size = test}, s.seed);
  const int step = all.image.height / side;
  DatasetParts parts{.name = all.name,
                     .image = {1, side, side, all.image.channels},
                     .class_names = all.class_names,
                     .train_pixels = averaged(chosen.train, all.image, step),
                     .test_pixels = averaged(chosen.test, all.image, step),
                     .train_labels = {chosen.train.labels.begin(), chosen.train.labels.end()},
                     .test_labels = {chosen.test.labels.begin(), chosen.test.labels.end()}};
  return assemble(std::move(parts), s.data);
}

Dataset clusters(int train, int test, int side, double noise, std::uint64_t seed) {
  constexpr int kClasses = 10;
  const std::size_t features = static_cast<std::size_t>(side * side);
  DatasetParts parts{.name = "clusters",
                     .image = {1, side, side, 1},
                     .class_names = {},
                     .train_pixels = {},
                     .test_pixels = {},
                     .train_labels = {},
                     .test_labels = {}};
  for (int k = 0; k < kClasses; ++k) parts.class_names.push_back(fmt::format("cluster {}", k));
  const Rng prototypes = Rng::stream(seed, "lesson/clusters/prototypes");
  const auto add = [&](const char* split, int count, std::vector<std::uint8_t>& pixels,
                       std::vector<std::int32_t>& labels) {
    const Rng own = Rng::stream(seed, fmt::format("lesson/clusters/{}", split));
    for (int n = 0; n < count; ++n) {
      labels.push_back(n % kClasses);
      for (std::size_t i = 0; i < features; ++i) {
        const double v =
            std::sqrt(1.0 - noise * noise) * prototypes.normal(static_cast<std::size_t>(n % kClasses) * features + i) +
            noise * own.normal(static_cast<std::size_t>(n) * features + i);
        pixels.push_back(static_cast<std::uint8_t>(std::clamp(std::lround(128.0 + 32.0 * v), 0L, 255L)));
      }
    }
  };
  add("train", train, parts.train_pixels, parts.train_labels);
  add("test", test, parts.test_pixels, parts.test_labels);
  return assemble(std::move(parts), "clusters");
}

KeptBatch gaussian_batch(int images, int features, int classes, std::uint64_t seed) {
  KeptBatch batch{Tensor({images, 1, 1, features}), {}};
  const Rng rng = Rng::stream(seed, "lesson/input");
  for (std::size_t i = 0; i < batch.images.shape().size(); ++i)
    batch.images.view().data[i] = static_cast<float>(rng.normal(i));
  for (int i = 0; i < images; ++i) batch.labels.push_back(i % classes);
  return batch;
}

KeptBatch gaussian_pair(int features, int classes, double q, double c, std::uint64_t seed) {
  KeptBatch batch = gaussian_batch(2, features, classes, seed);
  float *a = batch.images.view().pixel(0), *b = batch.images.view().pixel(1);
  double aa = 0.0, ab = 0.0, bb = 0.0;
  for (int i = 0; i < features; ++i)
    aa += static_cast<double>(a[i]) * static_cast<double>(a[i]),
        ab += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  for (int i = 0; i < features; ++i) {
    b[i] -= static_cast<float>(ab / aa) * a[i];
    bb += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  const double unit_a = std::sqrt(q * features / aa), unit_b = std::sqrt(q * features / bb);
  for (int i = 0; i < features; ++i) {
    const double x = unit_a * static_cast<double>(a[i]), y = unit_b * static_cast<double>(b[i]);
    a[i] = static_cast<float>(x);
    b[i] = static_cast<float>(c * x + std::sqrt(1.0 - c * c) * y);
  }
  return batch;
}

std::unique_ptr<Session> session_on(const std::string& model, const std::string& scheme, const KeptBatch& batch,
                                    int classes) {
  RunConfig config;
  config.model = model;
  config.scheme = scheme;
  config.batch = batch.images.shape().images;
  const Shape image = batch.images.shape().with_images(1);
  std::unique_ptr<Session> session = std::make_unique<Session>(
      Session{config, {}, build_model(model, image, classes), make_scheme(scheme), nullptr, nullptr});
  session->dataset.image = image;
  session->dataset.class_names.resize(static_cast<std::size_t>(classes));
  session->train = std::make_unique<OneBatch>(batch);
  session->model.network.prepare(session->model.logits, config.batch);
  return session;
}

}  // namespace fanin
