// SPDX-License-Identifier: MIT
#include "core/kernels/conv_tile.h"

#include "core/kernels/conv_pack.h"

namespace fanin {

namespace {

// The tile of each width of panel that occurs.
std::string tiles(int channels, const char* rows) {
  const micro::Panels panels{channels};
  std::string text;
  for (int width = 1; width <= micro::kWidest; ++width) {
    bool occurs = false;
    for (int panel = 0; panel < panels.count(); ++panel) occurs |= panels.width(panel) == width;
    if (!occurs) continue;
    text +=
        (text.empty() ? "" : " and ") + std::to_string(micro::tile_height(width)) + rows + std::to_string(width) + "v";
  }
  return text;
}

}  // namespace

std::string register_tile(const Conv2d& c, ConvProduct product) {
  const Grouping g(c);
  if (product == ConvProduct::backward_weights) return tiles(g.out, "ch x ");
  return tiles(product == ConvProduct::forward ? g.out : g.in, "px x ");
}

}  // namespace fanin
