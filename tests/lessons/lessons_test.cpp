// Every lesson of the catalog runs at its quick size in both languages, and its page has what a lesson must have.
// SPDX-License-Identifier: MIT
#include "apps/lessons/catalog.h"
#include "apps/lessons/lesson_index.h"
#include "apps/lessons/lesson_page.h"
#include "apps/study/svg.h"
#include "core/check.h"
#include "core/tensor/parallel.h"
#include "tests/support/error_of.h"
#include "tests/support/scratch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace fanin {

namespace {

struct Shares : LessonWatcher {
  std::vector<double> shares;
  void progress(double share, const std::string& what) override {
    shares.push_back(share);
    EXPECT_FALSE(what.empty());
  }
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void expect_both(const Text& text, const std::string& what) {
  EXPECT_FALSE(text.en.empty()) << what;
  EXPECT_FALSE(text.zh.empty()) << what;
  EXPECT_NE(text.en, text.zh) << what;
}

class EveryLesson : public ::testing::TestWithParam<std::size_t> {
 protected:
  const Lesson& lesson() const { return lesson_catalog()[GetParam()]; }
};

TEST_P(EveryLesson, SaysWhatItIsInBothLanguages) {
  const Lesson& l = lesson();
  for (const Text* text : {&l.title, &l.question, &l.prompt, &l.setup, &l.differs}) expect_both(*text, "texts");
  EXPECT_GE(l.choices.size(), 2u);
  for (const Text& choice : l.choices) EXPECT_FALSE(choice.en.empty() || choice.zh.empty());
  EXPECT_FALSE(l.source.empty());
  EXPECT_GT(l.minutes, 0.0);
  EXPECT_LE(l.minutes, 5.0);
}

TEST_P(EveryLesson, RunsQuicklyInBothLanguagesWithTheSameBitsOnAnyThreads) {
  std::string english;
  for (const auto& [language, threads] : {std::pair{Language::en, 1}, {Language::zh, 2}, {Language::en, 2}}) {
    set_thread_count(threads);
    LessonSettings settings;
    settings.size = LessonSize::quick;
    settings.language = language;
    Shares watcher;
    const LessonResult result = run_lesson(lesson(), settings, 1, "fanin lesson X --quick", watcher);

    ASSERT_FALSE(result.outcome.criteria.empty());
    for (const Criterion& c : result.outcome.criteria) {
      EXPECT_TRUE(has(result.html, escape_html(c.text))) << c.text;
      EXPECT_TRUE(has(result.html, escape_html(c.numbers))) << c.numbers;
      if (c.kind == CriterionKind::exact) {
        EXPECT_TRUE(c.held) << c.text << ": " << c.numbers;
      }
      EXPECT_NE(c.numbers.find_first_of("0123456789"), std::string::npos) << c.text << ": " << c.numbers;
    }
    EXPECT_TRUE(has(result.html, "<svg")) << "a lesson has a figure";
    EXPECT_TRUE(has(result.html, escape_html(lesson().question.in(language))));
    EXPECT_TRUE(has(result.html, escape_html(lesson().differs.in(language))));
    EXPECT_TRUE(has(result.html, "fanin lesson X --quick"));
    if (result.outcome.answer) {
      EXPECT_LT(*result.outcome.answer, lesson().choices.size());
    }
    EXPECT_FALSE(result.outcome.views.empty());
    if (language == Language::en) {
      EXPECT_TRUE(english.empty() || english == result.html) << "another page with 2 threads";
      english = result.html;
    }
    ASSERT_FALSE(watcher.shares.empty());
    EXPECT_NEAR(watcher.shares.back(), 1.0, 1e-9) << "progress ends at the end";
    EXPECT_TRUE(std::is_sorted(watcher.shares.begin(), watcher.shares.end()));
    EXPECT_LE(watcher.shares.front(), 1.0);
  }
}

INSTANTIATE_TEST_SUITE_P(Lessons, EveryLesson, ::testing::Range<std::size_t>(0, lesson_catalog().size()),
                         [](const auto& info) {
                           std::string name(lesson_catalog()[info.param].name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(LessonCatalog, NamesAreWordsAndDiffer) {
  std::set<std::string_view> names;
  for (const Lesson& lesson : lesson_catalog()) {
    EXPECT_TRUE(names.insert(lesson.name).second) << lesson.name;
    EXPECT_EQ(lesson.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string_view::npos);
    EXPECT_NE(lesson.name, "list");
    EXPECT_NE(lesson.name, "all");
  }
}

TEST(LessonCatalog, UnknownNamesGetASuggestion) {
  const std::string error = test::error_of([] { find_lesson("symetry"); });
  EXPECT_TRUE(has(error, "unknown lesson 'symetry'; did you mean 'symmetry'?")) << error;
}

TEST(LessonPage, ReadsAPrediction) {
  const Lesson& lesson = lesson_catalog().front();
  EXPECT_EQ(parse_choice(lesson, "a"), 0u);
  EXPECT_EQ(parse_choice(lesson, "B"), 1u);
  for (const char* wrong : {"", "z", "1", "ab", "`"})
    EXPECT_TRUE(has(test::error_of([&] { parse_choice(lesson, wrong); }), "give a letter from a to")) << wrong;
}

LessonResult made_up_result() {
  LessonResult result;
  result.outcome.criteria = {{CriterionKind::exact, "first <criterion>", true, "1 & 2"},
                             {CriterionKind::outcome, "second", false, "3"}};
  result.html = "<p>page</p>";
  return result;
}

TEST(LessonIndex, ShowsEveryLessonAndTheOutcomesThatAreThere) {
  const io::Path folder = test::scratch_folder();
  const Lesson& lesson = lesson_catalog().front();
  write_lesson(lesson, made_up_result(), {}, folder);
  const std::string name(lesson.name), index = io::read_text(folder / "index.html");
  EXPECT_EQ(io::read_text(folder / (name + ".html")), "<p>page</p>");
  EXPECT_TRUE(has(index, "href=\"" + name + ".html\""));
  EXPECT_TRUE(has(index, "Holds: first &lt;criterion&gt; (1 &amp; 2)")) << index;
  EXPECT_TRUE(has(index, "Does not hold: second (3)"));
  for (const Lesson& other : lesson_catalog()) EXPECT_TRUE(has(index, escape_html(other.title.en))) << other.name;
  EXPECT_TRUE(has(lesson_index(folder, Language::zh), "不成立"));
  const std::string markdown = io::read_text(folder / "index.md");
  EXPECT_TRUE(has(markdown, "| first <criterion> * | Holds | 1 & 2 |\n| second | Does not hold | 3 |")) << markdown;
  for (const Lesson& other : lesson_catalog()) EXPECT_TRUE(has(markdown, std::string(other.title.en))) << other.name;
}

TEST(LessonIndex, ADamagedOutcomeIsNamed) {
  const io::Path folder = test::scratch_folder();
  const std::string name(lesson_catalog().front().name);
  io::write_atomically(folder / (name + ".json"), std::string_view("{\"criteria\": [{}]}"));
  const std::string error = test::error_of([&] { lesson_index(folder, Language::en); });
  EXPECT_TRUE(has(error, name + ".json is not the outcome of a lesson")) << error;
}

}  // namespace

}  // namespace fanin
