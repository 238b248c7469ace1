// SPDX-License-Identifier: MIT
#include "models/options.h"

#include "core/check.h"
#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/pad_channels.h"
#include "layers/pool.h"

#include <algorithm>

namespace fanin {

void read_common(ModelSpec& spec, ModelOptions& o) {
  o.classes = spec.options.integer("classes", spec.classes, 1, 100000);
  o.norm = spec.options.word("norm", o.norm ? "bn" : "none", {"bn", "none"}) == "bn";
  o.act = spec.options.word("act", o.act, activation_kinds());
}

int repetitions(const char* model, int depth, int a, int b) {
  FANIN_CHECK(depth >= a + b && (depth - b) % a == 0, usage,
              "{}: depth {} is not {}n + {}; choose {}, {}, {}, {}, {}, {}, ... (nearest: {})", model, depth, a, b,
              a + b, 2 * a + b, 3 * a + b, 4 * a + b, 5 * a + b, 6 * a + b,
              std::max(a + b, (depth - b + a / 2) / a * a + b));
  return (depth - b) / a;
}

Node norm(Network& net, const std::string& name, Node x, const ModelOptions& options, float epsilon) {
  return options.norm ? batch_norm(net, name, x, {.epsilon = epsilon}) : x;
}

Node act(Network& net, const std::string& name, Node x, const ModelOptions& options) {
  return activation(net, name, options.act, x);
}

Shortcut read_shortcut(ModelSpec& spec, Shortcut fallback) {
  const char* const names[] = {"A", "B", "C"};
  const std::string word = spec.options.word("shortcut", names[static_cast<int>(fallback)], {"A", "B", "C"});
  return static_cast<Shortcut>(word[0] - 'A');
}

bool convolves(Shortcut kind, const Shape& x, int channels, int stride) {
  return kind == Shortcut::c || (kind == Shortcut::b && (x.channels != channels || stride != 1));
}

Node zero_padded(Network& net, Node x, int channels, int stride) {
  if (stride != 1) x = average_pool(net, "shortcut_pool", x, {.kernel = 1, .stride = stride});
  return x.channels() == channels ? x : pad_channels(net, "shortcut_pad", x, channels);
}

}  // namespace fanin
