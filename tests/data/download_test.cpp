// Against a server of this file: it listens on a free port of 127.0.0.1 and answers each request as its script says.
// SPDX-License-Identifier: MIT
#include "data/download.h"

#include "tests/data/fixtures.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>

namespace fanin {
namespace {

using namespace testing_data;

struct Behaviour {
  bool ranges = true;            // honours "Range: bytes=N-"
  std::size_t cut_after = ~0ul;  // closes the connection after so many bytes of the body
  std::string redirect = {};     // answers 302 with this location
  int status = 0;                // answers with this status and nothing else
  bool announce_size = true;
  std::size_t range_offset = 0;  // answers a range request with bytes that start so much later
  bool stall = false;            // sends ten bytes, then nothing for three seconds
};

class Server {
 public:
  Server(std::string content, Behaviour behaviour) : content_(std::move(content)), behaviour_(behaviour) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    EXPECT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    stop_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url(const std::string& path = "/file.bin") const {
    return fmt::format("http://127.0.0.1:{}{}", port_, path);
  }
  std::vector<std::string> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

 private:
  void serve() {
    while (!stop_) {
      const int connection = ::accept(listener_, nullptr, nullptr);
      if (connection < 0) return;
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t got = ::recv(connection, buffer, sizeof buffer, 0);
        if (got <= 0) break;
        request.append(buffer, static_cast<std::size_t>(got));
        if (request[0] != 'G') break;  // no HTTP: a TLS greeting
      }
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      if (request.starts_with("GET ")) answer(connection, request);
      ::close(connection);
    }
  }

  void answer(int connection, const std::string& request) {
    if (!behaviour_.redirect.empty()) {
      return send(connection,
                  "HTTP/1.1 302 Found\r\nLocation: " + behaviour_.redirect + "\r\nContent-Length: 0\r\n\r\n");
    }
    if (behaviour_.status != 0) {
      return send(connection, fmt::format("HTTP/1.1 {} No\r\nContent-Length: 4\r\n\r\nbody", behaviour_.status));
    }
    std::size_t start = 0;
    const std::size_t range = request.find("Range: bytes=");
    const bool partial = behaviour_.ranges && range != std::string::npos;
    if (partial) start = std::stoul(request.substr(range + 13)) + behaviour_.range_offset;
    if (partial && start >= content_.size()) return send(connection, "HTTP/1.1 416 Range\r\nContent-Length: 0\r\n\r\n");
    std::string head = partial ? fmt::format("HTTP/1.1 206 Partial\r\nContent-Range: bytes {}-{}/{}\r\n", start,
                                             content_.size() - 1, content_.size())
                               : "HTTP/1.1 200 OK\r\n";
    if (behaviour_.announce_size) head += fmt::format("Content-Length: {}\r\n", content_.size() - start);
    send(connection, head + "Connection: close\r\n\r\n");
    if (behaviour_.stall) {
      send(connection, content_.substr(start, 10));
      for (int i = 0; i < 30 && !stop_; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
      return;
    }
    send(connection, content_.substr(start, behaviour_.cut_after));
  }

  static void send(int connection, const std::string& text) {
    for (std::size_t sent = 0; sent < text.size();) {
      const ssize_t count = ::send(connection, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return;
      sent += static_cast<std::size_t>(count);
    }
  }

  std::string content_;
  Behaviour behaviour_;
  int listener_ = -1, port_ = 0;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

std::string content_of_size(std::size_t size) {
  std::string content;
  for (std::size_t i = 0; i < size; ++i) content.push_back(static_cast<char>((i * i + i / 251) & 255));
  return content;
}

std::string hash_of(const std::string& content) { return sha256_of(std::as_bytes(std::span(content))); }

Download request_for(const Server& server, const std::string& content) {
  return {.url = server.url(), .file_name = "file.bin", .size = content.size(), .sha256 = hash_of(content)};
}

TEST(Sha256, KnownAnswers) {  // FIPS 180-4
  EXPECT_EQ(hash_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hash_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Download, KnowsTheOfficialFiles) {
  ASSERT_EQ(known_downloads().size(), 2u);
  for (const KnownDownload& known : known_downloads()) {
    EXPECT_TRUE(known.url.starts_with("https://"));
    EXPECT_EQ(known.sha256.size(), 64u);
  }
}

class DownloadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Server server("x", {});
    try {
      download(request_for(server, "x"), scratch_folder("probe"));
    } catch (const Error& error) {
      if (mentions(error.what(), "no libcurl")) GTEST_SKIP() << "this build has no libcurl";
    }
  }
  const std::string content_ = content_of_size(300'000);
};

TEST_F(DownloadTest, FetchesCompletely) {
  Server server(content_, {});
  double last = 0;
  const Path path =
      download(request_for(server, content_), scratch_folder("d") / "new folder", {.progress = [&](double fraction) {
                 EXPECT_GE(fraction, last);
                 last = fraction;
               }});
  EXPECT_EQ(read_file(path), bytes_of(content_));
  EXPECT_EQ(last, 1.0);
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".part"));
  EXPECT_EQ(server.requests().size(), 1u);
  download(request_for(server, content_), path.parent_path());  // what is there and right is not fetched again
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(DownloadTest, ContinuesAfterAnInterruption) {
  const Path folder = scratch_folder("d");
  {
    Server server(content_, {.cut_after = 100'000});
    const std::string message = error_of(ErrorKind::input, [&] { download(request_for(server, content_), folder); });
    EXPECT_MENTIONS(message, "the same command continues");
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "file.bin"));
  EXPECT_EQ(std::filesystem::file_size(folder / "file.bin.part"), 100'000u);
  Server server(content_, {});
  EXPECT_EQ(read_file(download(request_for(server, content_), folder)), bytes_of(content_));
  ASSERT_EQ(server.requests().size(), 1u);
  EXPECT_MENTIONS(server.requests()[0], "Range: bytes=100000-");
}

TEST_F(DownloadTest, StartsAnewWhenTheServerIgnoresRanges) {
  const Path folder = scratch_folder("d");
  write_file(folder / "file.bin.part", bytes_of("left over from something else"));
  Server server(content_, {.ranges = false});
  EXPECT_EQ(read_file(download(request_for(server, content_), folder)), bytes_of(content_));
}

TEST_F(DownloadTest, StartsAnewWhenTheServerRefusesTheRange) {
  const Path folder = scratch_folder("d");
  const std::string shorter = content_of_size(50);
  write_file(folder / "file.bin.part", bytes_of(shorter));
  Server server(shorter, {});  // has nothing beyond byte 50, where 100 are expected
  Download what = request_for(server, shorter);
  what.size = 100;
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { download(what, folder); }), "50 of 100 bytes arrived");
  EXPECT_EQ(server.requests().size(), 2u);
}

TEST_F(DownloadTest, AWrongRangeIsNotAppended) {
  const Path folder = scratch_folder("d");
  write_file(folder / "file.bin.part", bytes_of(content_.substr(0, 1000)));
  Server server(content_, {.range_offset = 7});
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { download(request_for(server, content_), folder); }),
                  "got them from 1007");
  EXPECT_EQ(std::filesystem::file_size(folder / "file.bin.part"), 1000u);
}

TEST_F(DownloadTest, WrongContentIsDiscarded) {
  const Path folder = scratch_folder("d");
  Server server(content_, {});
  Download what = request_for(server, content_);
  what.sha256[0] = what.sha256[0] == '0' ? '1' : '0';
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { download(what, folder); }), "SHA-256 is " + hash_of(content_));
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  // A complete .part of wrong content does not become the file either.
  write_file(folder / "file.bin.part", Bytes(content_.size(), std::byte{1}));
  error_of(ErrorKind::input, [&] { download(request_for(server, content_), folder); });
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST_F(DownloadTest, TooMuchIsCutOff) {
  for (const bool announce : {true, false}) {
    const Path folder = scratch_folder("d");
    Server server(content_, {.announce_size = announce});
    Download what = request_for(server, content_);
    what.size = content_.size() / 10;
    EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { download(what, folder); }), "more than the expected 30000 bytes");
    EXPECT_TRUE(std::filesystem::is_empty(folder));
  }
}

TEST_F(DownloadTest, TooLittleIsNotTheFile) {
  const Path folder = scratch_folder("d");
  Server server(content_, {.announce_size = false});
  Download what = request_for(server, content_);
  what.size += 5;
  EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { download(what, folder); }), "300000 of 300005 bytes arrived");
  EXPECT_FALSE(std::filesystem::exists(folder / "file.bin"));
}

TEST_F(DownloadTest, RedirectsMayNotLeaveHttps) {
  const Path folder = scratch_folder("d");
  Server target(content_, {});
  Server server(content_, {.redirect = target.url()});
  error_of(ErrorKind::input, [&] { download(request_for(server, content_), folder); });
  EXPECT_TRUE(target.requests().empty());
  Server to_file(content_, {.redirect = "file:///etc/passwd"});
  error_of(ErrorKind::input, [&] { download(request_for(to_file, content_), folder); });
  EXPECT_TRUE(std::filesystem::is_empty(folder));
}

TEST_F(DownloadTest, OnlySafeAddressesAreFetched) {
  const Path folder = scratch_folder("d");
  for (const char* url :
       {"http://example.com/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://127.0.0.1.example.com/x",
        "http://localhost:80@example.com/x", "http://127.0.0.1:x/", "", "HTTPX"}) {
    const Download what{.url = url, .file_name = "file.bin", .size = 3, .sha256 = hash_of("abc")};
    EXPECT_MENTIONS(error_of(ErrorKind::usage, [&] { download(what, folder); }), "only https:// addresses");
  }
}

TEST_F(DownloadTest, ServerErrorsAreReported) {
  const Path folder = scratch_folder("d");
  for (const int status : {403, 404, 500}) {
    Server server(content_, {.status = status});
    EXPECT_MENTIONS(error_of(ErrorKind::input, [&] { download(request_for(server, content_), folder); }),
                    fmt::format("HTTP status {}", status));
  }
  Download nowhere{.url = "http://127.0.0.1:1/x", .file_name = "file.bin", .size = 3, .sha256 = hash_of("abc")};
  error_of(ErrorKind::input, [&] { download(nowhere, folder); });
  EXPECT_FALSE(std::filesystem::exists(folder / "file.bin"));
}

TEST_F(DownloadTest, AStalledServerIsGivenUp) {
  Server server(content_, {.stall = true});
  const auto start = std::chrono::steady_clock::now();
  error_of(ErrorKind::input,
           [&] { download(request_for(server, content_), scratch_folder("d"), {.stall_seconds = 1}); });
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

TEST_F(DownloadTest, AnUnverifiableServerIsRefused) {
  Server server(content_, {});  // speaks no TLS at all
  Download what = request_for(server, content_);
  what.url = "https" + what.url.substr(4);
  error_of(ErrorKind::input, [&] { download(what, scratch_folder("d")); });
}

TEST_F(DownloadTest, SizeAndHashMustBeGiven) {
  error_of(ErrorKind::usage,
           [&] { download({.url = "https://example.com/x", .file_name = "x", .size = 0}, scratch_folder("d")); });
  error_of(ErrorKind::usage, [&] {
    download({.url = "https://example.com/x", .file_name = "x", .size = 1, .sha256 = "ab"}, scratch_folder("d"));
  });
}

TEST_F(DownloadTest, UnwritableFoldersAreErrors) {
  Server server(content_, {});
  const Path file = scratch_folder("d") / "file";
  write_file(file, {});
  error_of(ErrorKind::output, [&] { download(request_for(server, content_), file); });
}

}  // namespace
}  // namespace fanin
