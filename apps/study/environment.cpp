// SPDX-License-Identifier: MIT
#include "apps/study/environment.h"

#include "core/tensor/matrix.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

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
      {"denormals", "flushed to zero"},
  };
  return json.dump(1) + "\n";
}

}  // namespace fanin
