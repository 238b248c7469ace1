// What a figure shows, apart from how it is drawn: svg.h draws it still, page.h puts it on a page.
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace fanin {

struct PlotSeries {
  std::string name;
  std::vector<double> x, y;                   // points that are not finite (or not positive on a log axis) are left out
  std::vector<double> low, high;              // a band, or empty; of several seeds, the quartiles
  std::vector<double> least = {}, most = {};  // a wider band: the smallest and the largest seed
  // Series of one group, usually a scheme, share colour and shape on a page, and are switched on and off together.
  std::string group = {};  // empty: the name
  bool reference = false;  // a prediction, or somebody else's numbers: dotted, with hollow points
  const std::string& key() const { return group.empty() ? name : group; }
};

struct Plot {
  std::string title, x_label, y_label;
  bool log_x = false, log_y = false;
  std::vector<PlotSeries> series;
  std::vector<std::string> x_names = {};  // of x = 0, 1, ...; empty: numbers
  std::string reference_says = {};        // what references are, a sentence; empty: predictions or published numbers
};

struct HeatMap {
  std::string title, x_label, y_label, value_label;
  std::vector<std::string> columns, rows;   // rows from the bottom to the top
  std::vector<std::vector<double>> values;  // [row][column]; NaN: no value
  std::vector<PlotSeries> overlay = {};  // lines over the cells, in units of columns and rows: 0 is the first's middle
};

struct HistogramSeries {
  std::string name;
  double low = 0, high = 0;    // of equal bins
  std::vector<double> counts;  // drawn as shares of their sum
};

struct HistogramFrame {
  std::string label;
  std::vector<HistogramSeries> series;
};

// A slider steps through the frames: the nodes of a network, or epochs.
struct HistogramStack {
  std::string title, x_label, slider_label;
  std::vector<HistogramFrame> frames;
};

// Small pictures of numbers. Channels are 1, shown grey, or 3, shown as red, green and blue.
struct Tile {
  std::string label;
  int height = 0, width = 0, channels = 1;
  std::vector<float> values;  // (height, width, channels); each tile has its own scale, lowest to highest
};
struct Pictures {
  std::string title, group;  // as PlotSeries::group; empty: always there
  std::vector<Tile> tiles;
};

// A value with an interval; 0 is marked.
struct IntervalRow {
  std::string name;
  double centre = 0, low = 0, high = 0;
  bool has_interval = false;
};

}  // namespace fanin
