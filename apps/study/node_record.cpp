// SPDX-License-Identifier: MIT
#include "apps/study/node_record.h"

#include "core/check.h"
#include "core/text.h"
#include "init/layer_pass.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace fanin {

namespace {

constexpr const char *kNodeHead =
                         "epoch,node,weighted,mean,std,rms,zeros,dead,saturated,pair_correlation,"
                         "gradient_mean,gradient_std,gradient_rms",
                     *kWeightHead = "epoch,weight,std,norm,gradient_norm,gradient_to_weight";
constexpr std::size_t kNodeCells = 13;

std::string histogram_head() {
  std::string head = "epoch,node,of,low,high";
  for (std::size_t i = 0; i < kNodeBins; ++i) head += fmt::format(",bin{}", i);
  return head;
}

// In the order in which the first epoch trains on them, but as they are.
KeptBatch plain_batch(const Session& s) {
  const auto source = make_batches(s.dataset, s.dataset.train,
                                   {.batch_size = std::min(s.config.batch, kRecordImages),
                                    .shuffle = true,
                                    .drop_last = false,
                                    .seed = s.config.seed,
                                    .augmentation = normalization_only(augmentation_of(s.config, s.dataset))});
  return first_batch(*source);
}

std::string cell(const OverSeeds& o, bool root = false) {
  if (o.values.empty()) return "";
  return fmt::format("{}", root ? std::sqrt(o.values.back()) : o.values.back());
}

std::string row_of(int epoch, const NodeBirth& n) {
  std::string row = fmt::format("{},{},{}", epoch, n.node, n.weighted ? 1 : 0);
  row += "," + cell(n.mean) + "," + cell(n.std) + "," + cell(n.square, true);
  for (const OverSeeds* o : {&n.zeros, &n.dead, &n.saturated, &n.correlation, &n.gradient_mean, &n.gradient_std})
    row += "," + cell(*o);
  return row + "," + cell(n.gradient_square, true) + "\n";
}

std::string row_of(int epoch, const NodeBirth& n, const char* of, const Histogram& h) {
  if (h.counts.empty()) return "";
  return fmt::format("{},{},{},{},{},{}\n", epoch, n.node, of, h.low, h.high, fmt::join(h.counts, ","));
}

double number_or_nan(std::string_view cell) {
  return parse_number(cell).value_or(std::numeric_limits<double>::quiet_NaN());
}

}  // namespace

NodeRecord::NodeRecord(Session& session, const io::Path& folder)
    : session_(session),
      batch_(plain_batch(session)),
      nodes_(folder / "node_record.csv", kNodeHead),
      histograms_(folder / "node_histograms.csv", histogram_head()),
      weights_(folder / "weight_gradients.csv", kWeightHead) {}

void NodeRecord::put(int epoch) {
  Network& net = session_.model.network;
  Birth now = empty_birth(session_);
  {
    const WatchedPasses kept(net, session_.config.seed);  // running statistics
    add_pass(net, batch_, session_.config.seed, now);
  }
  std::string nodes, histograms, weights;
  for (const NodeBirth& n : now.nodes) {
    nodes += row_of(epoch, n);
    histograms += row_of(epoch, n, "value", n.values) + row_of(epoch, n, "gradient", n.gradients);
  }
  for (const WeightBirth& w : now.weights)
    weights += fmt::format("{},{},{},{},{},{}\n", epoch, w.parameter, cell(w.std), cell(w.norm), cell(w.gradient_norm),
                           cell(w.ratio));
  nodes_.put(epoch, nodes);
  histograms_.put(epoch, histograms);
  weights_.put(epoch, weights);
}

std::vector<NodeRow> read_node_record(const io::Path& file) {
  std::vector<NodeRow> rows;
  read_epoch_csv(file, kNodeCells, [&](int epoch, const std::vector<std::string_view>& cells, int) {
    rows.push_back({epoch, std::string(cells[1]), cells[2] == "1", number_or_nan(cells[5]), number_or_nan(cells[12])});
  });
  return rows;
}

std::vector<NodeHistogram> read_node_histograms(const io::Path& file,
                                                const std::function<bool(int epoch, std::string_view node)>& wanted) {
  std::vector<NodeHistogram> rows;
  read_epoch_csv(file, kNodeBins + 5, [&](int epoch, const std::vector<std::string_view>& cells, int line) {
    FANIN_CHECK(cells[2] == "value" || cells[2] == "gradient", input,
                "{} line {}: '{}' is neither value nor gradient; remove the file", file.string(), line, cells[2]);
    if (!wanted(epoch, cells[1])) return;
    const std::vector<double> numbers = numbers_of(cells, 3, file, line);
    rows.push_back({epoch,
                    std::string(cells[1]),
                    cells[2] == "gradient",
                    {numbers[0], numbers[1], {numbers.begin() + 2, numbers.end()}}});
  });
  return rows;
}

}  // namespace fanin
