// What initializers and steps claim, in Chinese: beside the English of the catalogs (init/catalog.h,
// init/network_catalog.h), by the same names.
// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>
#include <vector>

namespace fanin {

std::string_view claim_zh(std::string_view name);  // empty: none
std::vector<std::string_view> names_with_claim_zh();

}  // namespace fanin
