// SPDX-License-Identifier: MIT
#include "apps/study/page_data.h"

#include "core/check.h"
#include "core/text.h"
#include "data/image_file.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace fanin {

namespace {

using Json = nlohmann::ordered_json;

std::string inert(const Json& json) {
  std::string out;
  for (const char c : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    if (c == '<')
      out += "\\u003c";
    else
      out += c;
  }
  return out;
}

Json style_json(std::size_t index) {
  const SeriesStyle& style = series_style(index);
  std::vector<double> dash;
  for (const std::string_view length : split(style.dash, ' ')) dash.push_back(*parse_number(length));
  return {{"colour", style.colour}, {"dash", dash}, {"shape", style.shape}};
}

Json series_json(const std::vector<PlotSeries>& series, const Styles& styles) {
  Json result = Json::array();
  for (std::size_t i = 0; i < series.size(); ++i) {
    const PlotSeries& s = series[i];
    result.push_back({{"name", s.name},
                      {"group", s.key()},
                      {"reference", s.reference},
                      {"style", style_json(styles[i])},
                      {"x", s.x},
                      {"y", s.y},
                      {"low", s.low},
                      {"high", s.high},
                      {"least", s.least},
                      {"most", s.most}});
  }
  return result;
}

// Of the finite values; the tile is flat where low = high.
std::pair<float, float> range_of(const Tile& tile) {
  float low = 0.0f, high = 0.0f;
  bool any = false;
  for (const float v : tile.values) {
    if (!std::isfinite(v)) continue;
    low = any ? std::min(low, v) : v;
    high = any ? std::max(high, v) : v;
    any = true;
  }
  return {low, high};
}

}  // namespace

std::string page_data(const Plot& plot, const Styles& styles) {
  Json json = {{"title", plot.title}, {"x_label", plot.x_label}, {"y_label", plot.y_label},
               {"log_x", plot.log_x}, {"log_y", plot.log_y},     {"series", series_json(plot.series, styles)}};
  if (!plot.x_names.empty()) json["x_names"] = plot.x_names;
  if (!plot.reference_says.empty()) json["reference_says"] = plot.reference_says;
  return inert(json);
}

std::string page_data(const HeatMap& map, const Styles& styles) {
  return inert({{"title", map.title},
                {"x_label", map.x_label},
                {"y_label", map.y_label},
                {"value_label", map.value_label},
                {"columns", map.columns},
                {"rows", map.rows},
                {"values", map.values},
                {"overlay", series_json(map.overlay, styles)}});
}

std::string page_data(const HistogramStack& stack, const Styles& styles) {
  const std::vector<std::string> names = groups_of(stack);
  Json looks = Json::object(), frames = Json::array();
  for (std::size_t i = 0; i < names.size(); ++i) looks[names[i]] = style_json(styles[i]);
  for (const HistogramFrame& frame : stack.frames) {
    Json series = Json::array();
    for (const HistogramSeries& s : frame.series)
      series.push_back({{"name", s.name}, {"low", s.low}, {"high", s.high}, {"counts", s.counts}});
    frames.push_back({{"label", frame.label}, {"series", series}});
  }
  return inert({{"title", stack.title},
                {"x_label", stack.x_label},
                {"slider_label", stack.slider_label},
                {"styles", looks},
                {"frames", frames}});
}

std::string page_data(const Pictures& pictures) {
  Json tiles = Json::array();
  for (const Tile& tile : pictures.tiles) {
    const auto [low, high] = range_of(tile);
    tiles.push_back({{"label", tile.label}, {"low", low}, {"high", high}, {"channels", tile.channels}});
  }
  return inert({{"title", pictures.title}, {"group", pictures.group}, {"tiles", tiles}});
}

std::string page_data(const std::string& title, const std::vector<IntervalRow>& rows) {
  Json list = Json::array();
  for (const IntervalRow& row : rows)
    list.push_back({{"name", row.name},
                    {"centre", row.centre},
                    {"low", row.has_interval ? Json(row.low) : Json()},
                    {"high", row.has_interval ? Json(row.high) : Json()}});
  return inert({{"title", title}, {"rows", list}});
}

std::string png_uri(const Tile& tile) {
  FANIN_CHECK((tile.channels == 1 || tile.channels == 3) && tile.height > 0 && tile.width > 0 &&
                  tile.values.size() == static_cast<std::size_t>(tile.height * tile.width * tile.channels),
              shape, "a picture of {}x{} pixels with {} channels and {} values; give 1 or 3 channels, and all values",
              tile.height, tile.width, tile.channels, tile.values.size());
  const auto [low, high] = range_of(tile);
  const float scale = high > low ? 255.0f / (high - low) : 0.0f;
  std::vector<std::uint8_t> pixels;
  for (std::size_t i = 0; i < tile.values.size(); ++i) {
    const float v = tile.values[i];
    const int level = std::isfinite(v) ? static_cast<int>(std::lround((v - low) * scale)) : 0;
    pixels.insert(pixels.end(), tile.channels == 1 ? 3 : 1, static_cast<std::uint8_t>(std::clamp(level, 0, 255)));
  }
  std::vector<std::uint8_t> bytes;
  for (const std::byte b : encode_png(pixels, tile.height, tile.width))
    bytes.push_back(std::to_integer<std::uint8_t>(b));
  return "data:image/png;base64," + base64(bytes);
}

std::string base64(const std::vector<std::uint8_t>& bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) { return i + k < bytes.size() ? bytes[i + k] : 0u; };
    const unsigned bits = byte(0) << 16 | byte(1) << 8 | byte(2);
    for (std::size_t k = 0; k < 4; ++k) out += i + k > bytes.size() ? '=' : kDigits[bits >> (18 - 6 * k) & 63];
  }
  return out;
}

std::vector<std::uint8_t> bytes_of_hex(std::string_view digits) {
  const auto value = [](char c) { return static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10); };
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(value(digits[i]) << 4 | value(digits[i + 1])));
  return bytes;
}

}  // namespace fanin
