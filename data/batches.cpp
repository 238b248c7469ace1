// SPDX-License-Identifier: MIT
#include "data/batches.h"

#include "core/check.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

#include <array>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>

namespace fanin {

namespace {

// Formats the name without heap memory: this runs for every image.
Rng augmentation_stream(std::uint64_t seed, int epoch, std::uint32_t image) {
  char name[64];
  const auto end = fmt::format_to_n(name, sizeof name, "augment/{}/{}", epoch, image);
  return Rng::stream(seed, std::string_view(name, end.size));
}

// Two slots: next() hands out one while the worker fills the other. All state below the mutex is guarded by it, except
// that a slot is filled outside the lock, by the worker alone, while `filling_` says so.
class Batches final : public BatchSource {
 public:
  Batches(const Dataset& dataset, const Split& split, const BatchOptions& options)
      : image_(dataset.image.with_images(1)), split_(split), options_(options) {
    FANIN_CHECK(options.batch_size >= 1, usage, "batch size {}: give at least 1", options.batch_size);
    FANIN_CHECK(split.size() >= 1, usage, "{}: no images to make batches of", dataset.name);
    FANIN_CHECK(
        !options.drop_last || options.batch_size <= split.size(), usage,
        "batch size {} exceeds the {} images of {}, and incomplete batches are dropped; give a smaller batch size",
        options.batch_size, split.size(), dataset.name);
    FANIN_CHECK(split.pixels.size() == split.labels.size() * image_.size(), shape,
                "{}: {} pixel bytes for {} images of {}", dataset.name, split.pixels.size(), split.size(),
                to_string(image_));
    const std::size_t channels = static_cast<std::size_t>(image_.channels);
    FANIN_CHECK(options.augmentation.mean.size() == channels && options.augmentation.std.size() == channels, shape,
                "{}: {} channels, but normalization has {} means and {} standard deviations", dataset.name, channels,
                options.augmentation.mean.size(), options.augmentation.std.size());
    for (Slot& slot : slots_) {
      slot.images = Tensor(image_.with_images(largest_batch()));
      slot.labels.resize(static_cast<std::size_t>(largest_batch()));
    }
    order_.resize(split.labels.size());
    worker_ = std::thread([this] { work(); });
  }

  ~Batches() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_worker_.notify_one();
    worker_.join();
  }

  void start_epoch(int epoch, int first_batch) override {
    FANIN_CHECK(first_batch >= 0 && first_batch <= batches_per_epoch(), usage, "batch {} of an epoch of {}",
                first_batch, batches_per_epoch());
    std::unique_lock lock(mutex_);
    to_fill_ = batches_per_epoch();  // nothing more of the old epoch
    wake_user_.wait(lock, [this] { return !filling_; });
    epoch_ = epoch;
    if (options_.shuffle) {
      order_ = Rng::stream(options_.seed, fmt::format("shuffle/{}", epoch))
                   .permutation(static_cast<std::uint32_t>(split_.size()));
    } else {
      std::iota(order_.begin(), order_.end(), 0u);
    }
    for (Slot& slot : slots_) slot.batch = -1;
    error_ = nullptr;
    to_fill_ = to_give_ = first_batch;
    in_use_ = -1;
    lock.unlock();
    wake_worker_.notify_one();
  }

  bool next(Batch& batch) override {
    std::unique_lock lock(mutex_);
    FANIN_CHECK(epoch_ != 0, usage, "batches were asked for before an epoch was started");
    in_use_ = -1;  // the views of the previous call end here
    wake_worker_.notify_one();
    if (to_give_ == batches_per_epoch()) return false;
    Slot& slot = slots_[static_cast<std::size_t>(to_give_ % 2)];
    wake_user_.wait(lock, [&] { return slot.batch == to_give_ || error_ != nullptr; });
    if (slot.batch != to_give_) std::rethrow_exception(error_);
    in_use_ = to_give_++;
    batch = {std::as_const(slot.images).view().images(0, slot.size),
             std::span<const int>(slot.labels).first(static_cast<std::size_t>(slot.size))};
    return true;
  }

  int batches_per_epoch() const override {
    return options_.drop_last ? split_.size() / options_.batch_size : (split_.size() - 1) / options_.batch_size + 1;
  }
  int images_per_epoch() const override {
    return options_.drop_last ? batches_per_epoch() * options_.batch_size : split_.size();
  }
  int largest_batch() const override { return std::min(options_.batch_size, split_.size()); }

 private:
  struct Slot {
    Tensor images;
    std::vector<int> labels;
    int size = 0;
    int batch = -1;  // which batch of the epoch it holds
  };

  bool can_fill() const {  // the slot of batch i is that of batch i - 2, which must have been given and returned
    return epoch_ != 0 && error_ == nullptr && to_fill_ < batches_per_epoch() && to_fill_ < to_give_ + 2 &&
           (in_use_ < 0 || to_fill_ % 2 != in_use_ % 2);
  }

  void work() {
    flush_denormals();
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_worker_.wait(lock, [this] { return stop_ || can_fill(); });
      if (stop_) return;
      const int batch = to_fill_++;
      Slot& slot = slots_[static_cast<std::size_t>(batch % 2)];
      slot.batch = -1;
      filling_ = true;
      lock.unlock();
      std::exception_ptr error;
      try {
        fill(batch, slot);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      filling_ = false;
      slot.batch = error == nullptr ? batch : -1;
      error_ = error;
      wake_user_.notify_one();
    }
  }

  void fill(int batch, Slot& slot) {
    const std::size_t first = static_cast<std::size_t>(batch) * static_cast<std::size_t>(options_.batch_size);
    const std::size_t bytes = image_.size();
    slot.size = static_cast<int>(std::min(static_cast<std::size_t>(options_.batch_size), order_.size() - first));
    for (std::size_t i = 0; i < static_cast<std::size_t>(slot.size); ++i) {
      const std::uint32_t image = order_[first + i];
      slot.labels[i] = split_.labels[image];
      const Rng rng = augmentation_stream(options_.seed, epoch_, image);
      augment(options_.augmentation, image_, split_.pixels.data() + image * bytes, rng,
              slot.images.view().data + i * bytes);
    }
  }

  const Shape image_;
  const Split split_;
  const BatchOptions options_;

  std::mutex mutex_;
  std::condition_variable wake_worker_, wake_user_;
  std::array<Slot, 2> slots_;
  std::vector<std::uint32_t> order_;  // written only while the worker is idle
  int epoch_ = 0, to_fill_ = 0, to_give_ = 0;
  int in_use_ = -1;  // batch whose views the user holds
  bool filling_ = false, stop_ = false;
  std::exception_ptr error_;
  std::thread worker_;
};

}  // namespace

std::unique_ptr<BatchSource> make_batches(const Dataset& dataset, const Split& split, const BatchOptions& options) {
  return std::make_unique<Batches>(dataset, split, options);
}

}  // namespace fanin
