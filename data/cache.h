// A data set as one safetensors file that later runs map at once. Tensors train_labels, test_labels (I32) and
// train_images, test_images (U8, N x H x W x C); metadata: format, version, name, classes, mean, std (JSON arrays),
// fingerprint.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/io/file.h"
#include "data/dataset.h"

namespace fanin {

void write_cache(const io::Path& path,
                 const Dataset& dataset);  // replaces the file as a whole; throws ErrorKind::output

// Maps the pixels without reading them. Shapes, labels and constants are checked; throws ErrorKind::input.
Dataset open_cache(const io::Path& path);

// Reads everything and compares with the fingerprint made at import; throws ErrorKind::input if they differ.
void verify_fingerprint(const Dataset& dataset, const std::string& source);

}  // namespace fanin
