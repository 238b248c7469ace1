// SPDX-License-Identifier: MIT
#include "data/image_file.h"

#include "core/check.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace {

// A hostile file may claim little and unpack to gigabytes, so stb_image gets its memory here.
thread_local std::size_t largest_allocation = 0;
void* limited_malloc(std::size_t size) { return size <= largest_allocation ? std::malloc(size) : nullptr; }
void* limited_realloc(void* p, std::size_t size) {
  return size <= largest_allocation ? std::realloc(p, size) : nullptr;
}

}  // namespace

#define STBI_MALLOC(size) limited_malloc(size)
#define STBI_REALLOC(p, size) limited_realloc(p, size)
#define STBI_FREE(p) std::free(p)
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_MAX_DIMENSIONS 8192
#define STB_IMAGE_STATIC
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_WRITE_STATIC
#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_IMPLEMENTATION
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#include <stb_image.h>
#include <stb_image_write.h>
#pragma GCC diagnostic pop

namespace fanin {

namespace {

constexpr std::size_t kLargestFile = 64u << 20;  // bytes of one PNG or JPEG

const std::uint8_t* as_bytes(std::span<const std::byte> b) { return reinterpret_cast<const std::uint8_t*>(b.data()); }

std::uint32_t big_endian(const std::uint8_t* p) {
  return std::uint32_t{p[0]} << 24 | std::uint32_t{p[1]} << 16 | std::uint32_t{p[2]} << 8 | p[3];
}

std::uint32_t crc32(const std::uint8_t* data, std::size_t size) {
  static const std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t n = 0; n < 256; ++n) {
      std::uint32_t c = n;
      for (int k = 0; k < 8; ++k) c = (c & 1) != 0 ? 0xedb88320u ^ (c >> 1) : c >> 1;
      t[n] = c;
    }
    return t;
  }();
  std::uint32_t crc = ~0u;
  for (std::size_t i = 0; i < size; ++i) crc = table[(crc ^ data[i]) & 255] ^ (crc >> 8);
  return ~crc;
}

// Null if the chunks of a PNG are whole up to IEND and their checksums match, else what is wrong.
const char* png_defect(const std::uint8_t* p, std::size_t size) {
  for (std::size_t at = 8; at + 12 <= size;) {
    const std::size_t length = big_endian(p + at);
    if (length > size - at - 12) return "truncated";
    if (crc32(p + at + 4, length + 4) != big_endian(p + at + 8 + length)) return "checksum mismatch";
    if (std::memcmp(p + at + 4, "IEND", 4) == 0) return nullptr;
    if (length == 0) return "empty chunk";  // stb_image copies from a null pointer
    at += length + 12;
  }
  return "truncated";
}

// Are all tables of a Huffman segment within it, with at most the 256 symbols that stb_image 2.27 has room for but does
// not check?
bool huffman_tables_fit(const std::uint8_t* p, std::size_t size) {
  while (size > 17) {
    std::size_t symbols = 0;
    for (std::size_t i = 1; i <= 16; ++i) symbols += p[i];
    if (symbols > 256 || symbols + 17 > size) return false;
    p += symbols + 17;
    size -= symbols + 17;
  }
  return size == 0;
}

// Null if the segments of a JPEG are whole up to its end marker, else what is wrong.
const char* jpeg_defect(const std::uint8_t* p, std::size_t size) {
  const auto at_marker = [&](std::size_t at) {  // in a scan 0xff is followed by 0 or a restart number
    return p[at] == 0xff && p[at + 1] != 0 && p[at + 1] != 0xff && (p[at + 1] & 0xf8) != 0xd0;
  };
  for (std::size_t at = 2; at + 2 <= size;) {
    if (!at_marker(at)) {
      ++at;
      continue;
    }
    const std::uint8_t marker = p[at + 1];
    if (marker == 0xd9) return nullptr;
    if (at + 4 > size) return "truncated";
    const std::size_t length = std::size_t{p[at + 2]} << 8 | p[at + 3];
    if (length < 2) return "damaged segment";
    if (length + 2 > size - at) return "truncated";
    if (marker == 0xc4 && !huffman_tables_fit(p + at + 4, length - 2)) return "damaged Huffman table";
    at += 2 + length;
  }
  return "truncated";
}

// The chroma of 4:2:0, twice as wide: 3/4 of the nearer and 1/4 of the farther sample along both axes. Halves are
// rounded up and down in turn, as libjpeg does; stb_image rounds all of them up, which shifts the mean colours by a
// tenth of a level.
stbi_uc* widen_chroma(stbi_uc* out, stbi_uc* near, stbi_uc* far, int width, int) {
  const auto column = [&](int i) { return 3 * near[i] + far[i]; };
  for (int i = 0; i < width; ++i) {
    out[2 * i] = static_cast<stbi_uc>((3 * column(i) + column(std::max(i - 1, 0)) + 8) >> 4);
    out[2 * i + 1] = static_cast<stbi_uc>((3 * column(i) + column(std::min(i + 1, width - 1)) + 7) >> 4);
  }
  return out;
}

// JFIF's conversion, rounded to the nearest level; factors in units of 1 / 65536.
void to_rgb(stbi_uc* out, const stbi_uc* y, const stbi_uc* cb, const stbi_uc* cr, int count, int step) {
  for (int i = 0; i < count; ++i, out += step) {
    const int base = y[i] * 65536 + 32768, blue = cb[i] - 128, red = cr[i] - 128;
    const int rgb[] = {base + 91881 * red, base - 22554 * blue - 46802 * red, base + 116130 * blue};
    for (int c = 0; c < 3; ++c) out[c] = static_cast<stbi_uc>(std::clamp(rgb[c] >> 16, 0, 255));
  }
}

// stb_image's own sequence of calls, with the two steps above put in, so that pixels are those that other programs see.
stbi_uc* load_jpeg(const std::uint8_t* file, int size, int* width, int* height) {
  stbi__context context;
  stbi__start_mem(&context, file, size);
  const std::unique_ptr<stbi__jpeg> decoder = std::make_unique<stbi__jpeg>();
  decoder->s = &context;
  stbi__setup_jpeg(decoder.get());
  decoder->resample_row_hv_2_kernel = widen_chroma;
  decoder->YCbCr_to_RGB_kernel = to_rgb;
  int channels = 0;
  return load_jpeg_image(decoder.get(), width, height, &channels, 3);
}

bool is_jpeg(const std::uint8_t* p, std::size_t size) { return size >= 2 && p[0] == 0xff && p[1] == 0xd8; }

const char* defect_of(const std::uint8_t* p, std::size_t size) {
  static constexpr std::uint8_t png[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  if (size >= sizeof png && std::memcmp(p, png, sizeof png) == 0) return png_defect(p, size);
  if (is_jpeg(p, size)) return jpeg_defect(p, size);
  return size == 0 ? "empty file" : "neither PNG nor JPEG";
}

const char* reason() {  // stb_image does not always give one
  const char* text = stbi_failure_reason();
  return text != nullptr ? text : "damaged";
}

}  // namespace

DecodedImage decode_image(std::span<const std::byte> file, const std::string& source, std::size_t largest_pixels) {
  FANIN_CHECK(file.size() <= kLargestFile, input, "{}: an image file of {} bytes; at most {} are read", source,
              file.size(), kLargestFile);
  const char* defect = defect_of(as_bytes(file), file.size());
  FANIN_CHECK(defect == nullptr, input, "{}: not a readable image ({})", source, defect);
  const int size = static_cast<int>(file.size());
  DecodedImage image;
  int channels = 0;
  largest_allocation = 1u << 20;  // for the headers
  const int known = stbi_info_from_memory(as_bytes(file), size, &image.width, &image.height, &channels);
  FANIN_CHECK(known != 0, input, "{}: not a readable image ({})", source, reason());
  const std::size_t pixels = static_cast<std::size_t>(image.width) * static_cast<std::size_t>(image.height);
  FANIN_CHECK(pixels <= largest_pixels, input, "{}: {}x{} pixels; at most {} in all are read here", source,
              image.height, image.width, largest_pixels);
  largest_allocation =
      pixels * 16 + (1u << 20);  // 16-bit RGBA is 8 bytes a pixel; JPEG rounds sides up to whole blocks
  const std::unique_ptr<stbi_uc, decltype(&std::free)> decoded(
      is_jpeg(as_bytes(file), file.size())
          ? load_jpeg(as_bytes(file), size, &image.width, &image.height)
          : stbi_load_from_memory(as_bytes(file), size, &image.width, &image.height, &channels, 3),
      std::free);
  FANIN_CHECK(decoded != nullptr, input, "{}: not a readable image ({})", source, reason());
  image.pixels.assign(decoded.get(), decoded.get() + pixels * 3);
  return image;
}

std::vector<std::byte> encode_png(std::span<const std::uint8_t> pixels, int height, int width) {
  int size = 0;
  const std::unique_ptr<unsigned char, decltype(&std::free)> png(
      stbi_write_png_to_mem(pixels.data(), 3 * width, width, height, 3, &size), std::free);
  FANIN_CHECK(png != nullptr, memory, "no memory to encode a {}x{} PNG", height, width);
  const std::byte* first = reinterpret_cast<const std::byte*>(png.get());
  return {first, first + size};
}

}  // namespace fanin
