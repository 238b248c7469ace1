// The arrows of ARCHITECTURE.md, read off the #include lines, and the other rules of the house that a program can see.
// The checker is tested itself: each rule must catch a planted offence.
// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

namespace {

namespace fs = std::filesystem;
using Strings = std::vector<std::string>;

struct Source {
  std::string path, text;  // path from the root of the repository
};

struct Arrow {
  std::string from;  // files whose path begins like this
  Strings to;        // may include paths that begin like one of these; anyone may include himself and kForAll
};

const Strings kForAll = {"core/activation_functions.h", "core/check.h", "core/rng.h", "core/spec.h", "core/text.h"};

// The first row that matches counts.
const std::vector<Arrow> kArrows = {
    {"core/tensor/", {}},
    {"core/kernels/", {"core/tensor/"}},
    {"core/graph/", {"core/tensor/", "core/kernels/"}},
    {"core/io/", {"core/tensor/"}},
    {"core/train/", {"core/tensor/", "core/graph/", "core/io/"}},
    {"core/", kForAll},
    {"layers/", {"core/tensor/", "core/kernels/", "core/graph/"}},
    {"init/", {"core/tensor/", "core/graph/", "core/train/batch.h", "core/train/loss.h"}},
    {"models/", {"core/tensor/", "core/graph/", "layers/"}},
    {"data/", {"core/tensor/", "core/io/", "core/train/batch.h"}},
    {"apps/study/", {"core/", "layers/", "init/", "models/", "data/"}},
    {"apps/lessons/", {"apps/study/", "core/", "layers/", "init/", "models/", "data/"}},
    {"apps/", {"apps/lessons/", "apps/study/", "core/", "layers/", "init/", "models/", "data/"}},
};

// Who may include a library.
const std::vector<Arrow> kLibraries = {
    {"Eigen/QR", {"init/orthogonal.cpp"}},  // decompositions; nothing else needs one
    {"Eigen/Eigenvalues", {"init/whitening.cpp"}},
    {"Eigen/", {"core/tensor/matrix.h"}},
    {"unsupported/Eigen/", {"core/tensor/eigen_tensor.h"}},
    {"omp.h", {"core/tensor/parallel.h", "core/kernels/"}},
    {"hwy/", {"core/kernels/simd.h"}},
    {"immintrin.h", {"core/kernels/amx.h"}},        // Highway does not know the matrix unit
    {"xmmintrin.h", {"core/tensor/parallel.cpp"}},  // flushing denormals
    {"stb_image", {"data/image_file.cpp"}},
    {"archive", {"data/archive.cpp"}},
    {"curl/", {"data/download.cpp"}},
    {"openssl/", {"data/download.cpp"}},
    {"Random123/", {"core/rng.cpp"}},
    {"xxhash.h", {"core/rng.cpp"}},
    {"CLI/", {"apps/"}},
    {"random", {}},  // draws come from core/rng.h
};

bool starts_with_any(const std::string& text, const Strings& beginnings) {
  return std::ranges::any_of(beginnings, [&](const std::string& b) { return text.starts_with(b); });
}

std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

bool may_include(const std::string& path, const std::string& included) {
  for (const Arrow& arrow : kArrows) {
    if (!path.starts_with(arrow.from)) continue;
    if (arrow.from != "core/" && folder_of(included) == folder_of(path)) return true;
    return starts_with_any(included, kForAll) || starts_with_any(included, arrow.to);
  }
  return false;
}

bool may_use_library(const std::string& path, const std::string& header) {
  for (const Arrow& library : kLibraries)
    if (header.starts_with(library.from)) return starts_with_any(path, library.to);
  const bool json_or_toml = header.starts_with("nlohmann/") || header.starts_with("toml++/");
  return !json_or_toml || path.ends_with(".cpp");  // they are slow to compile: no header passes them on
}

void check_includes(const Source& source, Strings& offences) {
  static const std::regex include(R"re(^\s*#\s*include\s*([<"])([^>"]+)[>"])re");
  std::istringstream lines(source.text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::smatch match;
    if (!std::regex_search(line, match, include)) continue;
    const std::string name = match[2];
    const bool allowed = match[1] == "<" ? may_use_library(source.path, name) : may_include(source.path, name);
    if (!allowed) offences.push_back(fmt::format("{}:{}: may not include {}", source.path, number, name));
  }
}

void check_text(const Source& source, Strings& offences) {
  const bool kernel = source.path.starts_with("core/kernels/");
  const auto forbid = [&](bool forbidden, const std::string& reason) {
    if (forbidden) offences.push_back(source.path + ": " + reason);
  };
  const auto has = [&](const char* text) { return source.text.find(text) != std::string::npos; };
  const long lines = std::ranges::count(source.text, '\n');
  forbid(!kernel && lines > 250, fmt::format("has {} lines; outside core/kernels 250 are the limit", lines));
  forbid(source.text.substr(0, 3000).find("// SPDX-License-Identifier: MIT\n") == std::string::npos,
         "has no SPDX line at its top");
  forbid(source.path.ends_with(".h") && !has("#pragma once"), "has no #pragma once");
  forbid(!kernel && source.path != "core/tensor/parallel.h" && has("#pragma omp"),
         "starts threads; use for_row_blocks or parallel_for of core/tensor/parallel.h");
  forbid(std::regex_search(source.text, std::regex(R"(#pragma omp[^\n]*\b(reduction|atomic|critical))")),
         "adds in an order that depends on the threads");
  forbid(!source.path.starts_with("core/io/") && (has("ofstream") || has("fopen(")), "writes files; only core/io does");
  forbid(source.path.ends_with(".h") && has("using namespace"), "has a using-directive, in a header");
  forbid(has("TODO") || has("FIXME"), "leaves work undone");
}

Strings offences_of(const Source& source) {
  Strings offences;
  check_includes(source, offences);
  check_text(source, offences);
  return offences;
}

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

const fs::path kRoot = FANIN_SOURCE_DIR;

std::vector<Source> sources_in(const Strings& folders) {
  std::vector<Source> sources;
  for (const std::string& folder : folders)
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(kRoot / folder))
      if (entry.path().extension() == ".h" || entry.path().extension() == ".cpp")
        sources.push_back({fs::relative(entry.path(), kRoot).generic_string(), read(entry.path())});
  return sources;
}

const Strings kFolders = {"core", "layers", "init", "models", "data", "apps"};

TEST(Architecture, EverySourceKeepsTheRules) {
  const std::vector<Source> sources = sources_in(kFolders);
  ASSERT_GT(sources.size(), 100u);
  for (const Source& source : sources)
    for (const std::string& offence : offences_of(source)) ADD_FAILURE() << offence;
}

TEST(Architecture, EveryTestSaysWhatItTestsAndHasItsLicenceLine) {
  for (const Source& source : sources_in({"tests"})) {
    EXPECT_NE(source.text.find("// SPDX-License-Identifier: MIT\n"), std::string::npos) << source.path;
    EXPECT_TRUE(source.text.starts_with("// ")) << source.path;
  }
}

// tests/layers/relu_test.cpp tests layers/relu.*; a helper may be tested by another file of its folder, which then
// includes it.
TEST(Architecture, EveryLayerAndInitializerHasATest) {
  for (const char* folder : {"layers", "init"}) {
    std::string tests;
    for (const Source& source : sources_in({std::string("tests/") + folder})) tests += source.text;
    for (const Source& source : sources_in({folder})) {
      if (!source.path.ends_with(".cpp")) continue;
      const std::string stem = source.path.substr(0, source.path.size() - 4);
      EXPECT_TRUE(fs::exists(kRoot / ("tests/" + stem + "_test.cpp")) ||
                  tests.find('"' + stem + ".h\"") != std::string::npos)
          << source.path << " has no test: write tests/" << stem << "_test.cpp";
    }
  }
}

TEST(Architecture, TheMapShowsEveryFolder) {
  const std::string map = read(kRoot / "ARCHITECTURE.md");
  Strings folders = {"tests/", "scripts/", "cmake/", "docs/"};
  for (const std::string& top : kFolders) {
    folders.push_back(top + "/");
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(kRoot / top))
      if (entry.is_directory()) folders.push_back(fs::relative(entry.path(), kRoot).generic_string() + "/");
  }
  for (const std::string& folder : folders)
    EXPECT_NE(map.find(folder), std::string::npos) << "ARCHITECTURE.md does not mention " << folder;
}

TEST(Architecture, TheMapShowsTheArrowsThatAreChecked) {
  const std::string map = read(kRoot / "ARCHITECTURE.md");
  for (const Arrow& arrow : kArrows) {
    if (arrow.from == "core/") continue;
    const std::size_t row = map.find("| `" + arrow.from + "` |");
    ASSERT_NE(row, std::string::npos) << "ARCHITECTURE.md has no row for " << arrow.from;
    const std::string line = map.substr(row, map.find('\n', row) - row);
    for (const std::string& to : arrow.to)
      EXPECT_NE(line.find("`" + to + "`"), std::string::npos)
          << arrow.from << " may include " << to << ", which its row does not say";
  }
}

TEST(Readme, ShowsTheProgramThatTheInstallTestBuilds) {
  const std::string readme = read(kRoot / "README.md");
  const std::string program = read(kRoot / "tests/install/consumer/main.cpp");
  EXPECT_NE(readme.find("```cpp\n" + program + "```\n"), std::string::npos)
      << "the C++ program in README.md and tests/install/consumer/main.cpp differ";
  EXPECT_LE(std::ranges::count(program, '\n'), 40);
}

TEST(Readme, TheWorkedExampleIsTheOneThatTheInstallTestRuns) {
  const std::string page = read(kRoot / "docs/own-initializer.md");
  const std::string program = read(kRoot / "tests/install/consumer/own_initializer.cpp");
  EXPECT_NE(page.find("```cpp\n" + program + "```\n"), std::string::npos)
      << "docs/own-initializer.md and tests/install/consumer/own_initializer.cpp differ";
}

// What README.md and ARCHITECTURE.md point to must exist.
TEST(Readme, LinksLeadSomewhere) {
  static const std::regex link(R"(\]\(([^)#:]+)\))");
  for (const char* document : {"README.md", "ARCHITECTURE.md"}) {
    const std::string text = read(kRoot / document);
    for (std::sregex_iterator it(text.begin(), text.end(), link), end; it != end; ++it)
      EXPECT_TRUE(fs::exists(kRoot / (*it)[1].str())) << document << " links to " << (*it)[1];
  }
}

// --- the checker itself

struct Planted {
  std::string path, line;
  bool offence;
};

TEST(ArchitectureChecker, SeesPlantedIncludes) {
  const std::vector<Planted> cases = {
      {"core/tensor/x.cpp", "#include \"core/tensor/tensor.h\"", false},
      {"core/tensor/x.cpp", "#include \"core/graph/network.h\"", true},
      {"core/rng.cpp", "#include \"core/tensor/tensor.h\"", true},
      {"core/rng.cpp", "#include \"core/check.h\"", false},
      {"core/kernels/x.cpp", "#include \"core/graph/layer.h\"", true},
      {"core/graph/x.cpp", "#include \"layers/conv.h\"", true},
      {"core/graph/x.cpp", "#include \"core/kernels/conv2d.h\"", false},
      {"core/io/x.cpp", "#include \"core/train/trainer.h\"", true},
      {"core/train/x.cpp", "#include \"data/batches.h\"", true},
      {"core/train/x.cpp", "#include \"core/io/file.h\"", false},
      {"layers/x.cpp", "#include \"init/catalog.h\"", true},
      {"layers/x.cpp", "#include \"core/text.h\"", false},
      {"init/x.cpp", "#include \"layers/conv.h\"", true},
      {"init/x.cpp", "  #  include \"models/catalog.h\"", true},
      {"models/x.cpp", "#include \"init/catalog.h\"", true},
      {"models/x.cpp", "#include \"layers/conv.h\"", false},
      {"data/x.cpp", "#include \"core/graph/network.h\"", true},
      {"data/x.cpp", "#include \"core/train/trainer.h\"", true},
      {"data/x.cpp", "#include \"core/train/batch.h\"", false},
      {"apps/study/x.cpp", "#include \"apps/commands.h\"", true},
      {"apps/study/x.cpp", "#include \"apps/lessons/lesson.h\"", true},
      {"apps/lessons/x.cpp", "#include \"apps/study/page.h\"", false},
      {"apps/lessons/x.cpp", "#include \"apps/table.h\"", true},
      {"apps/x.cpp", "#include \"apps/lessons/lesson.h\"", false},
      {"apps/x.cpp", "#include \"apps/study/config.h\"", false},
      {"elsewhere/x.cpp", "#include \"core/check.h\"", true},  // every folder needs a row
      {"layers/x.cpp", "#include \"conv.h\"", true},           // not from the root
      {"layers/x.cpp", "#include <Eigen/Core>", true},
      {"core/tensor/matrix.h", "#include <Eigen/Core>", false},
      {"init/orthogonal.cpp", "#include <Eigen/QR>", false},
      {"init/dirac.cpp", "#include <Eigen/QR>", true},
      {"layers/x.cpp", "#include <omp.h>", true},
      {"core/kernels/x.cpp", "#include <omp.h>", false},
      {"core/kernels/x.cpp", "#include <immintrin.h>", true},
      {"core/kernels/amx.h", "#include <immintrin.h>", false},
      {"core/kernels/x.cpp", "#include <hwy/highway.h>", true},
      {"data/resize.cpp", "#include <stb_image.h>", true},
      {"data/image_file.cpp", "#include <stb_image.h>", false},
      {"core/io/x.h", "#include <nlohmann/json.hpp>", true},
      {"core/io/x.cpp", "#include <nlohmann/json.hpp>", false},
      {"apps/study/x.h", "#include <toml++/toml.h>", true},
      {"models/x.cpp", "#include <random>", true},
      {"models/x.cpp", "#include <vector>", false},
      {"models/x.cpp", "// see #include <random>", false},
  };
  for (const Planted& planted : cases) {
    Strings offences;
    check_includes({planted.path, planted.line + "\n"}, offences);
    EXPECT_EQ(!offences.empty(), planted.offence) << planted.path << ": " << planted.line;
  }
}

TEST(ArchitectureChecker, SeesPlantedText) {
  const std::string good = "// A sentence.\n// SPDX-License-Identifier: MIT\n#pragma once\n";
  const auto offences = [](const std::string& path, const std::string& text) {
    return offences_of({path, text}).size();
  };
  EXPECT_EQ(offences("layers/x.h", good), 0u);
  EXPECT_EQ(offences("layers/x.h", "// A sentence.\n#pragma once\n"), 1u);
  EXPECT_EQ(offences("layers/x.h", "// A sentence.\n// SPDX-License-Identifier: MIT\n"), 1u);
  EXPECT_EQ(offences("layers/x.h", good + std::string(247, '\n')), 0u);
  EXPECT_EQ(offences("layers/x.h", good + std::string(248, '\n')), 1u);
  EXPECT_EQ(offences("core/kernels/x.h", good + std::string(900, '\n')), 0u);
  EXPECT_EQ(offences("layers/x.h", good + "#pragma omp parallel for\n"), 1u);
  EXPECT_EQ(offences("core/kernels/x.h", good + "#pragma omp parallel for\n"), 0u);
  EXPECT_EQ(offences("core/kernels/x.h", good + "#pragma omp parallel for reduction(+ : sum)\n"), 1u);
  EXPECT_EQ(offences("data/x.h", good + "std::ofstream file(path);\n"), 1u);
  EXPECT_EQ(offences("core/io/x.h", good + "std::ofstream file(path);\n"), 0u);
  EXPECT_EQ(offences("data/x.h", good + "using namespace std;\n"), 1u);
}

}  // namespace
