// The reader believes nothing: one test per kind of error, every truncation, every changed byte.
// SPDX-License-Identifier: MIT
#include "core/io/safetensors.h"

#include "core/check.h"
#include "tests/support/command.h"

#include <cstring>

namespace fanin::io {
namespace {

std::vector<std::byte> file_of(const std::string& header, std::size_t data_bytes) {
  std::vector<std::byte> bytes(8 + header.size() + data_bytes);
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  return bytes;
}

std::string error_of(const std::string& header, std::size_t data_bytes, const SafetensorsLimits& limits = {}) {
  try {
    const std::vector<std::byte> bytes = file_of(header, data_bytes);
    parse_safetensors(bytes, "test", limits);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input);
    EXPECT_EQ(std::string(error.what()).substr(0, 5), "test:") << "names its source";
    return error.what();
  }
  return "";
}

void expect_error(const std::string& header, std::size_t data_bytes, const std::string& part) {
  const std::string error = error_of(header, data_bytes);
  EXPECT_NE(error.find(part), std::string::npos) << "'" << error << "' for " << header;
}

TEST(Safetensors, OneErrorOfEachKind) {
  const std::string a = R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]})";
  EXPECT_EQ(error_of("{" + a + "}", 8), "");
  expect_error("[]", 0, "begin with a brace");
  expect_error("{" + a, 8, "not valid JSON");
  expect_error("{" + a + "} x", 8, "not valid JSON");
  expect_error("{" + a + "," + a + "}", 8, "'a' occurs twice");
  expect_error(R"({"__metadata__":{"k":"v","k":"w"}})", 0, "'k' occurs twice");
  expect_error(R"({"__metadata__":{},"__metadata__":{}})", 0, "occurs twice");
  expect_error(R"({"__metadata__":{"k":1}})", 0, "a number");
  expect_error(R"({"a":{"dtype":"F32","shape":[2],"shape":[2],"data_offsets":[0,8]}})", 8, "twice");
  expect_error(R"({"a":{"dtype":"F32","shape":[2]}})", 8, "lacks");
  expect_error(R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", 8, "unknown dtype");
  expect_error(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", 8, "unknown field 'x'");
  expect_error(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "a negative number");
  expect_error(R"({"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}})", 8, "fraction");
  expect_error(R"({"a":{"dtype":"F32","shape":[[2]],"data_offsets":[0,8]}})", 8, "an array");
  expect_error(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"b":{"c":{}}}})", 8, "unknown field");
  expect_error(R"({"a":{"dtype":"F32","shape":{"b":2},"data_offsets":[0,8]}})", 8, "an object");
  expect_error(R"({"a":null})", 0, "null");
  expect_error(R"({"a":[1]})", 0, "an array");
  expect_error(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8, "needs 12 bytes");
  expect_error(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,16]}})", 8, "outside");
  expect_error(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8, "outside");
  expect_error(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12, "hole");
  expect_error("{" + a + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", 8, "overlap");
  expect_error("{" + a + "}", 9, "1 bytes follow");
  expect_error(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4611686018427387904],"data_offsets":[0,8]}})", 8,
               "larger than any memory");
  expect_error(std::string(100000, '{'), 0, "");
  EXPECT_NE(error_of("{" + a + "}", 8, {.max_header_bytes = 10}), "");
  EXPECT_NE(error_of("{" + a + R"(,"b":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}})", 8, {.max_tensors = 1}), "");
  EXPECT_EQ(error_of(R"({"e":{"dtype":"F32","shape":[0,9999999999],"data_offsets":[0,0]}})", 0), "")
      << "an empty tensor is no error";
}

std::vector<std::byte> small_file() {
  const Path path = test::scratch_folder() / "small.safetensors";
  const std::vector<float> x = {1.0f, -2.5f, 3.0f};
  const std::vector<std::uint8_t> y = {7, 8};
  write_safetensors(path,
                    {{"x", DType::f32, {3}, std::as_bytes(std::span<const float>(x))},
                     {"y", DType::u8, {1, 2}, std::as_bytes(std::span<const std::uint8_t>(y))}},
                    {{"note", "a \"quoted\" text"}});
  return read_bytes(path, 1 << 20);
}

TEST(Safetensors, RoundTrip) {
  const std::vector<std::byte> bytes = small_file();
  const Safetensors parsed = parse_safetensors(bytes, "small");
  EXPECT_EQ(parsed.metadata.at("note"), "a \"quoted\" text");
  const TensorEntry& x = parsed.entry("x", "small");
  EXPECT_EQ(x.dtype, "F32");
  EXPECT_EQ(x.shape, std::vector<std::size_t>{3});
  float values[3];
  std::memcpy(values, x.data.data(), 12);
  EXPECT_EQ(values[1], -2.5f);
  EXPECT_EQ((reinterpret_cast<std::uintptr_t>(x.data.data()) - reinterpret_cast<std::uintptr_t>(bytes.data())) % 8, 0u)
      << "the data area is aligned";
  EXPECT_THROW(parsed.entry("z", "small"), Error);
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const std::vector<std::byte> bytes = small_file();
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(parse_safetensors(std::span(bytes).first(size), "cut"), Error) << size;
}

// A changed byte is refused, or changes a name or a number that the format does not protect; it never crashes (the
// sanitizer build sees reads).
TEST(Safetensors, EveryChangedByteIsHarmless) {
  const std::vector<std::byte> original = small_file();
  int refused = 0, accepted = 0;
  for (std::size_t i = 0; i < original.size() - 14; ++i)
    for (const int value : {0, 1, 32, 48, 57, 91, 92, 123, 125, 127, 128, 255}) {
      std::vector<std::byte> bytes = original;
      bytes[i] = static_cast<std::byte>(value);
      try {
        const Safetensors parsed = parse_safetensors(bytes, "changed");
        for (const auto& [name, entry] : parsed.tensors)
          if (!entry.data.empty()) {
            EXPECT_GE(entry.data.data(), bytes.data());
            EXPECT_LE(entry.data.data() + entry.data.size(), bytes.data() + bytes.size());
          }
        ++accepted;
      } catch (const Error&) {
        ++refused;
      }
    }
  EXPECT_GT(refused, accepted);
}

}  // namespace
}  // namespace fanin::io
