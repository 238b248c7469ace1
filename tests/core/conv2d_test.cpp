// Every rung of the convolution ladder against the definition, over odd sizes, strides, paddings, groups, slices,
// transforms, epilogues and both writes.
// SPDX-License-Identifier: MIT
#include "core/kernels/conv2d.h"

#include "tests/core/conv2d_check.h"

#include <algorithm>

namespace fanin {
namespace {

using test::Case;
using test::describe;
using test::kNan;
using test::Problem;

// Every combination that a remainder could hide in: channels around vector widths, images that no tile divides, batch
// 1.
std::vector<Case> cases() {
  std::vector<Case> result;
  for (const int kernel : {1, 2, 3, 5})
    for (const int stride : {1, 2, 3})
      for (const int padding : {0, 1, 2})
        for (const int size : {5, 9})
          result.push_back({{.in_channels = 3,
                             .out_channels = 5,
                             .kernel = kernel,
                             .stride = stride,
                             .padding = padding,
                             .groups = 1},
                            {2, size, size + 2, 3}});
  for (const int in : {1, 3, 15, 16, 17, 33})
    for (const int out : {1, 12, 16, 17, 32, 49})
      for (const int stride : {1, 2})
        result.push_back(
            {{.in_channels = in, .out_channels = out, .kernel = 3, .stride = stride, .padding = 1, .groups = 1},
             {1, 7, 21, in}});
  for (const auto& [in, out] : {std::pair{41, 50}, {64, 64}, {97, 65}})  // wide enough for Winograd with stride 2
    for (const auto& [height, width] : {std::pair{1, 1}, {2, 3}, {5, 8}, {9, 4}})
      result.push_back({{.in_channels = in, .out_channels = out, .kernel = 3, .stride = 2, .padding = 1, .groups = 1},
                        {3, height, width, in}});
  for (const int groups : {2, 3, 8})
    for (const int width : {1, 4, 17})
      for (const int kernel : {1, 3})
        result.push_back({{.in_channels = groups * width,
                           .out_channels = 2 * groups * width,
                           .kernel = kernel,
                           .stride = 1,
                           .padding = kernel / 2,
                           .groups = groups},
                          {3, 6, 5, groups * width}});
  for (const int channels : {2, 16, 21, 37})  // depthwise
    for (const int kernel : {2, 3, 5, 9})
      for (const int stride : {1, 2})
        for (const int padding : {0, kernel / 2})
          result.push_back({{.in_channels = channels,
                             .out_channels = channels,
                             .kernel = kernel,
                             .stride = stride,
                             .padding = padding,
                             .groups = channels},
                            {2, 10, 19, channels}});
  for (const int width : {2, 4, 8})  // lanes that change places; groups that fill no vector, no task
    for (const int groups : {2, 3, 6, 12, 16})
      for (const int kernel : {1, 2, 3, 5, 7})
        for (const int stride : {1, 2})
          for (const int padding : {0, kernel / 2})
            result.push_back({{.in_channels = groups * width,
                               .out_channels = groups * width,
                               .kernel = kernel,
                               .stride = stride,
                               .padding = padding,
                               .groups = groups},
                              {2, 8, 11, groups * width}});
  result.push_back(
      {{.in_channels = 16, .out_channels = 16, .kernel = 3, .stride = 1, .padding = 1, .groups = 1}, {9, 32, 32, 16}});
  return result;
}

// The shapes of the networks of the catalog, on images small enough for the definition.
std::vector<Case> network_cases() {
  std::vector<Case> result;
  const auto add = [&](int in, int out, int kernel, int stride, int groups, int images, int size) {
    result.push_back({{.in_channels = in,
                       .out_channels = out,
                       .kernel = kernel,
                       .stride = stride,
                       .padding = kernel / 2,
                       .groups = groups},
                      {images, size, size, in}});
  };
  add(3, 16, 3, 1, 1, 2, 32);
  add(16, 32, 3, 2, 1, 3, 16);
  add(16, 32, 1, 2, 1, 3, 16);
  add(32, 32, 3, 1, 1, 5, 16);
  add(64, 64, 3, 1, 1, 19, 8);
  add(64, 128, 3, 2, 1, 1, 16);
  add(200, 194, 3, 2, 2, 3, 9);  // stride 2, groups; large weights below
  add(100, 97, 3, 2, 1, 6, 8);
  add(160, 112, 3, 1, 1, 2, 8);  // large weights
  add(370, 640, 3, 1, 1, 1, 3);  // so large that panels and slices of it follow each other
  add(768, 768, 3, 1, 3, 1, 3);  // and parts of its groups
  add(128, 64, 1, 2, 1, 2, 8);
  add(120, 48, 1, 1, 1, 3, 10);
  add(48, 12, 3, 1, 1, 2, 16);
  add(64, 128, 1, 1, 1, 2, 9);
  add(517, 523, 1, 1, 1, 2, 9);  // large weights, 1x1
  add(517, 523, 1, 2, 1, 2, 9);
  add(17, 8208, 1, 1, 1, 9, 3);  // so large that its images are packed in two portions
  add(128, 128, 3, 1, 8, 2, 9);
  add(64, 64, 3, 2, 4, 2, 16);
  add(256, 256, 3, 1, 4, 2, 5);  // dU of three groups, then of one
  add(64, 64, 3, 1, 16, 2, 10);  // narrow groups
  add(64, 64, 3, 2, 16, 2, 10);
  add(16, 16, 3, 1, 1, 1, 9);    // 9 or 25 tiles: one more than a multiple of 4
  add(24, 24, 3, 1, 6, 2, 7);    // merges of groups that do not fill a vector
  add(48, 48, 3, 1, 16, 2, 10);  // and of groups of three
  add(20, 20, 3, 1, 20, 2, 9);   // depthwise
  add(37, 37, 5, 2, 37, 2, 9);
  add(36, 36, 3, 2, 12, 2, 9);
  const auto add_blocks = [&](int in, int out, int stride, const Shape& x) {  // whole blocks of 128 pixels
    result.push_back(
        {{.in_channels = in, .out_channels = out, .kernel = 1, .stride = stride, .padding = 0, .groups = 1},
         x.with_channels(in)});
  };
  add_blocks(64, 96, 1, {3, 16, 16, 1});
  add_blocks(288, 64, 1, {1, 8, 16, 1});   // sums in two parts
  add_blocks(64, 576, 1, {9, 4, 32, 1});   // many panels; one image more than chunks
  add_blocks(96, 160, 2, {2, 15, 32, 1});  // stride 2, from an odd and an even number of pixels
  add_blocks(64, 64, 2, {2, 32, 31, 1});
  add_blocks(512, 544, 1, {1, 8, 16, 1});  // too many weights for the gradients
  return result;
}

std::vector<Case> all_cases() {
  std::vector<Case> result = cases();
  for (const Case& c : network_cases()) result.push_back(c);
  return result;
}

int check_all(const ConvCandidate& rung, const test::WinogradAlgorithm* winograd = nullptr) {
  int fitting = 0;
  for (const Case& c : all_cases()) {
    for (const bool with_extras : {false, true}) test::check(rung, c, with_extras, winograd);
    if (::testing::Test::HasFatalFailure()) return 0;
    fitting += rung.fits(c.conv, c.x, ConvProduct::forward);
  }
  return fitting;
}

TEST(Conv2d, GemmIsTheDefinition) { EXPECT_GT(check_all(conv_gemm), 100); }
TEST(Conv2d, DirectIsTheDefinition) { EXPECT_GT(check_all(conv_direct), 90); }
TEST(Conv2d, DepthwiseIsTheDefinition) { EXPECT_GT(check_all(conv_depthwise), 40); }
TEST(Conv2d, GroupedIsTheDefinition) { EXPECT_GT(check_all(conv_grouped), 200); }
TEST(Conv2d, PointwiseIsTheDefinition) { EXPECT_GT(check_all(conv_pointwise), 6); }
TEST(Conv2d, StrassenIsTheDefinition) { EXPECT_EQ(check_all(conv_strassen), 6); }
TEST(Conv2d, Winograd2IsTheDefinition) {
  const test::WinogradAlgorithm m = test::winograd2();
  EXPECT_GT(check_all(conv_winograd2, &m), 15);
}
TEST(Conv2d, Winograd4IsTheDefinition) {
  const test::WinogradAlgorithm m = test::winograd4();
  EXPECT_GT(check_all(conv_winograd4, &m), 15);
}
TEST(Conv2d, Strided2IsTheDefinition) {
  const test::WinogradAlgorithm m = test::strided2();
  EXPECT_GE(check_all(conv_strided2, &m), 15);
}

class Conv2dAmx : public test::MatrixUnit {};
TEST_P(Conv2dAmx, IsTheDefinition) { EXPECT_GE(check_all(conv_amx), 3); }
INSTANTIATE_TEST_SUITE_P(Precisions, Conv2dAmx, test::kMatrixUnitPrecisions);

// A hash of everything that the three products write.
std::uint64_t run_all(const ConvCandidate& rung, const Case& test) {
  Problem q(test, true);
  const Conv2d& c = test.conv;
  std::vector<float> dw(q.w.size(), 0.0f), moments(static_cast<std::size_t>(2 * q.y_shape.images * c.out_channels)),
      sums(static_cast<std::size_t>(2 * test.x.images * c.in_channels));
  Tensor y(q.y_shape), dx(test.x);
  const auto scratch = [&](ConvProduct p) { return Buffer(rung.scratch(c, test.x, p, thread_count())); };
  const ForwardEpilogue forward{q.add.view(), moments.data()};
  rung.forward(c, q.x.view(), q.transform, q.w.data(), y.view(), forward, scratch(ConvProduct::forward).span());
  const BackwardEpilogue backward{q.x.view(), q.transform, sums.data()};
  if (rung.fits(c, test.x, ConvProduct::backward_input))
    rung.backward_input(c, q.dy.view(), q.w.data(), dx.view(), Write::overwrite, backward,
                        scratch(ConvProduct::backward_input).span());
  rung.backward_weights(c, q.x.view(), q.transform, q.dy.view(), dw.data(),
                        scratch(ConvProduct::backward_weights).span());
  std::uint64_t hash = hash_bytes(dw.data(), dw.size() * sizeof(float));
  if (rung.backward != nullptr && rung.fits(c, test.x, ConvProduct::backward_input)) {
    hash = hash_bytes(dx.view().data, test.x.size() * sizeof(float), hash);
    rung.backward(c, q.x.view(), q.transform, q.dy.view(), q.w.data(), dx.view(), Write::overwrite, backward, dw.data(),
                  Buffer(rung.backward_scratch(c, test.x, thread_count())).span());
    hash = hash_bytes(dw.data(), dw.size() * sizeof(float), hash);
  }
  hash = hash_bytes(moments.data(), moments.size() * sizeof(float), hash);
  hash = hash_bytes(sums.data(), sums.size() * sizeof(float), hash);
  hash = hash_bytes(y.view().data, q.y_shape.size() * sizeof(float), hash);
  return hash_bytes(dx.view().data, test.x.size() * sizeof(float), hash);
}

TEST(Conv2d, SameBitsOnAnyNumberOfThreads) {
  const int before = thread_count();
  for (const ConvCandidate* rung : {&conv_gemm, &conv_direct, &conv_pointwise, &conv_strassen, &conv_depthwise,
                                    &conv_grouped, &conv_winograd2, &conv_winograd4, &conv_strided2, &conv_amx})
    for (const Case& test : all_cases()) {
      const Shape y_shape = test.conv.output_shape(test.x);
      if (y_shape.height < 1 || y_shape.width < 1 || !rung->fits(test.conv, test.x, ConvProduct::forward)) continue;
      set_thread_count(1);
      const std::uint64_t expected = run_all(*rung, test);
      for (const int threads : {2, 3, 7}) {
        set_thread_count(threads);
        EXPECT_EQ(run_all(*rung, test), expected) << rung->name << ", " << threads << " threads, " << describe(test);
      }
    }
  set_thread_count(before);
}

// y = max(own(y) + other(add), 0), from the y that the rung leaves without it: the same operations, so the same bits.
void check_join(const ConvCandidate& rung, const Case& test, bool own, bool other) {
  Problem q(test, true);
  const int channels = test.conv.out_channels;
  std::vector<float> rows[6];
  for (std::size_t k = 0; k < 6; ++k)
    for (int c = 0; c < channels; ++c)
      rows[k].push_back(0.25f + 0.01f * static_cast<float>((c * 7 + static_cast<int>(k) * 5) % 23));
  ForwardEpilogue e{q.add.view()};
  e.joins = true;
  if (own) e.own = {rows[0].data(), rows[1].data(), rows[2].data(), false};
  if (other) e.other = {rows[3].data(), rows[4].data(), rows[5].data(), true};
  Tensor plain(q.y_shape), joined(q.y_shape);
  const Buffer scratch(rung.scratch(test.conv, test.x, ConvProduct::forward, thread_count()));
  rung.forward(test.conv, q.x.view(), q.transform, q.w.data(), plain.view(), {}, scratch.span());
  rung.forward(test.conv, q.x.view(), q.transform, q.w.data(), joined.view(), e, scratch.span());
  const auto read = [&](const InputTransform& t, int c, float x) {
    if (t.factor != nullptr) x = (x - t.mean[c]) * t.factor[c] + t.shift[c];
    return t.relu ? std::max(x, 0.0f) : x;
  };
  int positive = 0;
  for (std::size_t p = 0; p < q.y_shape.pixels(); ++p)
    for (int c = 0; c < channels; ++c) {
      const float sum = read(e.own, c, plain.view().pixel(p)[c]) + read(e.other, c, q.add.view().pixel(p)[c]);
      ASSERT_EQ(joined.view().pixel(p)[c], std::max(sum, 0.0f)) << rung.name << " " << describe(test) << " at " << p;
      positive += sum > 0;
    }
  EXPECT_GT(positive, 0) << rung.name << " " << describe(test);
}

TEST(Conv2d, JoinsWhatStandsBehind) {
  for (const ConvCandidate* rung : {&conv_gemm, &conv_direct, &conv_pointwise, &conv_strassen, &conv_depthwise,
                                    &conv_grouped, &conv_winograd2, &conv_winograd4, &conv_strided2, &conv_amx}) {
    if (rung == &conv_amx && !has_matrix_unit()) continue;
    int tried = 0;
    for (const Case& test : network_cases()) {
      if (!rung->fits(test.conv, test.x, ConvProduct::forward)) continue;
      check_join(*rung, test, true, tried % 2 == 0);
      check_join(*rung, test, tried % 2 == 0, false);
      ++tried;
    }
    EXPECT_GE(tried, 2) << rung->name;
  }
}

// Winograd sums the gradient of large weights in several rounds of several blocks; an image set that needs them is too
// large for the definition, so gemm stands in. A lost or doubled block of the 10 would be off by a tenth.
void check_many_blocks(int stride, const std::vector<const ConvCandidate*>& rungs) {
  const Conv2d c{.in_channels = 112, .out_channels = 97, .kernel = 3, .stride = stride, .padding = 1, .groups = 1};
  const Case test{c, {40, 16, 16, 112}};
  Problem q(test, true);
  const auto run = [&](const ConvCandidate& rung) {
    std::vector<float> dw(q.w.size(), 0.5f);
    Buffer scratch(rung.scratch(c, test.x, ConvProduct::backward_weights, thread_count()));
    std::fill(scratch.span().begin(), scratch.span().end(), kNan);
    rung.backward_weights(c, q.x.view(), q.transform, q.dy.view(), dw.data(), scratch.span());
    return dw;
  };
  const std::vector<float> expected = run(conv_gemm);
  for (const ConvCandidate* rung : rungs) {
    const std::vector<float> actual = run(*rung);
    double error = 0, size = 0;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      error += std::pow(static_cast<double>(actual[i]) - expected[i], 2);
      size += std::pow(static_cast<double>(expected[i]), 2);
    }
    EXPECT_LT(std::sqrt(error / size), 1e-4) << rung->name;
  }
}
TEST(Conv2d, LargeWeightsInManyBlocks) {
  check_many_blocks(1, {&conv_winograd2, &conv_winograd4});
  check_many_blocks(2, {&conv_strided2});
}

// A run that diverges must show: ReLU at the load keeps a NaN.
TEST(Conv2d, NanPassesTheTransform) {
  const Case all_channels{{.in_channels = 16, .out_channels = 16, .kernel = 1, .stride = 1, .padding = 0, .groups = 1},
                          {1, 4, 4, 16}};
  const Case depthwise{{.in_channels = 16, .out_channels = 16, .kernel = 1, .stride = 1, .padding = 0, .groups = 16},
                       {1, 4, 4, 16}};
  for (const ConvCandidate* rung :
       {&conv_gemm, &conv_direct, &conv_pointwise, &conv_depthwise, &conv_grouped, &conv_amx}) {
    if (rung == &conv_amx && !has_matrix_unit()) continue;
    const bool in_channel = rung == &conv_depthwise || rung == &conv_grouped;
    const Case& test = in_channel ? depthwise : all_channels;
    Problem q(test, true);
    q.x.view().pixel(5)[3] = kNan;
    Tensor y(q.y_shape);
    Buffer scratch(rung->scratch(test.conv, test.x, ConvProduct::forward, thread_count()));
    rung->forward(test.conv, q.x.view(), q.transform, q.w.data(), y.view(), {}, scratch.span());
    EXPECT_TRUE(std::isnan(y.view().pixel(5)[in_channel ? 3 : 7])) << rung->name;
  }
}

TEST(Conv2d, ChoiceIsTheFirstThatFits) {
  const Shape x{1, 8, 8, 16};
  const Conv2d three{.in_channels = 16, .out_channels = 16, .kernel = 3, .stride = 1, .padding = 1, .groups = 1};
  const Conv2d one{.in_channels = 16, .out_channels = 16, .kernel = 1, .stride = 1, .padding = 0, .groups = 1};
  Conv2d strided = three;
  strided.stride = 2;
  const ConvPrecision before = conv_precision();
  set_conv_precision(ConvPrecision::fast);
  EXPECT_EQ(conv2d_choice(three, x, ConvProduct::forward), "winograd4");
  set_conv_precision(ConvPrecision::exact);
  EXPECT_EQ(conv2d_choice(three, x, ConvProduct::forward), "winograd2");
  if (has_matrix_unit())
    for (const ConvPrecision precision : {ConvPrecision::bf16x6, ConvPrecision::bf16x3}) {
      set_conv_precision(precision);
      EXPECT_EQ(conv2d_choice(three, x, ConvProduct::forward), "winograd4");
      for (const ConvProduct p : {ConvProduct::forward, ConvProduct::backward_input, ConvProduct::backward_weights})
        EXPECT_EQ(conv2d_choice(one, x, p), "amx");
    }
  set_conv_precision(before);
  EXPECT_EQ(conv2d_choice(one, x, ConvProduct::forward), "pointwise");
  Conv2d large = one;
  large.in_channels = 512, large.out_channels = 544;
  for (const ConvPrecision precision : {ConvPrecision::exact, ConvPrecision::fast}) {
    set_conv_precision(precision);
    const char* const fastest = precision == ConvPrecision::exact ? "pointwise" : "strassen";
    EXPECT_EQ(conv2d_choice(large, {1, 8, 16, 512}, ConvProduct::forward), fastest);
    EXPECT_EQ(conv2d_choice(large, {1, 8, 8, 512}, ConvProduct::forward), "pointwise");
    EXPECT_EQ(conv2d_choice(large, {1, 8, 16, 512}, ConvProduct::backward_weights), "pointwise");
  }
  set_conv_precision(before);
  EXPECT_EQ(conv2d_choice(strided, x, ConvProduct::backward_input), "direct");
  Conv2d wide = strided;
  wide.in_channels = 64, wide.out_channels = 128;
  for (const ConvProduct p : {ConvProduct::forward, ConvProduct::backward_input, ConvProduct::backward_weights})
    EXPECT_EQ(conv2d_choice(wide, {1, 8, 8, 64}, p), "strided2");
  Conv2d narrow = three;
  narrow.groups = 4;
  EXPECT_EQ(conv2d_choice(narrow, x, ConvProduct::forward), "grouped");
  strided.groups = 16;
  EXPECT_EQ(conv2d_choice(strided, x, ConvProduct::forward), "depthwise");
  EXPECT_EQ(conv2d_choice(strided, x, ConvProduct::backward_input), "grouped");
}

}  // namespace
}  // namespace fanin
