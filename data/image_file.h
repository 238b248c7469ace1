// One image from a PNG or JPEG file, and a PNG from pixels. The only user of stb_image.
// Files are untrusted: size, dimensions and memory are limited before decoding; a PNG's checksums and a JPEG's end are
// verified, because stb_image returns an image for damaged or truncated files too.
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace fanin {

struct DecodedImage {
  int height = 0, width = 0;
  std::vector<std::uint8_t> pixels;  // (height, width, 3); alpha is dropped, grey is repeated
};

inline constexpr std::size_t kLargestPhoto = 50'000'000;  // pixels

// Throws ErrorKind::input, naming `source`.
DecodedImage decode_image(std::span<const std::byte> file, const std::string& source,
                          std::size_t largest_pixels = kLargestPhoto);

std::vector<std::byte> encode_png(std::span<const std::uint8_t> pixels, int height, int width);  // 3 channels

}  // namespace fanin
