// SPDX-License-Identifier: MIT
#include "apps/lessons/lesson_page.h"

#include "apps/lessons/lesson_index.h"
#include "core/check.h"

#include <nlohmann/json.hpp>

namespace fanin {

namespace {

// The words that every lesson's page has.
constexpr Text kQuestion{"The question", "问题"}, kPredict{"Your prediction", "你的预测"},
    kSetup{"What runs here", "这里运行什么"}, kFigures{"What came out", "结果"}, kCriteria{"The criteria", "判据"},
    kCriterion{"criterion", "判据"}, kOutcome{"verdict", "结论"}, kNumbers{"measured", "测得"}, kKind{"kind", "类别"},
    kExact{"exact", "精确"}, kTrained{"outcome", "实验结果"},
    kKinds{
        "Exact: what theory says about any network of this kind; the automatic tests demand it. Outcome: what came out "
        "of these runs; it may hold or not.",
        "精确：理论对任何这类网络都成立，自动测试要求它成立。实验结果：这些运行得到的结果，可能成立，也可能不成立。"},
    kHeld{"holds", "成立"}, kFailed{"does not hold", "不成立"},
    kDiffers{"What differs from the source", "与原文的不同"}, kSource{"Source: {}", "出处：{}"},
    kYouSaid{"You said {}.", "你选的是 {}。"}, kMeasured{"The measurement says {}: {}", "测量结果是 {}：{}"},
    kQuick{"This is the quick version, which shows how the lesson works; its outcome means little.",
           "这是快速版，只为展示本课如何运行；其结论没有多少意义。"};

void write_choices(Page& page, const Lesson& lesson, const LessonContext& context,
                   std::optional<std::size_t> predicted) {
  page.heading(2, context.say(kPredict));
  page.paragraph(context.say(lesson.prompt));
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < lesson.choices.size(); ++i)
    rows.push_back({std::string(1, choice_letter(i)), context.say(lesson.choices[i])});
  page.table({"", ""}, rows);
  if (predicted) page.paragraph(context.say(kYouSaid, choice_letter(*predicted)));
}

void write_criteria(Page& page, const LessonContext& context) {
  page.heading(2, context.say(kCriteria));
  std::vector<std::vector<std::string>> rows;
  for (const Criterion& c : context.result().criteria)
    rows.push_back({c.text, context.say(c.held ? kHeld : kFailed), c.numbers,
                    context.say(c.kind == CriterionKind::exact ? kExact : kTrained)});
  page.table({context.say(kCriterion), context.say(kOutcome), context.say(kNumbers), context.say(kKind)}, rows);
  page.note(context.say(kKinds));
}

}  // namespace

char choice_letter(std::size_t choice) { return static_cast<char>('a' + choice); }

std::size_t parse_choice(const Lesson& lesson, std::string_view word) {
  if (word.size() == 1) {
    const int letter = static_cast<unsigned char>(word[0]) | 0x20;
    if (letter >= 'a' && letter < 'a' + static_cast<int>(lesson.choices.size()))
      return static_cast<std::size_t>(letter - 'a');
  }
  fail(ErrorKind::usage, "prediction '{}' for lesson {}; give a letter from a to {}", word, lesson.name,
       choice_letter(lesson.choices.size() - 1));
}

LessonResult run_lesson(const Lesson& lesson, const LessonSettings& settings, std::optional<std::size_t> predicted,
                        const std::string& command, LessonWatcher& watcher) {
  Page page(std::string(lesson.title.in(settings.language)), settings.language);
  LessonContext context(settings, page, watcher);
  page.heading(2, context.say(kQuestion));
  page.paragraph(context.say(lesson.question));
  page.note(context.say(kSource, lesson.source));
  write_choices(page, lesson, context, predicted);
  page.heading(2, context.say(kSetup));
  page.paragraph(context.say(lesson.setup));
  if (settings.size == LessonSize::quick) page.note(context.say(kQuick));
  page.heading(2, context.say(kFigures));
  lesson.run(context);
  const LessonOutcome& outcome = context.result();
  if (outcome.answer)
    page.paragraph(
        context.say(kMeasured, choice_letter(*outcome.answer), context.say(lesson.choices[*outcome.answer])));
  write_criteria(page, context);
  page.heading(2, context.say(kDiffers));
  page.paragraph(context.say(lesson.differs));
  page.command(command);
  return {outcome, page.html()};
}

void write_lesson(const Lesson& lesson, const LessonResult& result, const LessonSettings& settings,
                  const io::Path& folder) {
  io::create_folders(folder);
  const std::string name(lesson.name);
  nlohmann::ordered_json json = {{"lesson", name}, {"language", settings.language == Language::zh ? "zh" : "en"}};
  json["criteria"] = nlohmann::ordered_json::array();
  for (const Criterion& c : result.outcome.criteria)
    json["criteria"].push_back({{"criterion", c.text},
                                {"held", c.held},
                                {"measured", c.numbers},
                                {"kind", c.kind == CriterionKind::exact ? "exact" : "outcome"}});
  io::write_atomically(folder / (name + ".html"), result.html);
  io::write_atomically(folder / (name + ".json"), json.dump(1) + "\n");
  io::write_atomically(folder / "index.html", lesson_index(folder, settings.language));
  io::write_atomically(folder / "index.md", lesson_markdown(folder, settings.language));
}

}  // namespace fanin
