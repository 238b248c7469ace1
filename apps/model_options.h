// MODEL, --classes and --image: what every command takes that looks at a network without data.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/filling.h"
#include "models/catalog.h"

#include <CLI/CLI.hpp>

#include <string>

namespace fanin {

struct ModelChoice {
  std::string model, image = "32x32x3";
  int classes = 10;

  void add(CLI::App& command);
  Model build() const;  // not prepared; throws ErrorKind::usage
};

// --data and --batch: the images for schemes that look at some.
void add_sample_options(CLI::App& command, FillOptions& options);

}  // namespace fanin
