// `fanin probe --report`: a page. Measured lines with the range of a mean (two standard errors either way), predicted
// lines with their limits.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/birth_export.h"
#include "apps/study/text.h"

namespace fanin {

std::string birth_page(const std::vector<ProbedScheme>& schemes, const std::string& command,
                       Language language = Language::en);  // schemes not empty

}  // namespace fanin
