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
    kHeld{"Holds", "成立"}, kFailed{"Does not hold", "不成立"}, kMinutes{"minutes", "分钟"},
    kCriterion{"criterion (* exact)", "判据（* 精确）"}, kMeasured{"measured", "测得"};

std::vector<Criterion> outcomes(const io::Path& path) {
  const std::string content = io::read_text(path);
  std::vector<Criterion> criteria;
  try {
    const nlohmann::json outcome = nlohmann::json::parse(content);
    for (const nlohmann::json& c : outcome.at("criteria"))
      criteria.push_back({c.at("kind") == "exact" ? CriterionKind::exact : CriterionKind::outcome,
                          c.at("criterion").get<std::string>(), c.at("held").get<bool>(),
                          c.at("measured").get<std::string>()});
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::input, "{} is not the outcome of a lesson ({}); remove it, or run the lesson again", path.string(),
         error.what());
  }
  return criteria;
}

std::string_view verdict(const Criterion& c, Language language) { return (c.held ? kHeld : kFailed).in(language); }

io::Path outcome_file(const io::Path& folder, const Lesson& lesson) {
  return folder / (std::string(lesson.name) + ".json");
}

std::string command_of(const Lesson& lesson, Language language) {
  return fmt::format("fanin lesson {}{}", lesson.name, language == Language::zh ? " --lang zh" : "");
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
    if (!std::filesystem::exists(outcome_file(folder, lesson))) {
      page.note(fmt::format("{} ({:.1f} {})", command_of(lesson, language), lesson.minutes, kMinutes.in(language)));
      continue;
    }
    page.link(name + ".html", name);
    std::vector<std::string> items;
    for (const Criterion& c : outcomes(outcome_file(folder, lesson)))
      items.push_back(fmt::format("{}: {} ({})", verdict(c, language), c.text, c.numbers));
    page.list(items);
  }
  return page.html();
}

std::string lesson_markdown(const io::Path& folder, Language language) {
  std::string text;
  int number = 0;
  for (const Lesson& lesson : lesson_catalog()) {
    text += fmt::format("## {}. {}: {}\n\n{}\n\n{}. `{}`, {:.1f} {}.\n\n", ++number, lesson.name,
                        lesson.title.in(language), lesson.question.in(language), lesson.source,
                        command_of(lesson, language), lesson.minutes, kMinutes.in(language));
    if (!std::filesystem::exists(outcome_file(folder, lesson))) continue;
    text += fmt::format("| {} | | {} |\n| --- | --- | --- |\n", kCriterion.in(language), kMeasured.in(language));
    for (const Criterion& c : outcomes(outcome_file(folder, lesson)))
      text += fmt::format("| {}{} | {} | {} |\n", c.text, c.kind == CriterionKind::exact ? " *" : "",
                          verdict(c, language), c.numbers);
    text += "\n";
  }
  return text;
}

}  // namespace fanin
