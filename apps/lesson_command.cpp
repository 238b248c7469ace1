// fanin lesson: the course. Asks, lets the reader predict, runs, and says what held.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/lessons/catalog.h"
#include "apps/lessons/lesson_page.h"
#include "apps/sparkline.h"
#include "apps/study/progress.h"
#include "apps/table.h"
#include "core/check.h"
#include "core/tensor/parallel.h"

#include <fmt/format.h>

#include <unistd.h>
#include <cstdio>
#include <iostream>
#include <memory>

namespace fanin {

namespace {

constexpr Text kContents{"A course on the initialization of weights. Run a lesson: fanin lesson NAME",
                         "权重初始化课程。运行一课：fanin lesson 课名 --lang zh"},
    kMinutes{"minutes", "分钟"}, kNumber{"no", "序号"}, kName{"name", "课名"}, kTitle{"title", "标题"},
    kSource{"source", "出处"},
    kAsk{"Your prediction (a letter, or Enter to skip): ", "你的预测（输入字母，回车跳过）："},
    kRuns{"Runs now, about {} on two cores.", "现在开始运行，两核约需 {}。"}, kHeld{"HOLDS", "成立"},
    kFailed{"DOES NOT HOLD", "不成立"}, kYouSaid{"You said {}. ", "你选的是 {}。"},
    kMeasured{"The measurement says {}: {}", "测量结果是 {}：{}"},
    kDiffers{"What differs from the source: ", "与原文的不同："}, kPage{"page: {}", "页面：{}"},
    kLeft{"{} left", "剩余 {}"}, kCourse{"course: {}", "课程目录：{}"};

struct LessonOptions {
  std::string name, language = "en", out, predict;
  int threads = 0;
  bool full = false, quick = false;
  LessonSettings settings;
};

std::string say(const LessonOptions& o, const Text& text) { return std::string(text.in(o.settings.language)); }
template <class... Values>
std::string say(const LessonOptions& o, const Text& text, const Values&... values) {
  return fmt::format(fmt::runtime(text.in(o.settings.language)), values...);
}

// On a terminal one live line with a bar and the time left; in a pipe nothing but every tenth of the way.
class ProgressLine : public LessonWatcher {
 public:
  explicit ProgressLine(const LessonOptions& options) : options_(options) { eta_.begin(0.0); }
  ~ProgressLine() override {
    if (open_) fmt::print("\r\x1b[K");
  }
  void progress(double share, const std::string& what) override {
    const double left = eta_.seconds_left(share, 1.0);
    const std::string time = left < 0.0 ? "" : say(options_, kLeft, human_time(left));
    if (terminal_output()) {
      fmt::print("\r\x1b[K{} {:3.0f} % {} {}", bar(share, 24), 100.0 * share, what, time);
      open_ = true;
    } else if (share >= next_) {
      fmt::print("{:3.0f} % {} {}\n", 100.0 * share, what, time);
      while (next_ <= share) next_ += 0.1;
    }
    std::fflush(stdout);
  }

 private:
  const LessonOptions& options_;
  Eta eta_;
  double next_ = 0.1;
  bool open_ = false;
};

void print_contents(const LessonOptions& o) {
  fmt::print("{}\n\n", say(o, kContents));
  int number = 0;
  for (const Lesson& lesson : lesson_catalog())
    fmt::print("{:>3}  {:<18} {:>4.1f} {}  {}\n       {}\n", ++number, lesson.name, lesson.minutes, say(o, kMinutes),
               say(o, lesson.title), lesson.source);
}

// Asks on a terminal only, so that a pipe never waits.
std::optional<std::size_t> prediction(const Lesson& lesson, const LessonOptions& o) {
  fmt::print("{}\n\n", say(o, lesson.prompt));
  for (std::size_t i = 0; i < lesson.choices.size(); ++i)
    fmt::print("  {}  {}\n", choice_letter(i), say(o, lesson.choices[i]));
  fmt::print("\n");
  if (!o.predict.empty()) return parse_choice(lesson, o.predict);
  if (o.name == "all" || ::isatty(STDIN_FILENO) == 0 || !terminal_output()) return std::nullopt;
  for (;;) {
    fmt::print("{}", say(o, kAsk));
    std::fflush(stdout);
    std::string word;
    if (!std::getline(std::cin, word) || word.empty()) return std::nullopt;
    try {
      return parse_choice(lesson, word);
    } catch (const Error& error) {
      fmt::print("{}\n", error.what());
    }
  }
}

std::string command_of(const Lesson& lesson, const LessonOptions& o) {
  std::string text = fmt::format("fanin lesson {}", lesson.name);
  if (o.full) text += " --full";
  if (o.quick) text += " --quick";
  if (o.settings.language == Language::zh) text += " --lang zh";
  if (o.settings.seed != 1) text += fmt::format(" --seed {}", o.settings.seed);
  if (o.settings.data != "synthetic") text += " --data " + o.settings.data;
  return text;
}

void print_outcome(const Lesson& lesson, const LessonOutcome& outcome, std::optional<std::size_t> predicted,
                   const LessonOptions& o) {
  std::size_t width = 0;
  for (const LessonView& view : outcome.views) width = std::max(width, view.name.size());
  for (const LessonView& view : outcome.views)
    fmt::print("{:<{}}  [{}]  {}\n", view.name, width, sparkline(view.values), view.note);
  fmt::print("\n");
  for (const Criterion& c : outcome.criteria)
    fmt::print("{}: {}\n  {}\n", say(o, c.held ? kHeld : kFailed), c.text, c.numbers);
  fmt::print("\n");
  if (predicted) fmt::print("{}", say(o, kYouSaid, choice_letter(*predicted)));
  if (outcome.answer)
    fmt::print("{}\n", say(o, kMeasured, choice_letter(*outcome.answer), say(o, lesson.choices[*outcome.answer])));
  else if (predicted)
    fmt::print("\n");
  fmt::print("{}{}\n", say(o, kDiffers), say(o, lesson.differs));
}

void run_one(const Lesson& lesson, const LessonOptions& o) {
  io::create_folders(o.out);  // now, and not after minutes
  fmt::print("{} ({})\n\n{}\n\n", say(o, lesson.title), lesson.source, say(o, lesson.question));
  const std::optional<std::size_t> predicted = prediction(lesson, o);
  fmt::print("{}\n{}\n\n", say(o, lesson.setup), say(o, kRuns, human_time(60.0 * lesson.minutes)));
  std::fflush(stdout);
  LessonResult result;
  {
    ProgressLine line(o);
    result = run_lesson(lesson, o.settings, predicted, command_of(lesson, o), line);
  }
  write_lesson(lesson, result, o.settings, o.out);
  print_outcome(lesson, result.outcome, predicted, o);
  fmt::print("{}\n",
             say(o, kPage, std::filesystem::absolute(o.out + "/" + std::string(lesson.name) + ".html").string()));
}

void run(LessonOptions o) {
  FANIN_CHECK(o.threads >= 0 && o.threads <= 1024, usage, "--threads {}; give 1 to 1024, or 0 for every core",
              o.threads);
  FANIN_CHECK(!o.full || !o.quick, usage, "--full and --quick exclude each other");
  o.settings.language = language_of(o.language);
  o.settings.size = o.full ? LessonSize::full : o.quick ? LessonSize::quick : LessonSize::usual;
  if (o.out.empty()) o.out = o.language == "zh" ? "lessons-zh" : "lessons";
  if (o.name.empty() || o.name == "list") return print_contents(o);
  set_thread_count(o.threads > 0 ? o.threads : std::max(1, omp_get_num_procs()));
  if (o.name != "all") {
    const Lesson& lesson = find_lesson(o.name);
    if (!o.predict.empty()) parse_choice(lesson, o.predict);  // before anything is printed
    return run_one(lesson, o);
  }
  FANIN_CHECK(o.predict.empty(), usage, "--predict with all lessons; give it with one");
  for (const Lesson& lesson : lesson_catalog()) {
    run_one(lesson, o);
    fmt::print("\n\n");
  }
  fmt::print("{}\n", say(o, kCourse, std::filesystem::absolute(o.out + "/index.html").string()));
}

}  // namespace

void add_lesson_command(CLI::App& app) {
  const std::shared_ptr<LessonOptions> o = std::make_shared<LessonOptions>();
  CLI::App* command = app.add_subcommand("lesson", "A course: predict, run a classic experiment here, see what holds");
  command->footer(
      "Examples:\n"
      "  fanin lesson list\n"
      "  fanin lesson symmetry\n"
      "  fanin lesson he2015 --lang zh --predict b\n"
      "  fanin lesson all --out course\n"
      "A criterion that does not hold is a result: the exit code is 0 all the same. docs/lessons.md has what came "
      "out.");
  command->add_option("NAME", o->name, "A lesson; list: the table of contents; all: every lesson, one after the other");
  // A command of its own because `fanin list` is one, which would take the word otherwise.
  CLI::App* list = command->add_subcommand("list", "The table of contents");
  list->add_option("--lang", o->language, "en or zh")->capture_default_str();
  list->callback([o] { o->name = "list"; });
  command->add_flag("--full", o->full, "Larger and longer, nearer to the paper");
  command->add_flag("--quick", o->quick, "Tiny, in seconds, to see how a lesson works; its outcome means little");
  command->add_option("--lang", o->language, "en or zh")->capture_default_str();
  command->add_option("--predict", o->predict, "Your prediction, a letter; on a terminal you are asked otherwise");
  command->add_option("--out", o->out, "Folder of the pages; default lessons, or lessons-zh");
  command->add_option("--data", o->settings.data, "Images of lessons that use some: as --data of fanin train")
      ->capture_default_str();
  command->add_option("--seed", o->settings.seed, "First seed")->capture_default_str();
  command->add_option("--threads", o->threads, "Threads; 0: every core this process may use")->capture_default_str();
  command->callback([o] { run(*o); });
}

}  // namespace fanin
