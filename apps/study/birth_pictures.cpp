// SPDX-License-Identifier: MIT
#include "apps/study/birth_pictures.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace fanin {

namespace {

constexpr Text kOutput{"output {}", "输出 {}"}, kImage{"the image", "图像"}, kChannel{"{}, channel {}", "{}，通道 {}"};

std::vector<Tile> filters_of(const Network& net, Language language) {
  std::vector<Tile> tiles;
  for (const Parameter* p : net.parameters()) {
    const WeightShape& s = p->shape;
    if (s.rank != 4) continue;
    if (s.in_per_group != 1 && s.in_per_group != 3) return tiles;
    for (int o = 0; o < std::min(s.out_channels(), kMostFilters); ++o) {
      Tile tile{say(language, kOutput, o), s.kernel_height, s.kernel_width, s.in_per_group, {}};
      for (int i = 0; i < s.taps() * s.in_per_group; ++i)  // HWIO
        tile.values.push_back(p->value[static_cast<std::size_t>(i * s.out_channels() + o)]);
      tiles.push_back(std::move(tile));
    }
    return tiles;
  }
  return tiles;
}

Tile channels_of(std::string label, ConstView view, int first, int count) {
  Tile tile{std::move(label), view.shape.height, view.shape.width, count, {}};
  for (int p = 0; p < view.shape.height * view.shape.width; ++p)
    for (int c = first; c < first + count; ++c) tile.values.push_back(view.pixel(static_cast<std::size_t>(p))[c]);
  return tile;
}

// Keeps the tiles of the nodes it is asked for; pixels of the first image come first.
class Camera : public Observer {
 public:
  Camera(const std::vector<std::string>& nodes, Language language) : language_(language) {
    for (const std::string& node : nodes) tiles[node];
  }
  void value(std::string_view node, ConstView v) override {
    const auto at = tiles.find(node);
    if (at == tiles.end()) return;
    for (int c = 0; c < std::min(v.shape.channels, kMapChannels); ++c)
      at->second.push_back(channels_of(say(language_, kChannel, node, c), v, c, 1));
  }
  std::map<std::string, std::vector<Tile>, std::less<>> tiles;

 private:
  const Language language_;
};

}  // namespace

BirthPictures birth_pictures(Network& net, const KeptBatch& batch, Language language) {
  BirthPictures pictures{filters_of(net, language), {}};
  const ConstView images = batch.images.view();
  const int channels = images.shape.channels;
  pictures.maps.push_back(channels_of(say(language, kImage), images, 0, channels == 3 ? 3 : 1));
  std::vector<std::string> layers, chosen;
  for (const NodeSummary& row : net.summary())
    if (row.traits.kind == Traits::Kind::conv && row.output.pixels() > 1) layers.push_back(row.name);
  const std::size_t count = std::min<std::size_t>(layers.size(), kMapLayers);
  for (std::size_t i = 0; i < count; ++i)
    chosen.push_back(layers[count == 1 ? 0 : i * (layers.size() - 1) / (count - 1)]);
  Camera camera(chosen, language);
  net.observe(&camera);
  net.forward(images, Mode::train);
  net.observe(nullptr);
  for (const std::string& node : chosen)
    for (Tile& tile : camera.tiles[node]) pictures.maps.push_back(std::move(tile));
  return pictures;
}

}  // namespace fanin
