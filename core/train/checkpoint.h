// A checkpoint: everything a run needs to go on, as one safetensors file. Weights are stored OIHW under their upstream
// names, so the file is also a plain weights file for PyTorch users.
//   parameters and state buffers under their names; "optimizer/<state>/<parameter>"; progress and `extra` as metadata
//   strings
// Doubles in the metadata are hexadecimal floats: the round trip is exact.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/io/file.h"
#include "core/train/trainer.h"

#include <map>
#include <string>

namespace fanin {

using Metadata = std::map<std::string, std::string>;

void save_weights(const io::Path& path, const Network& net, const Metadata& extra);
// Loads parameters and state buffers. Every name must be there with the right dtype and shape; unknown tensors other
// than optimizer/* are errors too.
// Nothing is changed unless everything fits. Returns the metadata. Throws ErrorKind::input or ErrorKind::shape naming
// file, tensor, both shapes.
Metadata load_weights(const io::Path& path, Network& net);

void save_checkpoint(const io::Path& path, const Network& net, Optimizer& optimizer, const TrainProgress& progress,
                     const Metadata& extra);
Metadata load_checkpoint(const io::Path& path, Network& net, Optimizer& optimizer, TrainProgress& progress);

}  // namespace fanin
