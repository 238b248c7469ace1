// What a run with `record` writes beside its metrics: weights and their speeds (record.h), and nodes (node_record.h).
// Without it, nothing happens here.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/node_record.h"
#include "apps/study/record.h"

#include <optional>

namespace fanin {

class RunRecord {
 public:
  RunRecord(Session& session, const io::Path& folder);
  void start(bool at_birth);  // with the weights as they are before the next step
  void after_step() { weights_.after_step(); }
  void after_epoch(const EpochRow& row);

 private:
  const RunConfig& config_;
  TrainingRecord weights_;
  std::optional<NodeRecord> nodes_;
};

}  // namespace fanin
