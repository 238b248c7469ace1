// Pictures of a network at birth hold its weights and its values.
// SPDX-License-Identifier: MIT
#include "apps/study/birth_pictures.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fanin {
namespace {

std::unique_ptr<Session> session_of(const std::string& model) {
  RunConfig config;
  config.model = model;
  config.data = "synthetic:train=32,test=16";
  config.batch = 4;
  config.augment = "none";
  return open_session(config);
}

TEST(BirthPictures, HoldWeightsAndValues) {
  const std::unique_ptr<Session> session = session_of("plain-4-4");
  const KeptBatch batch = first_batch(*session);
  session->initialize();
  const BirthPictures pictures = birth_pictures(session->model.network, batch);
  const Parameter& w = *session->model.network.find_parameter("conv0.weight");
  const std::size_t outputs = static_cast<std::size_t>(w.shape.out_channels());
  ASSERT_EQ(pictures.filters.size(), outputs);
  for (std::size_t o = 0; o < outputs; ++o) {
    const Tile& tile = pictures.filters[o];
    EXPECT_EQ(tile.height * tile.width * tile.channels, 27);
    for (std::size_t i = 0; i < 27; ++i) EXPECT_EQ(tile.values[i], w.value[i * outputs + o]);
  }
  // The image, and three convolutions with four channels each.
  ASSERT_EQ(pictures.maps.size(), 1u + 3 * 4u);
  EXPECT_EQ(pictures.maps[0].channels, 3);
  EXPECT_EQ(pictures.maps[0].values[5], batch.images.view().pixel(1)[2]);
  // A pixel inside, by hand: the convolution of the image with filter 2.
  const int width = batch.images.shape().width, x = 5, y = 7;
  double sum = 0;
  for (int dy = 0; dy < 3; ++dy)
    for (int dx = 0; dx < 3; ++dx)
      for (int c = 0; c < 3; ++c)
        sum += static_cast<double>(pictures.filters[2].values[static_cast<std::size_t>((dy * 3 + dx) * 3 + c)]) *
               static_cast<double>(
                   batch.images.view().pixel(static_cast<std::size_t>((y + dy - 1) * width + x + dx - 1))[c]);
  EXPECT_EQ(pictures.maps[3].label, "conv0, channel 2");
  EXPECT_NEAR(pictures.maps[3].values[static_cast<std::size_t>(y * width + x)], sum, 27 * 1e-6 * 10)
      << "27 products of about 1, in single precision";
}

TEST(BirthPictures, ANetworkWithoutConvolutionsHasTheImageAlone) {
  const std::unique_ptr<Session> session = session_of("mlp-2-8");
  const KeptBatch batch = first_batch(*session);
  session->initialize();
  const BirthPictures pictures = birth_pictures(session->model.network, batch);
  EXPECT_TRUE(pictures.filters.empty());
  EXPECT_EQ(pictures.maps.size(), 1u);
}

}  // namespace
}  // namespace fanin
