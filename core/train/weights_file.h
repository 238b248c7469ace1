// Weights in safetensors files: OIHW order, upstream names, so that PyTorch users read and write the same files.
// SPDX-License-Identifier: MIT
#pragma once

#include "core/graph/network.h"
#include "core/io/safetensors.h"

#include <list>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace fanin {

using Metadata = std::map<std::string, std::string>;

void save_weights(const io::Path& path, const Network& net, const Metadata& extra);
// Loads parameters and state buffers, strictly: every name must be there with the right dtype and shape, and unknown
// tensors other than optimizer/* are errors, too. `fresh` names parameters to leave as they are, by patterns ("fc.*").
// Nothing is changed unless everything fits. Returns the metadata. Throws ErrorKind::input (ErrorKind::shape if only
// shapes differ) with what is missing, unexpected and misshaped.
Metadata load_weights(const io::Path& path, Network& net, const std::vector<std::string>& fresh = {});

// Collects tensors, turned into file order, and writes them.
class WeightsWriter {
 public:
  void add(std::string name, const WeightShape& shape, std::span<const float> values);
  void add_network(const Network& net);
  void write(const io::Path& path, const Metadata& metadata) const { io::write_safetensors(path, tensors_, metadata); }

 private:
  std::list<std::vector<float>> copies_;  // which the tensors borrow
  std::vector<io::TensorToWrite> tensors_;
};

// What will be copied where, once everything has been checked. A file of PyTorch's may differ from the network's names
// in two ways that leave no doubt: "module." in front of every name (nn.DataParallel), and a convolution called "conv0"
// for "conv0.weight" (the functional code of wide-residual-networks).
class WeightsReader {
 public:
  explicit WeightsReader(const io::Path& path);

  void want(const std::string& name, const WeightShape& shape, std::span<float> target);
  void want_network(Network& net, const std::vector<std::string>& fresh = {});
  // Throws unless all that was wanted is there and everything there was wanted. Optimizer state may stay unread, and
  // PyTorch's counters are not needed.
  void check_fit() const;
  void load() const;

  const Metadata& metadata() const { return parsed_.metadata; }
  const std::string& source() const { return source_; }

 private:
  struct Wanted {
    io::Bytes data;
    WeightShape shape;
    std::span<float> target;
  };
  const std::string source_;
  const io::MappedFile file_;
  const io::Safetensors parsed_;
  std::string prefix_;
  std::vector<Wanted> wanted_;
  std::set<std::string> used_;
  std::vector<std::string> missing_, misshaped_, foreign_;
};

}  // namespace fanin
