// metrics.csv of a run folder: a row per epoch; the same bytes for the same run, times aside.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/io/file.h"
#include "core/train/trainer.h"

#include <string>
#include <vector>

namespace fanin {

std::string metrics_csv(const std::vector<EpochRow>& rows);
// The rows of folder/metrics.csv, none if there is no such file. Throws ErrorKind::input naming the damaged line.
std::vector<EpochRow> read_metrics(const io::Path& folder);

}  // namespace fanin
