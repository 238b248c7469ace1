// The rows of the catalog: name, options, what is printed about it, and how it is made from its options. A family of
// initializers has a file of rows; init/catalog.cpp joins them.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/spec.h"
#include "init/catalog.h"

namespace fanin {

struct InitializerRow {
  InitializerEntry entry;
  InitializerPtr (*make)(SpecOptions&);
};

const std::vector<InitializerRow>& scale_rows();       // independent draws, one scale a layer
const std::vector<InitializerRow>& structured_rows();  // weights that depend on each other

}  // namespace fanin
