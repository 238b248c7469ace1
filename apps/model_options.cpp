// SPDX-License-Identifier: MIT
#include "apps/model_options.h"

#include "core/check.h"
#include "core/text.h"

namespace fanin {

namespace {

Shape parse_image(const std::string& text) {
  const std::vector<std::string_view> parts = split(text, 'x');
  std::vector<int> sizes;
  for (const std::string_view part : parts) {
    const std::optional<long long> n = parse_integer(part);
    if (n && *n >= 1 && *n <= 8192) sizes.push_back(static_cast<int>(*n));
  }
  FANIN_CHECK(parts.size() == 3 && sizes.size() == 3, usage,
              "--image '{}' must be HEIGHTxWIDTHxCHANNELS, such as 32x32x3", text);
  return {1, sizes[0], sizes[1], sizes[2]};
}

}  // namespace

void ModelChoice::add(CLI::App& command) {
  command.add_option("model", model, "Network: see fanin list models")->required();
  command.add_option("--classes", classes, "Classes")->capture_default_str();
  command.add_option("--image", image, "HEIGHTxWIDTHxCHANNELS")->capture_default_str();
}

void add_sample_options(CLI::App& command, FillOptions& options) {
  command
      .add_option("--data", options.data,
                  "Images for schemes that look at some, such as lsuv: the first training batch")
      ->capture_default_str();
  command.add_option("--batch", options.batch, "How many of them")->capture_default_str()->check(CLI::Range(1, 65536));
}

Model ModelChoice::build() const { return build_model(model, parse_image(image), classes); }

}  // namespace fanin
