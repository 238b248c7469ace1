// A checkpoint: everything a run needs to go on, as one safetensors file. Weights are stored OIHW under their upstream
// names, so the file is also a plain weights file for PyTorch users.
//   parameters and state buffers under their names; "optimizer/<state>/<parameter>"; progress and `extra` as metadata
//   strings
// Doubles in the metadata are hexadecimal floats: the round trip is exact.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/train/trainer.h"
#include "core/train/weights_file.h"

namespace fanin {

void save_checkpoint(const io::Path& path, const Network& net, Optimizer& optimizer, const TrainProgress& progress,
                     const Metadata& extra);
Metadata load_checkpoint(const io::Path& path, Network& net, Optimizer& optimizer, TrainProgress& progress);

}  // namespace fanin
