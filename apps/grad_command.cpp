// fanin grad: loss, logits and gradients of one batch, to hold against another framework's.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/study/config.h"
#include "core/check.h"
#include "core/tensor/parallel.h"
#include "core/train/loss.h"
#include "core/train/weights_file.h"
#include "models/catalog.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <memory>

namespace fanin {

namespace {

template <class T>
std::vector<T> values_of(const io::TensorEntry& entry) {
  std::vector<T> values(entry.data.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), entry.data.data(), values.size() * sizeof(T));
  return values;
}

struct GradBatch {
  Tensor images;
  std::vector<std::int64_t> labels;
};

const io::TensorEntry& entry_of(const io::Safetensors& file, const std::string& source, const char* name,
                                const char* dtype, std::size_t rank, const char* layout) {
  FANIN_CHECK(file.tensors.contains(name), input, "{}: there is no tensor '{}'; it must hold {}", source, name, layout);
  const io::TensorEntry& entry = file.tensors.at(name);
  FANIN_CHECK(entry.dtype == dtype, input, "{}: '{}' is {}; write it as {}, {}", source, name, entry.dtype, dtype,
              layout);
  FANIN_CHECK(entry.shape.size() == rank, shape, "{}: '{}' has shape ({}); it must hold {}", source, name,
              fmt::join(entry.shape, ", "), layout);
  return entry;
}

GradBatch read_batch(const io::Path& path) {
  const std::string source = path.string();
  const io::MappedFile mapped(path);
  const io::Safetensors file = io::parse_safetensors(mapped.bytes(), source);
  const io::TensorEntry& images =
      entry_of(file, source, "images", "F32", 4, "normalized images (N, channels, height, width)");
  const io::TensorEntry& labels = entry_of(file, source, "labels", "I64", 1, "one class index an image");
  for (const std::size_t size : images.shape)
    FANIN_CHECK(size >= 1 && size <= 8192, shape, "{}: 'images' has shape ({}); give every dimension 1 to 8192", source,
                fmt::join(images.shape, ", "));
  FANIN_CHECK(labels.shape[0] == images.shape[0], shape, "{}: {} images but {} labels; give each image one", source,
              images.shape[0], labels.shape[0]);
  GradBatch batch;
  batch.labels = values_of<std::int64_t>(labels);
  const auto size = [&](std::size_t i) { return static_cast<int>(images.shape[i]); };
  batch.images = Tensor(Shape{size(0), size(2), size(3), size(1)});
  const std::vector<float> pixels = values_of<float>(images);
  std::size_t from = 0;
  for (int n = 0; n < size(0); ++n)
    for (int c = 0; c < size(1); ++c)
      for (int p = 0; p < size(2) * size(3); ++p)
        batch.images.view().images(n, 1).pixel(static_cast<std::size_t>(p))[c] = pixels[from++];
  for (std::size_t i = 0; i < pixels.size(); ++i)
    FANIN_CHECK(std::isfinite(pixels[i]), input, "{}: element {} of 'images' is {}; all must be finite", source, i,
                pixels[i]);
  return batch;
}

// The classifier is the last weight of every network. Where the spec does not say classes=, the file's shape does.
int classes_in(const io::Path& weights, const std::string& model, const Shape& image) {
  const Model any = build_model(model, image, 10);
  std::string name;
  for (const Parameter* p : any.network.parameters())
    if (p->role == Role::linear_weight) name = p->name;
  const io::MappedFile mapped(weights);
  const io::Safetensors file = io::parse_safetensors(mapped.bytes(), weights.string());
  for (const std::string& key : {name, "module." + name}) {
    const auto found = file.tensors.find(key);
    if (found == file.tensors.end() || found->second.shape.size() != 2) continue;
    const std::size_t classes = found->second.shape[0];
    if (classes >= 1 && classes <= 100000) return static_cast<int>(classes);
  }
  return 10;  // a file without it is refused in a moment, with all that is missing
}

std::vector<int> checked_labels(const GradBatch& batch, int classes, const std::string& source) {
  std::vector<int> labels;
  for (const std::int64_t label : batch.labels) {
    FANIN_CHECK(label >= 0 && label < classes, shape,
                "{}: labels[{}] is {}, but the network has {} classes; labels go from 0 to {}", source, labels.size(),
                label, classes, classes - 1);
    labels.push_back(static_cast<int>(label));
  }
  return labels;
}

struct GradOptions {
  std::string model, weights, batch, out;
  bool evaluate = false;
  double label_smoothing = 0.0;
  int threads = 0;
  std::string conv = RunConfig().conv;
};

void write_result(const GradOptions& o, const Network& net, float loss, ConstView logits) {
  const std::size_t images = static_cast<std::size_t>(logits.shape.images),
                    classes = static_cast<std::size_t>(logits.shape.channels);
  std::list<std::vector<float>> kept;  // which the tensors borrow
  std::vector<io::TensorToWrite> tensors;
  const auto add = [&](std::string name, std::vector<std::size_t> shape, std::vector<float> values) {
    kept.push_back(std::move(values));
    tensors.push_back(
        {std::move(name), io::DType::f32, std::move(shape), std::as_bytes(std::span<const float>(kept.back()))});
  };
  std::vector<float> rows;
  for (std::size_t n = 0; n < images; ++n) rows.insert(rows.end(), logits.pixel(n), logits.pixel(n) + classes);
  add("loss", {}, {loss});
  add("logits", {images, classes}, std::move(rows));
  for (const Parameter* p : net.parameters()) {
    std::vector<float> gradient(p->grad.size());
    to_file_order(p->shape, p->grad, gradient);
    add("grad." + p->name, p->shape.file_dimensions(), std::move(gradient));
  }
  for (const StateBuffer* b : net.buffers()) add(b->name, {b->value.size()}, b->value);
  io::write_safetensors(o.out, tensors,
                        {{"format", "fanin-gradients"}, {"model", o.model}, {"mode", o.evaluate ? "eval" : "train"}});
}

void compute(const GradOptions& o) {
  FANIN_CHECK(o.label_smoothing >= 0.0 && o.label_smoothing < 1.0, usage,
              "--label-smoothing {}; give at least 0 and below 1", o.label_smoothing);
  if (o.threads > 0) set_thread_count(o.threads);
  set_conv_precision(parse_conv_precision(o.conv));
  const GradBatch batch = read_batch(o.batch);
  const Shape& shape = batch.images.shape();
  Model model = build_model(o.model, shape.with_images(1), classes_in(o.weights, o.model, shape.with_images(1)));
  const std::vector<int> labels = checked_labels(batch, model.logits.channels(), o.batch);
  Network& net = model.network;
  net.prepare(model.logits, shape.images);
  load_weights(o.weights, net);
  const ConstView logits = net.forward(batch.images.view(), o.evaluate ? Mode::evaluate : Mode::train);
  Tensor gradient(logits.shape);
  const LossResult sums = softmax_cross_entropy(logits, labels, static_cast<float>(o.label_smoothing), gradient.view());
  net.backward(std::as_const(gradient).view());
  const double loss = sums.loss_sum / shape.images;
  write_result(o, net, static_cast<float>(loss), logits);
  fmt::print("{} on {} images of {} ({} mode): loss {:.6f}, {} right; wrote {}\n", o.model, shape.images, o.batch,
             o.evaluate ? "evaluation" : "training", loss, sums.correct, o.out);
}

}  // namespace

void add_grad_command(CLI::App& app) {
  const std::shared_ptr<GradOptions> o = std::make_shared<GradOptions>();
  CLI::App* command =
      app.add_subcommand("grad", "Loss, logits and every gradient of one batch, to compare with another framework");
  command->footer(
      "BATCH holds `images` (F32; images, channels, height, width; already normalized) and `labels` (I64).\n"
      "OUT gets `loss` (mean), `logits`, `grad.NAME` for each parameter in PyTorch's order, and BatchNorm's running\n"
      "statistics after the pass. Classes are those of the weights file unless the network's spec says classes=N.\n"
      "In training mode BatchNorm uses the batch and updates its running statistics; with --eval it uses these and\n"
      "dropout is off, and gradients are those of this function.\n"
      "Example:\n"
      "  fanin init wrn-16-1 --scheme wrn-pytorch --stream torch --seed 0 --out birth.safetensors\n"
      "  fanin grad --model wrn-16-1 --weights birth.safetensors --batch batch.safetensors --out grad.safetensors\n"
      "tests/parity/compare.py writes such batches from Python and compares the result with PyTorch.");
  command->add_option("--model", o->model, "Network: see fanin list models")->required();
  command->add_option("--weights", o->weights, "Its weights (safetensors, PyTorch's names and order)")->required();
  command->add_option("--batch", o->batch, "Images and labels (safetensors)")->required();
  command->add_option("--out", o->out, "Where the result goes (safetensors)")->required();
  command->add_flag("--eval", o->evaluate, "Evaluation mode instead of training mode");
  command->add_option("--label-smoothing", o->label_smoothing, "As torch's cross_entropy")->capture_default_str();
  command->add_option("--threads", o->threads, "Threads; 0: all cores; changes no bit")
      ->capture_default_str()
      ->check(CLI::Range(0, 4096));
  command->add_option("--conv", o->conv, "Convolutions: exact, fast, bf16x6 or bf16x3")->capture_default_str();
  command->callback([o] { compute(*o); });
}

}  // namespace fanin
