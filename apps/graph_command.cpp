// fanin graph: the nodes of a network and what they read, as a table or for Graphviz.
// SPDX-License-Identifier: MIT
#include "apps/commands.h"
#include "apps/model_options.h"
#include "apps/table.h"
#include "core/check.h"
#include "core/io/file.h"
#include "models/catalog.h"

#include <fmt/format.h>

#include <memory>

namespace fanin {

namespace {

std::string size_of(const NodeSummary& row) {
  return fmt::format("{}x{}x{}", row.output.height, row.output.width, row.output.channels);
}

std::string text_graph(const std::vector<NodeSummary>& rows) {
  Table table({"node", "layer", ">HxWxC", ">parameters", "reads"});
  for (const NodeSummary& row : rows)
    table.add({row.name, row.description, size_of(row), row.parameters > 0 ? thousands(row.parameters) : "",
               fmt::format("{}", fmt::join(row.inputs, ", "))});
  return table.text();
}

// "group0.block1." of "group0.block1.conv0"; empty for a node outside of all scopes.
std::string scope_of(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(0, dot + 1);
}

// Nodes are built scope by scope, so walking them in order opens and closes each box once.
class DotWriter {
 public:
  std::string write(const std::vector<NodeSummary>& rows) {
    text_ = "digraph network {\n  rankdir=TB;\n  node [shape=box, fontname=\"sans-serif\"];\n";
    for (const NodeSummary& row : rows) {
      enter(scope_of(row.name));
      text_ += fmt::format("{}\"{}\" [label=\"{}\\n{}\\n{}\"];\n", indent(), row.name,
                           row.name.substr(scopes_.empty() ? 0 : scopes_.back().size()), row.description, size_of(row));
    }
    enter("");
    for (const NodeSummary& row : rows)
      for (const std::string& input : row.inputs) text_ += fmt::format("  \"{}\" -> \"{}\";\n", input, row.name);
    return text_ + "}\n";
  }

 private:
  std::string indent() const { return std::string(2 * scopes_.size() + 2, ' '); }

  void enter(const std::string& scope) {
    while (!scopes_.empty() && !scope.starts_with(scopes_.back())) {
      scopes_.pop_back();
      text_ += indent() + "}\n";
    }
    std::size_t begin = scopes_.empty() ? 0 : scopes_.back().size();
    for (std::size_t dot = scope.find('.', begin); dot != std::string::npos; dot = scope.find('.', begin)) {
      text_ += fmt::format("{}subgraph \"cluster_{}\" {{ label=\"{}\";\n", indent(), scope.substr(0, dot),
                           scope.substr(begin, dot - begin));
      scopes_.push_back(scope.substr(0, dot + 1));
      begin = dot + 1;
    }
  }

  std::string text_;
  std::vector<std::string> scopes_;  // the open ones, from outside in, each with its full prefix
};

}  // namespace

void add_graph_command(CLI::App& app) {
  struct Options {
    ModelChoice model;
    std::string format = "text", out;
  };
  const std::shared_ptr<Options> o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("graph", "Which node reads which: a table, or DOT for Graphviz");
  command->footer(
      "Examples:\n  fanin graph wrn-16-1\n  fanin graph resnext-29-8x64d --format dot | dot -Tsvg > resnext.svg");
  o->model.add(*command);
  command->add_option("--format", o->format, "text or dot")->capture_default_str();
  command->add_option("--out", o->out, "File to write; default: print");
  command->callback([o] {
    FANIN_CHECK(o->format == "text" || o->format == "dot", usage, "--format {}; choose text or dot", o->format);
    const std::vector<NodeSummary> rows = o->model.build().network.summary();
    const std::string text = o->format == "dot" ? DotWriter().write(rows) : text_graph(rows);
    if (o->out.empty()) {
      fmt::print("{}", text);
    } else {
      io::write_atomically(o->out, text);
      fmt::print("wrote {}\n", o->out);
    }
  });
}

}  // namespace fanin
