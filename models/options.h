// What every model of the catalog can switch, the reading of it from a spec, and the two-line helpers that obey it.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"
#include "core/spec.h"

#include <string>
#include <vector>

namespace fanin {

struct ModelOptions {
  int classes = 10;
  bool norm = true;          // false: no BatchNorm anywhere (its node and its parameters disappear)
  std::string act = "relu";  // any of activation_kinds()
};

enum class ResidualForm { plain, skipinit, rezero, fixup };  // models/residual.h

// "wrn-16-4:dropout=0.3" taken apart: numbers {16, 4}, the options still to be read.
struct ModelSpec {
  std::vector<int> numbers;
  SpecOptions options;
  int classes = 10;
};

// Reads classes, norm and act, which all models have. Throws ErrorKind::usage.
void read_common(ModelSpec& spec, ModelOptions& options);

// Depths a * n + b, n = 1, 2, ...: throws ErrorKind::usage with legal depths and the nearest one; returns n.
int repetitions(const char* model, int depth, int a, int b);

// BatchNorm if options.norm, else x itself.
Node norm(Network& net, const std::string& name, Node x, const ModelOptions& options, float epsilon = 1e-5f);
Node act(Network& net, const std::string& name, Node x, const ModelOptions& options);

// What goes past a residual block (He et al. 2016, section 3.3): A pads new channels with zeros, B convolves where the
// shape changes, C convolves always.
enum class Shortcut { a, b, c };
Shortcut read_shortcut(ModelSpec& spec, Shortcut fallback);
bool convolves(Shortcut kind, const Shape& x, int channels, int stride);
// x itself if nothing changes; else every stride-th pixel, with zero channels appended.
Node zero_padded(Network& net, Node x, int channels, int stride);

}  // namespace fanin
