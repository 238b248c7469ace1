// A lesson: a question about initialization, the reader's prediction, an experiment that runs here in minutes, a figure,
// and criteria that the experiment meets or does not. What it finds is what it reports: a criterion that does not hold
// is a result.
// SPDX-License-Identifier: MIT
#pragma once

#include "apps/study/page.h"

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fanin {

// quick: seconds, to see how a lesson works and to test it; its outcome means little.
enum class LessonSize { quick, usual, full };

struct LessonSettings {
  LessonSize size = LessonSize::usual;
  Language language = Language::en;
  std::uint64_t seed = 1;
  std::string data = "synthetic";  // as --data of fanin train
};

// What theory says about a network at birth, or of any size and seed, is exact: it must hold at every size, and the tests
// demand it. What comes out of training is an outcome: it may hold or not.
enum class CriterionKind { exact, outcome };

struct Criterion {
  CriterionKind kind = CriterionKind::outcome;
  std::string text;
  bool held = false;
  std::string numbers;  // what was measured, and the bound
};

// A row of numbers for terminals: drawn as a row of bars, from 0 to the largest.
struct LessonView {
  std::string name;
  std::vector<double> values;
  std::string note;
};

// Sees how far a lesson is.
class LessonWatcher {
 public:
  virtual ~LessonWatcher() = default;
  virtual void progress(double /*share*/, const std::string& /*what*/) {}  // share of the work that is done
};

struct LessonOutcome {
  std::vector<Criterion> criteria;
  std::vector<LessonView> views;
  std::optional<std::size_t> answer;  // the choice that the measurement says is right
};

// What a lesson runs with, and where it puts what it finds.
class LessonContext {
 public:
  LessonContext(LessonSettings settings, Page& page, LessonWatcher& watcher)
      : page(page), settings_(std::move(settings)), watcher_(watcher) {}

  Page& page;  // for headings, figures and tables, in the order of the lesson

  const LessonSettings& settings() const { return settings_; }
  int pick(int quick, int usual, int full) const;  // by size

  std::string say(const Text& text) const { return std::string(text.in(settings_.language)); }
  // The text is a format with places for the values.
  template <class... Values>
  std::string say(const Text& text, const Values&... values) const {
    return fmt::format(fmt::runtime(text.in(settings_.language)), values...);
  }

  // Progress: first the work in units of any size, then what is done of it.
  void plan(double units) { planned_ += units; }
  void advance(double units, const std::string& what);

  void exact(const Text& text, bool held, std::string numbers);    // CriterionKind::exact
  void outcome(const Text& text, bool held, std::string numbers);  // CriterionKind::outcome
  void answer(std::size_t choice) { outcome_.answer = choice; }
  void show(std::string name, std::vector<double> values, std::string note = "");

  const LessonOutcome& result() const { return outcome_; }

 private:
  LessonSettings settings_;
  LessonWatcher& watcher_;
  double planned_ = 0.0, done_ = 0.0;
  LessonOutcome outcome_;
};

struct Lesson {
  std::string_view name;      // "glorot2010": word on the command line and name of the page
  Text title, question;       // a line; a few sentences
  Text prompt;                // what to predict
  std::vector<Text> choices;  // of the prediction: a, b, c, ...
  Text setup, differs;        // what runs here; what is not as in the source
  std::string_view source;    // paper and figure
  double minutes = 1.0;       // of the usual size on two cores
  void (*run)(LessonContext&) = nullptr;
};

}  // namespace fanin
