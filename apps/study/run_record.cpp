// SPDX-License-Identifier: MIT
#include "apps/study/run_record.h"

#include "core/text.h"

namespace fanin {

namespace {

// Of the learning rate, for weights of rank 2 and more.
double weight_factor(const RunConfig& config) {
  double factor = 1.0;
  for (const std::string& group : config.lr_groups) {  // "weight=0.5", checked by the optimizer
    const std::size_t equals = group.find('=');
    if (trim(std::string_view(group).substr(0, equals)) == "weight")
      factor = parse_number(trim(std::string_view(group).substr(equals + 1))).value_or(1.0);
  }
  return factor;
}

}  // namespace

RunRecord::RunRecord(Session& session, const io::Path& folder)
    : config_(session.config), weights_(session.model.network, folder, session.config.record) {
  if (config_.record) nodes_.emplace(session, folder);
}

void RunRecord::start(bool at_birth) {
  weights_.start(at_birth);
  if (nodes_ && at_birth) nodes_->put(0);
}

void RunRecord::after_epoch(const EpochRow& row) {
  weights_.after_epoch(row.epoch, row.learning_rate * weight_factor(config_));  // first: it reads the last gradients
  if (nodes_) nodes_->put(row.epoch);
}

}  // namespace fanin
