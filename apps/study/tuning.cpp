// SPDX-License-Identifier: MIT
#include "apps/study/tuning.h"

#include "apps/study/report_text.h"
#include "core/check.h"

#include <fmt/format.h>

#include <algorithm>

namespace fanin {

namespace {

constexpr std::uint64_t kFirstSeed = 1001;

}  // namespace

void check_tuning(const Comparison& c) {
  FANIN_CHECK(c.tuning_seeds >= 1 && c.tuning_seeds <= 100, usage, "--tune-seeds {}; give 1 to 100", c.tuning_seeds);
  FANIN_CHECK(c.tuning_images >= 1, usage, "--tune-images {}; give at least 1", c.tuning_images);
  FANIN_CHECK(c.rates.size() >= 2, usage, "--tune has one learning rate, so there is nothing to choose; give several");
  FANIN_CHECK(c.base.validation == 0, usage,
              "--tune and --validation {}: rates would be chosen on the images that rank the schemes; give only one",
              c.base.validation);
  for (const std::uint64_t seed : tuning_comparison(c).seeds)
    FANIN_CHECK(std::find(c.seeds.begin(), c.seeds.end(), seed) == c.seeds.end(), usage,
                "seed {} is used for tuning; give others in --seed-list", seed);
}

Comparison tuning_comparison(const Comparison& c) {
  Comparison t = c;
  t.tuning_seeds = 0;
  t.tuned.clear();
  t.published.clear();
  t.seeds.clear();
  for (int i = 0; i < c.tuning_seeds; ++i) t.seeds.push_back(kFirstSeed + static_cast<std::uint64_t>(i));
  t.base.validation = c.tuning_images;
  t.base.record = false;  // no page shows what trials would record
  t.base.test_size = 0;
  if (c.base.train_size > 0) t.base.train_size = c.base.train_size + c.tuning_images;
  return t;
}

io::Path tuning_folder(const io::Path& out) { return out / "tuning"; }

std::vector<TunedRate> choose_rates(const std::vector<ModelRanking>& rankings) {
  std::vector<TunedRate> chosen;
  for (const ModelRanking& ranking : rankings)
    for (const RankingRow* row : best_rows(ranking)) chosen.push_back({ranking.model, row->scheme, row->rate});
  return chosen;
}

std::vector<ModelRanking> tuning_rankings(const Comparison& c, const io::Path& out) {
  return rank(tuning_comparison(c), tuning_folder(out));
}

bool at_edge(const Comparison& c, double rate) {
  const auto [low, high] = std::minmax_element(c.rates.begin(), c.rates.end());
  return rate == *low || rate == *high;
}

std::string tuning_sentence(const Comparison& c, Language language) {
  return say(language, c.tuning_seeds == 1 ? kTunedWithOneSeed : kTuned, fmt::format("{}", fmt::join(c.rates, ", ")),
             c.tuning_images, c.tuning_seeds);
}

}  // namespace fanin
