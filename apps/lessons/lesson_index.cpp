// SPDX-License-Identifier: MIT
#include "apps/lessons/lesson_index.h"

#include "apps/lessons/catalog.h"
#include "apps/study/svg.h"
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
    kHeld{"holds", "成立"}, kFailed{"does not hold", "不成立"};

constexpr const char* kHead = R"(<!doctype html>
<html lang="{}"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }}
li {{ margin-bottom: .9rem; }} li ul {{ font-size: .9rem; margin: .2rem 0 0; }} li ul li {{ margin: 0; }}
p.question {{ margin: 0; }}
</style></head><body>
<h1>{}</h1>
<p>{}</p>
<ol>
)";

std::string outcome_list(const io::Path& path, Language language) {
  const std::string content = io::read_text(path);
  std::string text;
  try {
    for (const nlohmann::json& c : nlohmann::json::parse(content).at("criteria"))
      text += fmt::format("<li>{}: <b>{}</b> ({})</li>", escape_html(c.at("criterion").get<std::string>()),
                          (c.at("held").get<bool>() ? kHeld : kFailed).in(language),
                          escape_html(c.at("measured").get<std::string>()));
  } catch (const nlohmann::json::exception& error) {
    fail(ErrorKind::input, "{} is not the outcome of a lesson ({}); remove it, or run the lesson again", path.string(),
         error.what());
  }
  return "<ul>" + text + "</ul>";
}

}  // namespace

std::string lesson_index(const io::Path& folder, Language language) {
  const std::string title = escape_html(kTitle.in(language));
  std::string page = fmt::format(fmt::runtime(kHead), language == Language::zh ? "zh-CN" : "en", title, title,
                                 escape_html(kIntro.in(language)));
  for (const Lesson& lesson : lesson_catalog()) {
    const std::string name(lesson.name), heading = escape_html(lesson.title.in(language));
    const bool there = std::filesystem::exists(folder / (name + ".json"));
    page += "<li>" + (there ? fmt::format("<a href=\"{}.html\">{}</a>", name, heading) : heading);
    page += fmt::format("<p class=\"question\">{}</p>", escape_html(lesson.question.in(language)));
    page += there ? outcome_list(folder / (name + ".json"), language)
                  : fmt::format("<code>fanin lesson {}{}</code>", name, language == Language::zh ? " --lang zh" : "");
    page += "</li>\n";
  }
  return page + "</ol></body></html>\n";
}

}  // namespace fanin
