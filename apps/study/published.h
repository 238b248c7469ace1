// Training curves that others published, to be drawn behind one's own: facts from their logs, at the epochs listed there.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fanin {

struct PublishedPoint {
  int epoch = 0;                          // finished epochs
  double train_loss = 0, test_error = 0;  // test error in %
};

struct PublishedCurve {
  std::string name, network, data, source;
  std::vector<PublishedPoint> points;
};

const std::vector<PublishedCurve>& published_curves();
const PublishedCurve& published_curve(std::string_view name);  // throws ErrorKind::usage

}  // namespace fanin
