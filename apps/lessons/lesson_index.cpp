// SPDX-License-Identifier: MIT
#include "apps/lessons/lesson_index.h"

#include "apps/lessons/catalog.h"
#include "core/check.h"

#include <nlohmann/json.hpp>

#include <filesystem>

namespace fanin {

namespace {

constexpr Text kTitle{"A course on the initialization of weights", "权重初始化课程"},
    kIntro{
        "Each lesson asks a question, lets you predict, runs an experiment on this computer, and says whether a "
        "criterion fixed beforehand holds. Run what is missing with the command in its row.",
        "每一课提出一个问题，请你先预测，然后在这台计算机上做实验，并说明事先定下的判据是否成立。还没有运行的课，"
        "用该行的命令运行。"},
    kHeld{"Holds", "成立"}, kFailed{"Does not hold", "不成立"}, kMinutes{"minutes", "分钟"};

std::vector<std::string> outcomes(const io::Path& path, Language language) {
  const std::string content = io::read_text(path);
  std::vector<std::string> items;
  try {
    for (const nlohmann::json& c : nlohmann::json::parse(content).at("criteria"))
      items.push_back(fmt::format("{}: {} ({})", (c.at("held").get<bool>() ? kHeld : kFailed).in(language),
                                  c.at("criterion").get<std::string>(), c.at("measured").get<std::string>()));
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::input, "{} is not the outcome of a lesson ({}); remove it, or run the lesson again", path.string(),
         error.what());
  }
  return items;
}

}  // namespace

std::string lesson_index(const io::Path& folder, Language language) {
  Page page(std::string(kTitle.in(language)), language);
  page.paragraph(kIntro.in(language));
  int number = 0;
  for (const Lesson& lesson : lesson_catalog()) {
    const std::string name(lesson.name);
    page.heading(2, fmt::format("{}. {}", ++number, lesson.title.in(language)));
    page.paragraph(lesson.question.in(language));
    if (std::filesystem::exists(folder / (name + ".json"))) {
      page.link(name + ".html", name);
      page.list(outcomes(folder / (name + ".json"), language));
    } else {
      page.note(fmt::format("fanin lesson {}{} ({:.1g} {})", name, language == Language::zh ? " --lang zh" : "",
                            lesson.minutes, kMinutes.in(language)));
    }
  }
  return page.html();
}

}  // namespace fanin
