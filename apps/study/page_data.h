// The numbers of figures as JSON that may stand inside a page, and what a page needs to carry bytes.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/svg.h"

#include <cstdint>

namespace fanin {

// `styles` as for svg(). What is not finite is null. There is no '<' in it, so that no text can end the script element.
std::string page_data(const Plot& plot, const Styles& styles);
std::string page_data(const HeatMap& map, const Styles& styles);
std::string page_data(const HistogramStack& stack, const Styles& styles);
std::string page_data(const Pictures& pictures);
std::string page_data(const std::string& title, const std::vector<IntervalRow>& rows);

std::string png_uri(const Tile& tile);  // "data:image/png;base64,..."

std::string base64(const std::vector<std::uint8_t>& bytes);
std::vector<std::uint8_t> bytes_of_hex(std::string_view digits);

}  // namespace fanin
