// SPDX-License-Identifier: MIT
#include "apps/study/environment.h"

#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

namespace fanin {

namespace {

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(std::min(line.size(), line.find(':') + 2));
  return "unknown";
}

std::string instruction_set() {
#if defined(__AVX512F__)
  return "avx512";
#elif defined(__AVX2__)
  return "avx2";
#else
  return "baseline";
#endif
}

// How long OpenMP's threads wait actively: times, not results, depend on it.
std::string waiting() {
  for (const char* name : {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"})
    if (const char* value = std::getenv(name); value != nullptr) return fmt::format("{}={}", name, value);
  return "default";
}

}  // namespace

std::string version() { return FANIN_VERSION; }

std::string environment_json() {
  const nlohmann::ordered_json json = {
      {"fanin", version()},
      {"compiler", __VERSION__},
      {"instruction_set", instruction_set()},
      {"eigen", fmt::format("{}.{}.{}", EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION)},
      {"processor", processor()},
      {"processors", omp_get_num_procs()},
      {"threads", thread_count()},
      {"waiting", waiting()},
      {"denormals", "flushed to zero"},
  };
  return json.dump(1) + "\n";
}

}  // namespace fanin
