// SPDX-License-Identifier: MIT
#include "core/graph/convolutions.h"

#include <algorithm>

namespace fanin {

std::vector<Convolution> convolutions(const std::vector<NodeSummary>& rows) {
  std::vector<Convolution> result;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const NodeSummary& row = rows[i];
    const Traits& t = row.traits;
    if (t.kind != Traits::Kind::conv) continue;
    const auto input = std::find_if(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(i),
                                    [&](const NodeSummary& r) { return r.name == row.inputs[0]; });
    result.push_back({.node = static_cast<int>(i),
                      .name = row.name,
                      .conv = {.in_channels = input->output.channels,
                               .out_channels = row.output.channels,
                               .kernel = t.kernel,
                               .stride = t.stride,
                               .padding = t.padding,
                               .groups = t.groups},
                      .x = input->output,
                      .first = input->traits.kind == Traits::Kind::input});
  }
  return result;
}

}  // namespace fanin
