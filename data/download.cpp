// SPDX-License-Identifier: MIT
#include "data/download.h"

#include "core/check.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#ifdef FANIN_WITH_CURL
#include <curl/curl.h>
#endif

#include <algorithm>
#include <charconv>
#include <cstring>
#include <exception>
#include <memory>

namespace fanin {

namespace {

constexpr KnownDownload kKnown[] = {
    {"cifar10", "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz", "cifar-10-binary.tar.gz", 170'052'171,
     "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
    {"cifar100", "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz", "cifar-100-binary.tar.gz", 168'513'733,
     "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"},
};

#ifdef FANIN_WITH_CURL

constexpr long kLargestRedirects = 5;

// "http" only for this machine: after the host comes a port, a path, or nothing.
bool is_local_http(std::string_view url) {
  for (const std::string_view start : {"http://127.0.0.1", "http://localhost"}) {
    if (!url.starts_with(start)) continue;
    const std::string_view rest = url.substr(start.size());
    if (rest.empty() || rest[0] == '/') return true;
    const std::size_t digits_end = rest[0] == ':' ? rest.find_first_not_of("0123456789", 1) : 0;
    return digits_end == std::string_view::npos || (digits_end > 1 && rest[digits_end] == '/');
  }
  return false;
}

// One request, written to the .part file as it arrives.
class Transfer {
 public:
  Transfer(const Download& what, const io::Path& part, std::uint64_t resume_at, const DownloadOptions& options)
      : what_(what), part_(part), resume_at_(resume_at), options_(options), curl_(curl_easy_init(), curl_easy_cleanup) {
    FANIN_CHECK(curl_ != nullptr, memory, "libcurl cannot be set up");
  }

  // True: the server has sent all it had. False: it refused to continue a partial file, which must be dropped.
  bool run() {
    set_up();
    const CURLcode code = curl_easy_perform(curl_.get());
    if (error_) std::rethrow_exception(error_);
    long status = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
    if (status == 416 && resume_at_ > 0) return false;
    FANIN_CHECK(!too_large_, input, "{}: sends more than the expected {} bytes; this is another file, nothing was kept",
                what_.url, what_.size);
    FANIN_CHECK(code == CURLE_OK, input,
                "{}: {} (HTTP status {}); the same command continues where this one stopped, and `fanin data import "
                "FILE` reads a "
                "copy you already have",
                what_.url, message_[0] != '\0' ? message_ : curl_easy_strerror(code), status);
    return true;
  }
  bool too_large() const { return too_large_; }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    const CURLcode code = curl_easy_setopt(curl_.get(), option, value);
    FANIN_CHECK(code == CURLE_OK, usage, "{}: {}", what_.url, curl_easy_strerror(code));
  }

  void set_up() {
    const bool local = is_local_http(what_.url);
    FANIN_CHECK(local || what_.url.starts_with("https://"), usage, "{}: only https:// addresses are fetched",
                what_.url);
    set(CURLOPT_ERRORBUFFER, message_);
    set(CURLOPT_URL, what_.url.c_str());
#if LIBCURL_VERSION_NUM >= 0x075500
    set(CURLOPT_PROTOCOLS_STR, local ? "http" : "https");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "https");
#else
    set(CURLOPT_PROTOCOLS, static_cast<long>(local ? CURLPROTO_HTTP : CURLPROTO_HTTPS));
    set(CURLOPT_REDIR_PROTOCOLS, static_cast<long>(CURLPROTO_HTTPS));
#endif
    if (local) set(CURLOPT_NOPROXY, "*");
    set(CURLOPT_SSL_VERIFYPEER, 1L);
    set(CURLOPT_SSL_VERIFYHOST, 2L);
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, kLargestRedirects);
    set(CURLOPT_FAILONERROR, 1L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USERAGENT, "fanin");
    set(CURLOPT_CONNECTTIMEOUT, static_cast<long>(options_.connect_seconds));
    set(CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(options_.stall_bytes));
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(options_.stall_seconds));
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_data);
    set(CURLOPT_WRITEDATA, static_cast<void*>(this));
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(this));
    if (resume_at_ > 0) {
      range_ = fmt::format("{}-", resume_at_);
      set(CURLOPT_RANGE, range_.c_str());
    }
  }

  static std::size_t on_header(char* data, std::size_t one, std::size_t count, void* self) {
    static_cast<Transfer*>(self)->header({data, one * count});
    return one * count;
  }
  static std::size_t on_data(char* data, std::size_t one, std::size_t count, void* self) {
    Transfer& transfer = *static_cast<Transfer*>(self);
    try {  // an exception must not cross C
      return transfer.take({data, one * count}) ? one * count : 0;
    } catch (...) {
      transfer.error_ = std::current_exception();
      return 0;
    }
  }

  void header(std::string_view line) {
    static constexpr std::string_view kRange = "content-range: bytes ";
    const auto same = [](char lower, char b) { return (b >= 'A' && b <= 'Z' ? b + 32 : b) == lower; };
    if (line.starts_with("HTTP/")) range_start_ = 0;  // of a new response after a redirect
    if (line.size() > kRange.size() && std::equal(kRange.begin(), kRange.end(), line.begin(), same)) {
      std::from_chars(line.data() + kRange.size(), line.data() + line.size(), range_start_);
    }
  }

  bool take(std::string_view data) {
    if (!open_) {  // a server that ignores the range sends everything: start anew
      long status = 0;
      curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &status);
      const bool continues = status == 206 && range_start_ == resume_at_;
      FANIN_CHECK(status != 206 || continues, input, "{}: asked for bytes from {}, got them from {}; nothing was kept",
                  what_.url, resume_at_, range_start_);
      file_ = io::Appender(part_, continues ? resume_at_ : 0);
      received_ = continues ? resume_at_ : 0;
      open_ = true;
    }
    too_large_ = data.size() > what_.size - received_;
    if (too_large_) return false;
    file_.append(data);
    received_ += data.size();
    if (options_.progress) options_.progress(static_cast<double>(received_) / static_cast<double>(what_.size));
    return true;
  }

  const Download& what_;
  const io::Path& part_;
  const std::uint64_t resume_at_;
  const DownloadOptions& options_;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl_;
  std::string range_;
  std::uint64_t range_start_ = 0, received_ = 0;
  io::Appender file_;
  bool open_ = false, too_large_ = false;
  char message_[CURL_ERROR_SIZE] = {};
  std::exception_ptr error_;
};

std::uint64_t size_if_present(const io::Path& path) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  return error ? 0 : size;
}

void drop(const io::Path& path) { io::file_system().unlink(path.c_str()); }

void transfer(const Download& what, const io::Path& part, const DownloadOptions& options) {
  std::uint64_t have = size_if_present(part);
  if (have == what.size) return;
  if (have > what.size) {
    drop(part);
    have = 0;
  }
  for (const std::uint64_t resume_at : {have, std::uint64_t{0}}) {
    Transfer request(what, part, resume_at, options);
    try {
      if (request.run()) return;
    } catch (const Error&) {
      if (request.too_large()) drop(part);
      throw;
    }
    drop(part);
  }
}

#endif

bool is_right(const io::Path& path, const Download& what) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) != what.size || error) return false;
  return sha256_of(io::MappedFile(path).bytes()) == what.sha256;
}

}  // namespace

std::span<const KnownDownload> known_downloads() { return kKnown; }

std::string sha256_of(io::Bytes bytes) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const bool done = context != nullptr && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1 &&
                    EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1 &&
                    EVP_DigestFinal_ex(context.get(), digest, &size) == 1;
  FANIN_CHECK(done, memory, "OpenSSL cannot compute SHA-256");
  std::string text;
  for (unsigned i = 0; i < size; ++i) text += fmt::format("{:02x}", digest[i]);
  return text;
}

io::Path download([[maybe_unused]] const Download& what, const io::Path& folder,
                  [[maybe_unused]] const DownloadOptions& options) {
  FANIN_CHECK(what.size > 0 && what.sha256.size() == 64, usage,
              "{}: give the file's size and the 64 digits of its SHA-256", what.url);
  const io::Path path = folder / what.file_name;
  if (is_right(path, what)) return path;
#ifdef FANIN_WITH_CURL
  io::create_folders(folder);
  const io::Path part = path.string() + ".part";
  transfer(what, part, options);
  const std::uint64_t size = size_if_present(part);
  FANIN_CHECK(size == what.size, input, "{}: {} of {} bytes arrived; the same command continues", what.url, size,
              what.size);
  const std::string found = sha256_of(io::MappedFile(part).bytes());
  if (found != what.sha256) {
    drop(part);  // continuing it could never succeed
    fail(ErrorKind::input, "{}: SHA-256 is {} instead of {}; the file was discarded, try again or another --url",
         what.url, found, what.sha256);
  }
  const int status = io::file_system().rename(part.c_str(), path.c_str());
  FANIN_CHECK(status == 0, output, "{}: cannot be renamed to {} ({})", part.string(), path.string(),
              std::strerror(-status));
  return path;
#else
  fail(ErrorKind::usage, "this build has no libcurl; download {} with another program and run `fanin data import {}`",
       what.url, what.file_name);
#endif
}

}  // namespace fanin
