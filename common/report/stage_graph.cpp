#include "common/report/stage_graph.hpp"

#include <algorithm>
#include <optional>

#include "common/report/elements.hpp"
#include "common/report/html.hpp"
#include "common/text/names.hpp"
#include "common/text/units.hpp"

namespace fanfold {
namespace {

constexpr std::size_t kNameColumns = 40;
/// More jobs than anybody looks at side by side.
constexpr std::size_t kNeighboursShown = 12;

/// What the attempts of a stage add up to.
struct StageCount {
  std::uint64_t tasks = 0;
  std::uint64_t done = 0;
  std::uint64_t running = 0;
  std::uint64_t failed = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;

  const char* state(bool over) const {
    if (tasks > 0 && done >= tasks) return "done";
    if (over) return done + running + failed > 0 ? "ended" : "never";
    return done + running + failed > 0 ? "running" : "waiting";
  }
};

struct Node {
  std::string title;
  std::string style;
  std::string state;
  std::vector<std::string> lines;
};

std::string node_html(const Node& node) {
  std::string html = "<li class=\"node " + node.style + " is-" + node.state + "\"><b>" +
                     node.title + "</b><span class=\"node-state\">" + node.state + "</span>";
  for (const std::string& line : node.lines) html += "<span>" + line + "</span>";
  return html + "</li>";
}

std::string jobs_html(const std::vector<NeighbourJob>& jobs, const char* what) {
  if (jobs.empty()) return "";
  std::string html = "<li class=\"node jobs\"><b>" + std::string(what) + "</b>";
  for (std::size_t i = 0; i < std::min(jobs.size(), kNeighboursShown); ++i) {
    html += "<span><a href=\"" + escaped(jobs[i].path) + "\">" +
            escaped(fit(jobs[i].name, kNameColumns)) + "</a> " + state_badge(jobs[i].state) +
            "</span>";
  }
  if (jobs.size() > kNeighboursShown) {
    html += "<span>and " + format_count(jobs.size() - kNeighboursShown) + " more</span>";
  }
  return html + "</li>";
}

class Graph {
 public:
  explicit Graph(const JobHistory& history) : history_(history), over_(history.state != "running") {
    tasks_of(Stage::kSample) = history.sample ? 1 : 0;
    tasks_of(Stage::kMap) = history.maps;
    tasks_of(Stage::kReduce) = history.reduces;
    tasks_of(Stage::kGather) = history.gathers;
    for (const StageHistory& stage : history.stages) tasks_of(stage.stage) = stage.tasks;
    for (const AttemptHistory& attempt : history.attempts) count(attempt);
    for (StageCount& stage : stages_) stage.done = std::min(stage.done, stage.tasks);
  }

  std::string html(const Neighbours& neighbours) {
    std::string html = "<h2>Stages and their order</h2><ol class=\"graph\">" +
                       jobs_html(neighbours.before, "made by") + node_html(input());
    if (of(Stage::kSample).tasks > 0) html += node_html(stage(Stage::kSample));
    html += node_html(stage(Stage::kMap));
    if (of(Stage::kReduce).tasks > 0) {
      html += node_html(shuffle()) + node_html(stage(Stage::kReduce));
    }
    if (of(Stage::kGather).tasks > 0) html += node_html(stage(Stage::kGather));
    return html + node_html(output()) + jobs_html(neighbours.after, "read by") + "</ol>\n";
  }

 private:
  StageCount& of(Stage stage) { return stages_.at(static_cast<std::size_t>(stage) - 1); }
  std::uint64_t& tasks_of(Stage stage) { return of(stage).tasks; }

  void count(const AttemptHistory& attempt) {
    StageCount& stage = of(attempt.stage);
    switch (attempt.outcome) {
      case Outcome::kCommitted:
        ++stage.done;
        stage.bytes_in += attempt.bytes_in;
        stage.bytes_out += attempt.bytes_out;
        break;
      case Outcome::kUnfinished:
        stage.running += over_ ? 0 : 1;
        break;
      case Outcome::kFailed:
      case Outcome::kLost:
        ++stage.failed;
        break;
      case Outcome::kCancelled:
      case Outcome::kAbandoned:
        break;
    }
  }

  Node input() const {
    const bool planned = history_.planned > 0;
    return {.title = "input",
            .style = "data",
            .state = planned ? "done"
                     : over_ ? "never"
                             : "waiting",
            .lines = {format_bytes(history_.input_bytes), plural(history_.inputs_count, "path")}};
  }

  Node stage(Stage which) {
    const StageCount& stage = of(which);
    Node node{.title = name_of(which),
              .style = name_of(which),
              .state = stage.state(over_),
              .lines = {format_count(stage.done) + " of " + plural(stage.tasks, "task")}};
    if (stage.running > 0) node.lines.push_back(format_count(stage.running) + " under way");
    if (stage.failed > 0) {
      node.lines.push_back("<b class=\"bad\">" + plural(stage.failed, "attempt") +
                           " failed or lost</b>");
    }
    return node;
  }

  Node shuffle() {
    const StageCount& reduce = of(Stage::kReduce);
    return {.title = "shuffle",
            .style = "data",
            .state = reduce.state(over_),
            .lines = {format_bytes(std::min(reduce.bytes_in, of(Stage::kMap).bytes_out)) + " of " +
                      format_bytes(of(Stage::kMap).bytes_out)}};
  }

  Node output() const {
    const bool published = history_.output_files > 0;
    const bool begun = history_.publication_started.has_value();
    return {.title = "output",
            .style = "data",
            .state = published ? "done"
                     : over_   ? "never"
                     : begun   ? "running"
                               : "waiting",
            .lines = {format_bytes(history_.output_bytes), plural(history_.output_files, "file")}};
  }

  const JobHistory& history_;
  const bool over_;
  std::vector<StageCount> stages_ = std::vector<StageCount>(kStages);
};

}  // namespace

std::string stage_graph(const JobHistory& history, const Neighbours& neighbours) {
  return Graph(history).html(neighbours);
}

}  // namespace fanfold
