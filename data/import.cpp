// SPDX-License-Identifier: MIT
#include "data/import.h"

#include "core/check.h"
#include "core/tensor/parallel.h"
#include "data/archive.h"
#include "data/cifar.h"
#include "data/image_folder.h"
#include "data/resize.h"

#include <fmt/format.h>

namespace fanin {

namespace {

constexpr int kLargestSize = 1024;

std::string name_from(const io::Path& path) {
  std::string name = std::filesystem::absolute(path).lexically_normal().filename().string();
  if (name.empty()) name = std::filesystem::absolute(path).lexically_normal().parent_path().filename().string();
  for (const char* ending : {".tar.gz", ".tgz", ".tar"}) {
    if (name.ends_with(ending)) return name.substr(0, name.size() - std::string_view(ending).size());
  }
  return name.empty() ? "data" : name;
}

void resize_all(const Shape& from, const Shape& to, std::vector<std::uint8_t>& pixels) {
  const std::size_t count = pixels.size() / from.size();
  std::vector<std::uint8_t> resized(count * to.size());
  parallel_for(static_cast<int>(count), [&](int i) {
    const std::size_t k = static_cast<std::size_t>(i);
    resize({pixels.data() + k * from.size(), from.size()}, from.height, from.width, from.channels, to.height, to.width,
           {resized.data() + k * to.size(), to.size()});
  });
  pixels = std::move(resized);
}

// What the members of a folder or archive turn out to be.
struct Collector {
  CifarFiles cifar;
  ImageFolder images;
  int others = 0;
  bool pickles = false;  // the Python version of CIFAR

  bool wanted(std::string_view name) {
    if (CifarFiles::wanted(name) || is_image_name(name)) return true;
    pickles = pickles || name.ends_with("cifar-10-batches-py/data_batch_1") ||
              name.ends_with("cifar-100-python/train") || name == "data_batch_1";
    ++others;
    return false;
  }
  void visit(const std::string& name, std::span<const std::byte> bytes) {
    CifarFiles::wanted(name) ? cifar.add(name, bytes) : images.add(name, bytes);
  }
};

void read_members(const io::Path& path, const MemberVisitor& visitor) {
  if (std::filesystem::is_directory(path)) return read_folder(path, visitor);
  {
    const io::MappedFile file(path);
    FANIN_CHECK(
        is_archive(file.bytes()), input,
        "{}: neither a folder nor a tar or tar.gz archive; give CIFAR's binary archive or images in class folders",
        path.string());
  }
  read_archive(path, visitor);
}

DatasetParts finish_images(Collector& collector, const std::string& source, ImportReport& report) {
  FANIN_CHECK(!collector.images.empty(), input,
              "{}: {} ({} files of other kinds); expected CIFAR's .bin files, or PNG or JPEG "
              "images in class folders",
              source,
              collector.pickles
                  ? "holds the Python version of CIFAR; import the binary version instead, see `fanin data fetch`"
                  : "holds nothing to import",
              collector.others);
  DatasetParts parts = collector.images.finish();
  report.corrupt = collector.images.corrupt();
  report.corrupt_names = collector.images.corrupt_examples();
  if (collector.images.split_was_drawn()) {
    report.notes.push_back("no test folder: a sixth of each class, drawn by the split seed, is for testing");
  }
  if (collector.images.outside() > 0) {
    report.notes.push_back(
        fmt::format("{} images outside train/<class>/ and test/<class>/ are left out", collector.images.outside()));
  }
  return parts;
}

}  // namespace

Dataset import_dataset(const io::Path& path, const ImportOptions& options, ImportReport* out) {
  FANIN_CHECK(options.size >= 0 && options.size <= kLargestSize, usage, "size {}: give 1 to {} pixels", options.size,
              kLargestSize);
  const std::string source = path.string();
  Collector collector{
      {},
      ImageFolder(source, {.size = options.size, .strict = options.strict, .split_seed = options.split_seed}),
      0,
      false};
  read_members(path, {.wanted = [&](std::string_view name) { return collector.wanted(name); },
                      .visit = [&](const std::string& name, std::span<const std::byte> b) { collector.visit(name, b); },
                      .progress = options.progress});
  ImportReport report;
  const bool is_cifar = !collector.cifar.empty();
  std::string note;
  DatasetParts parts = is_cifar ? collector.cifar.finish(source, note) : finish_images(collector, source, report);
  if (!note.empty()) report.notes.push_back(note);
  if (options.size > 0 && (parts.image.height != options.size || parts.image.width != options.size)) {
    const Shape to{1, options.size, options.size, parts.image.channels};
    resize_all(parts.image, to, parts.train_pixels);
    resize_all(parts.image, to, parts.test_pixels);
    parts.image = to;
  }
  if (!options.name.empty()) parts.name = options.name;
  if (parts.name.empty()) parts.name = name_from(path);
  if (out != nullptr) *out = report;
  return assemble(std::move(parts), source);
}

}  // namespace fanin
