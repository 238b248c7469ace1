// SPDX-License-Identifier: MIT
#include "apps/data_command.h"

#include "core/check.h"
#include "data/cache.h"
#include "data/catalog.h"
#include "data/download.h"
#include "data/image_file.h"
#include "data/import.h"
#include "data/inspect.h"

#include <fmt/format.h>

#include <unistd.h>

#include <cctype>
#include <cstdio>
#include <memory>

namespace fanin {

namespace {

// On a terminal one line that is rewritten; elsewhere a line for every tenth.
class ProgressLine {
 public:
  explicit ProgressLine(std::string text) : text_(std::move(text)), live_(isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() {
    if (live_ && shown_ >= 0) std::fputs("\n", stderr);
  }
  void show(double fraction) {
    const int percent = static_cast<int>(100 * fraction), step = live_ ? percent : percent / 10 * 10;
    if (step <= shown_) return;
    shown_ = step;
    fmt::print(stderr, "{}{}: {} %{}", live_ ? "\r" : "", text_, step, live_ ? "" : "\n");
    std::fflush(stderr);
  }
  std::function<void(double)> callback() {
    return [this](double fraction) { show(fraction); };
  }

 private:
  std::string text_;
  bool live_;
  int shown_ = -1;
};

struct ImportSettings {
  std::string from = {}, out = {}, name = {};
  int size = 0;
  bool strict = false;
  std::uint64_t split_seed = 0;
};

struct InfoSettings {
  std::string data, sheet;
  bool verify = false;
};

struct FetchSettings {
  std::string name, out = ".", url, sha256;
  std::uint64_t size = 0;
};

std::string joined(const std::vector<float>& values) {
  std::string text;
  for (const float value : values) text += fmt::format("{}{:.4f}", text.empty() ? "" : " ", value);
  return text;
}

void describe(const Dataset& d) {
  fmt::print("{}: {} training and {} test images of {}x{} pixels, {} channels, {} classes\n", d.name, d.train.size(),
             d.test.size(), d.image.height, d.image.width, d.image.channels, d.classes());
  fmt::print("mean {}   std {}   (training pixels in 0 to 1)\n", joined(d.mean), joined(d.std));
  fmt::print("fingerprint {}\n", d.fingerprint);
}

void list_classes(const Dataset& d) {
  std::vector<int> train(d.class_names.size()), test(d.class_names.size());
  for (const std::int32_t label : d.train.labels) ++train[static_cast<std::size_t>(label)];
  for (const std::int32_t label : d.test.labels) ++test[static_cast<std::size_t>(label)];
  fmt::print("{:>5}  {:>8}  {:>8}  class\n", "label", "training", "test");
  for (std::size_t k = 0; k < d.class_names.size(); ++k) {
    fmt::print("{:>5}  {:>8}  {:>8}  {}\n", k, train[k], test[k], d.class_names[k]);
  }
}

void print_report(const ImportReport& report) {
  for (const std::string& note : report.notes) fmt::print("note: {}\n", note);
  if (report.corrupt == 0) return;
  fmt::print("skipped {} unreadable images (--strict makes them an error):\n", report.corrupt);
  for (const std::string& name : report.corrupt_names) fmt::print("  {}\n", name);
  const std::size_t more = static_cast<std::size_t>(report.corrupt) - report.corrupt_names.size();
  if (more > 0) fmt::print("  ... and {} more\n", more);
}

void import_to_cache(const ImportSettings& s) {
  ImportReport report;
  Dataset dataset;
  {
    ProgressLine progress("reading " + s.from);
    dataset = import_dataset(s.from,
                             {.name = s.name,
                              .size = s.size,
                              .strict = s.strict,
                              .split_seed = s.split_seed,
                              .progress = progress.callback()},
                             &report);
  }
  const std::string out = s.out.empty() ? dataset.name + ".fanin" : s.out;
  write_cache(out, dataset);
  describe(dataset);
  list_classes(dataset);
  print_report(report);
  std::error_code error;
  fmt::print("wrote {} ({:.1f} MB); use it with --data {}\n", out,
             static_cast<double>(std::filesystem::file_size(out, error)) / 1e6, out);
}

void write_sheet(const Dataset& dataset, const std::string& path) {
  const ContactSheet sheet = contact_sheet(dataset);
  io::write_atomically(path, io::Bytes(encode_png(sheet.pixels, sheet.height, sheet.width)));
  fmt::print("wrote {}: a row for each class in the order above\n", path);
}

void show_info(const InfoSettings& s) {
  const Dataset dataset = open_dataset(s.data);
  describe(dataset);
  list_classes(dataset);
  if (dataset.image.channels == 3) {
    fmt::print("published constants that training can use instead (--normalize NAME):\n");
    for (const NormalizationPreset& p : normalization_presets()) {
      fmt::print("  {:<12} mean {:.4f} {:.4f} {:.4f}   std {:.4f} {:.4f} {:.4f}   {}\n", p.name, p.mean[0], p.mean[1],
                 p.mean[2], p.std[0], p.std[1], p.std[2], p.source);
    }
  }
  if (s.verify) {
    verify_fingerprint(dataset, s.data);
    const Duplicates d = count_duplicates(dataset);
    fmt::print("verified: every pixel and label is as imported\n");
    fmt::print("duplicates: {} in training, {} in test, {} test images also in training\n", d.in_train, d.in_test,
               d.test_also_in_train);
  }
  if (!s.sheet.empty()) write_sheet(dataset, s.sheet);
}

Download what_to_fetch(const FetchSettings& s) {
  std::string known_names;
  for (const KnownDownload& known : known_downloads()) {
    known_names += fmt::format("{}{}", known_names.empty() ? "" : ", ", known.name);
    if (known.name != s.name) continue;
    std::string sha256 = s.sha256.empty() ? std::string(known.sha256) : s.sha256;
    for (char& c : sha256) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return {.url = s.url.empty() ? std::string(known.url) : s.url,
            .file_name = std::string(known.file_name),
            .size = s.size == 0 ? known.size : s.size,
            .sha256 = sha256};
  }
  fail(ErrorKind::usage, "data fetch: \"{}\" is unknown; choose from {}", s.name, known_names);
}

void fetch(const FetchSettings& s) {
  const Download what = what_to_fetch(s);
  io::Path file;
  {
    ProgressLine progress("fetching " + what.url);
    file = download(what, s.out, {.progress = progress.callback()});
  }
  fmt::print("{}: {} bytes, SHA-256 as expected\n", file.string(), what.size);
  import_to_cache({.from = file.string(), .out = (io::Path(s.out) / (s.name + ".fanin")).string(), .name = s.name});
}

void add_import(CLI::App& data) {
  const std::shared_ptr<ImportSettings> s = std::make_shared<ImportSettings>();
  CLI::App* command =
      data.add_subcommand("import", "read an archive or folder of images once, write a cache that loads at once");
  command
      ->add_option("source", s->from,
                   "tar, tar.gz or folder: CIFAR binary files, train/CLASS/*.png and test/CLASS/*.png, or "
                   "CLASS/*.jpg")
      ->required();
  command->add_option("--out", s->out, "the cache file (default: NAME.fanin in this folder)");
  command->add_option("--name", s->name, "the data set's name (default: from the source)");
  command->add_option("--size", s->size, "resize images to N x N pixels")->check(CLI::Range(1, 1024));
  command->add_flag("--strict", s->strict, "an unreadable image is an error instead of being skipped");
  command->add_option("--split-seed", s->split_seed, "draws the test images when there is no test folder (default 0)");
  command->callback([s] { import_to_cache(*s); });
}

void add_info(CLI::App& data) {
  const std::shared_ptr<InfoSettings> s = std::make_shared<InfoSettings>();
  CLI::App* command = data.add_subcommand("info", "what a data set holds");
  command->add_option("data", s->data, "a cache, folder or archive, or synthetic")->required();
  command->add_flag("--verify", s->verify, "read everything, compare with the fingerprint, count duplicate images");
  command->add_option("--sheet", s->sheet, "write a contact sheet of training images to this PNG file");
  command->callback([s] { show_info(*s); });
}

void add_fetch(CLI::App& data) {
  const std::shared_ptr<FetchSettings> s = std::make_shared<FetchSettings>();
  CLI::App* command = data.add_subcommand("fetch", "download a data set over HTTPS, check it, import it");
  command->add_option("name", s->name, "cifar10 or cifar100")->required();
  command->add_option("--out", s->out, "folder for the archive and the cache (default: this folder)");
  command->add_option("--url", s->url, "another address of the same file");
  command->add_option("--sha256", s->sha256, "another file's SHA-256");
  command->add_option("--size", s->size, "another file's size in bytes");
  command->callback([s] { fetch(*s); });
}

}  // namespace

void add_data_command(CLI::App& app) {
  CLI::App* data = app.add_subcommand("data", "import, inspect and fetch data sets");
  data->require_subcommand(1);
  add_import(*data);
  add_info(*data);
  add_fetch(*data);
}

}  // namespace fanin
