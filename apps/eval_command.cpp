// fanin eval: accuracy of trained weights. fanin predict: what a network sees in image files.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/study/progress.h"
#include "apps/study/session.h"
#include "core/check.h"
#include "core/train/checkpoint.h"
#include "core/train/loss.h"
#include "data/image_folder.h"
#include "data/resize.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

namespace fanin {

namespace {

// The configuration and the weights file of a run's folder.
struct Trained {
  RunConfig config;
  io::Path weights;
};

Trained find_run(const io::Path& folder) {
  FANIN_CHECK(std::filesystem::exists(folder / "config.toml"), input,
              "{} is no run: it has no config.toml; give the folder of `fanin train --run`", folder.string());
  Trained trained;
  read_toml(trained.config, folder / "config.toml");
  trained.weights = folder / "weights.safetensors";
  if (!std::filesystem::exists(trained.weights)) trained.weights = folder / "last.safetensors";
  return trained;
}

void print_confusion(Network& net, BatchSource& source, const Dataset& data) {
  const std::size_t k = static_cast<std::size_t>(data.classes());
  std::vector<int> counts(k * k, 0);
  source.start_epoch(1);
  for (Batch batch; source.next(batch);) {
    const ConstView logits = net.forward(batch.images, Mode::evaluate);
    for (std::size_t n = 0; n < batch.labels.size(); ++n) {
      const float* row = logits.pixel(n);
      ++counts[static_cast<std::size_t>(batch.labels[n]) * k +
               static_cast<std::size_t>(std::max_element(row, row + k) - row)];
    }
  }
  fmt::print("\nrows: true class, columns: predicted, last column: accuracy of the class\n{:<14}", "");
  for (const std::string& name : data.class_names) fmt::print(" {:>6.6}", name);
  fmt::print("\n");
  for (std::size_t t = 0; t < k; ++t) {
    const int total = std::accumulate(&counts[t * k], &counts[t * k] + k, 0);
    fmt::print("{:<14.14}", data.class_names[t]);
    for (std::size_t p = 0; p < k; ++p) fmt::print(" {:>6}", counts[t * k + p]);
    fmt::print(" {:>6.2f} %\n", total > 0 ? 100.0 * counts[t * k + t] / total : 0.0);
  }
}

void evaluate_run(const std::string& run, const std::string& weights, const std::string& data, bool confusion) {
  Trained trained = find_run(run);
  if (!weights.empty()) trained.weights = weights;
  if (!data.empty()) trained.config.data = data;
  const std::unique_ptr<Session> session = open_session(trained.config, Mode::evaluate);
  load_weights(trained.weights, session->model.network);
  const Evaluation e = evaluate(session->model.network, *session->test);
  fmt::print("{} on {} test images of {}: loss {:.4f}, accuracy {:.2f} %, top-5 {:.2f} %\n", trained.weights.string(),
             e.images, session->dataset.name, e.loss, 100.0 * e.accuracy, 100.0 * e.top5_accuracy);
  if (confusion) print_confusion(session->model.network, *session->test, session->dataset);
}

void predict_one(Session& session, const Augmentation& normalize, const std::string& file) {
  const Shape& image = session.dataset.image;
  constexpr std::uint64_t kLargestFile = 256u << 20;
  const std::vector<std::byte> bytes = io::read_bytes(file, kLargestFile);
  const DecodedImage decoded = decode_image(bytes, file);
  std::vector<std::uint8_t> pixels(image.with_images(1).size());
  resize(decoded.pixels, decoded.height, decoded.width, 3, image.height, image.width, pixels);
  Tensor input(image.with_images(1));
  augment(normalize, image, pixels.data(), Rng::stream(0, "none"), input.view().data);
  const ConstView logits = session.model.network.forward(std::as_const(input).view(), Mode::evaluate);
  Tensor probabilities(logits.shape);
  copy(logits, probabilities.view());
  softmax(probabilities.view());
  const float* p = probabilities.view().data;
  std::vector<int> order(static_cast<std::size_t>(session.dataset.classes()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return p[a] > p[b]; });
  fmt::print("{} ({}x{})\n", file, decoded.width, decoded.height);
  for (std::size_t i = 0; i < std::min<std::size_t>(5, order.size()); ++i)
    fmt::print("  {:<16} {:>6.2f} % {}\n", session.dataset.class_names[static_cast<std::size_t>(order[i])],
               100.0 * static_cast<double>(p[order[i]]), bar(static_cast<double>(p[order[i]]), 30));
}

}  // namespace

void add_eval_command(CLI::App& app) {
  struct Options {
    std::string run, weights, data;
    bool confusion = false;
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("eval", "Loss and accuracy of a run's weights on its test images");
  command->add_option("run", o->run, "Folder of the run")->required();
  command->add_option("--weights", o->weights, "Another weights file (safetensors) for the run's network");
  command->add_option("--data", o->data, "Another data set");
  command->add_flag("--confusion", o->confusion, "Also the confusion matrix and the accuracy per class");
  command->callback([o] { evaluate_run(o->run, o->weights, o->data, o->confusion); });
}

void add_predict_command(CLI::App& app) {
  struct Options {
    std::string run;
    std::vector<std::string> images;
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("predict", "The five likeliest classes of image files (PNG or JPEG, any size)");
  command->add_option("run", o->run, "Folder of the run")->required();
  command->add_option("images", o->images, "Image files")->required();
  command->callback([o] {
    const Trained trained = find_run(o->run);
    const std::unique_ptr<Session> session = open_session(trained.config, Mode::evaluate);
    load_weights(trained.weights, session->model.network);
    const Augmentation normalize = normalization_only(augmentation_of(trained.config, session->dataset));
    for (const std::string& file : o->images) predict_one(*session, normalize, file);
  });
}

}  // namespace fanin
