#include "common/report/sections.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "common/report/charts.hpp"
#include "common/report/elements.hpp"
#include "common/report/emission.hpp"
#include "common/report/html.hpp"
#include "common/text/names.hpp"
#include "common/text/units.hpp"

namespace fanfold {
namespace {

constexpr std::size_t kCountersListed = 200;

class Writer {
 public:
  Writer(const JobHistory& history, const Analysis& analysis)
      : history_(history), analysis_(analysis) {}

  JobSections write() {
    JobSections sections;
    heading();
    cards();
    advice();
    critical_path();
    sections.summary = std::exchange(body_, {});
    sections.keys = emission_section(history_.emission);
    stages();
    slowest();
    failures();
    dead_letters();
    details();
    remarks();
    sections.details = std::move(body_);
    return sections;
  }

 private:
  void heading() {
    body_ += "<header><h1><span class=\"text\">" + escaped(fit(history_.name, 200)) + "</span> " +
             state_badge(history_.state) + "</h1><p class=\"faint\">job " +
             std::to_string(history_.job) + ", submitted " + utc(history_.submitted_unix_us) +
             " by " + escaped(fit(history_.user, 80)) + "</p>";
    if (!history_.reason.empty()) body_ += "<p>" + escaped(history_.reason) + "</p>";
    body_ += "</header>\n";
  }

  void cards() {
    std::uint64_t tasks = 0;
    for (const StageAnalysis& stage : analysis_.stages) tasks += stage.tasks;
    std::array<std::uint64_t, 6> outcomes{};
    std::uint64_t backups = 0;
    for (const AttemptHistory& attempt : history_.attempts) {
      ++outcomes.at(static_cast<std::size_t>(attempt.outcome));
      backups += attempt.speculative ? 1 : 0;
    }
    const std::uint64_t bad = outcomes[static_cast<std::size_t>(Outcome::kFailed)] +
                              outcomes[static_cast<std::size_t>(Outcome::kLost)];
    const double possible = static_cast<double>(history_.elapsed) * analysis_.slots;
    const auto use = static_cast<std::uint64_t>(
        possible > 0 ? std::min(100.0, 100.0 * static_cast<double>(analysis_.busy) / possible) : 0);
    body_ += "<div class=\"cards\">" + card(time_text(history_.elapsed), "from submission to end") +
             card(format_bytes(history_.input_bytes), "input") +
             card(format_bytes(history_.output_bytes),
                  "output, " + plural(history_.output_files, "file")) +
             card(format_count(tasks), "tasks, " + plural(history_.attempts.size(), "attempt")) +
             card(format_count(analysis_.slots), "slots of " +
                                                     plural(history_.workers.size(), "worker") +
                                                     ", busy " + std::to_string(use) + " %") +
             card(format_count(bad), "failed or lost attempts") +
             card(time_text(analysis_.wasted),
                  "run time that came to nothing, " + percent(analysis_.wasted, analysis_.busy)) +
             card(format_count(backups), "second attempts at slow tasks") +
             card(format_count(history_.dead_letters),
                  "dead letters, " + plural(history_.records_skipped, "record") + " skipped") +
             "</div>\n";
  }

  void advice() {
    body_ += "<h2>What to change first</h2>\n";
    if (analysis_.advice.empty()) {
      body_ += "<p>Nothing stands out: slots were busy, tasks were even, nothing was lost.</p>\n";
      return;
    }
    body_ += "<ol class=\"advice\">";
    for (const Advice& one : analysis_.advice) {
      body_ += "<li>" + escaped(one.finding) + ".<br>" + escaped(one.action);
      if (one.saves > 0)
        body_ += " <span class=\"saves\">Saves up to " + time_text(one.saves) + ".</span>";
      body_ += "</li>";
    }
    body_ += "</ol>\n";
  }

  void critical_path() {
    if (analysis_.critical_path.empty()) return;
    body_ +=
        "<h2>Critical path</h2><p class=\"faint\">What the end of the job waited for, one after "
        "the other.</p>"
        "<svg class=\"path\" aria-hidden=\"true\" preserveAspectRatio=\"none\">";
    std::vector<std::string> rows;
    const std::uint64_t begin = analysis_.critical_path.front().began;
    for (const CriticalStep& step : analysis_.critical_path) {
      const std::uint64_t took = step.ended - step.began;
      body_ += "<rect x=\"" + share(step.began - begin, history_.elapsed) + "%\" width=\"" +
               share(took, history_.elapsed) + "%\" height=\"100%\"><title>" + escaped(step.what) +
               "</title></rect>";
      rows.push_back(cell(escaped(step.what)) + number_cell(time_text(took)) +
                     number_cell(percent(took, history_.elapsed)) + cell(escaped(step.detail)));
    }
    body_ += "</svg>" + table({"step", "#time", "#of the job", ""}, rows) + "\n";
  }

  void stages() {
    std::vector<std::string> rows;
    std::string charts;
    for (const StageAnalysis& stage : analysis_.stages) {
      rows.push_back(
          cell(name_of(stage.stage)) + number_cell(format_count(stage.tasks)) +
          number_cell(time_text(stage.elapsed())) + number_cell(time_text(stage.median)) +
          number_cell(time_text(stage.p95)) + number_cell(time_text(stage.p99)) +
          number_cell(time_text(stage.longest)) + number_cell(time_text(stage.waited_p95)) +
          number_cell(time_text(stage.tail)) + number_cell(format_bytes(stage.bytes_in)) +
          number_cell(format_count(stage.records_in)) + number_cell(format_count(stage.spills)) +
          number_cell(format_bytes(stage.peak_rss_bytes)) +
          number_cell(format_count(stage.stragglers)));
      if (stage.committed == 0) continue;
      const std::string name = name_of(stage.stage);
      charts += "<figure>" + duration_chart(stage) + "<figcaption>" + name +
                ": how long tasks ran (each bar twice as long as the one "
                "before)</figcaption></figure><figure>" +
                size_chart(history_, stage) + "<figcaption>" + name + ": bytes read by each task" +
                (stage.stage == Stage::kReduce ? " (partition)" : "") +
                "; red: more than three times the median</figcaption></figure>";
    }
    body_ +=
        "<h2>Stages</h2>" +
        table({"stage", "#tasks", "#took", "#median", "#95 %", "#99 %", "#longest", "#95 % waited",
               "#tail", "#bytes in", "#records in", "#spills", "#memory", "#stragglers"},
              rows) +
        "<p class=\"faint\">Tail: from when the first slot had nothing to do any more to the "
        "end. Stragglers ran a "
        "second and twice the median.</p>\n";
    if (charts.empty()) return;
    body_ += "<h2>Run times and skew</h2><div class=\"charts\">" + charts + "</div>\n";
  }

  std::string attempt_row(std::size_t index, const StageAnalysis& stage) const {
    const AttemptHistory& attempt = history_.attempts[index];
    return cell(escaped(name_of(attempt))) + number_cell(time_text(attempt.ran())) +
           number_cell(percent(attempt.ran(), stage.median)) +
           number_cell(format_bytes(attempt.bytes_in)) +
           number_cell(percent(attempt.bytes_in, stage.bytes_in_median)) +
           number_cell(format_count(attempt.records_in)) +
           number_cell(format_bytes(attempt.bytes_out)) +
           cell(code(history_.workers[attempt.worker].name, 80)) +
           number_cell(time_text(attempt.started));
  }

  void slowest() {
    for (const StageAnalysis& stage : analysis_.stages) {
      if (stage.slowest.empty()) continue;
      const auto list = [&](const char* what, const std::vector<std::size_t>& indexes) {
        std::vector<std::string> rows;
        for (const std::size_t index : indexes) rows.push_back(attempt_row(index, stage));
        body_ += "<h3>" + std::string(what) + " " + name_of(stage.stage) + " tasks</h3>" +
                 table({"attempt", "#ran", "#of median", "#bytes in", "#of median", "#records in",
                        "#bytes out", "worker", "#started at"},
                       rows);
      };
      body_ += stage.stage == analysis_.stages.front().stage ? "<h2>Tasks that stand out</h2>" : "";
      list("Slowest", stage.slowest);
      list("Largest", stage.largest);
    }
    body_ += "\n";
  }

  void failures() {
    if (analysis_.failures.empty()) return;
    std::vector<std::string> rows;
    for (const FailureGroup& group : analysis_.failures) {
      std::string examples;
      for (const std::size_t index : group.examples) {
        const AttemptHistory& attempt = history_.attempts[index];
        examples += (examples.empty() ? "" : "<br>") + escaped(name_of(attempt)) + " on " +
                    code(history_.workers[attempt.worker].name, 80);
        if (!attempt.key.empty()) examples += ", key " + code(attempt.key, 200);
        if (attempt.record_file.empty()) continue;
        examples += ", " + code(attempt.record_file, 200) + ", byte " +
                    std::to_string(attempt.record_offset);
      }
      rows.push_back(cell(escaped(group.cause)) + number_cell(format_count(group.count)) +
                     cell(group.charged ? "the task" : "the infrastructure") +
                     cell(code(group.message, 1000)) + number_cell(time_text(group.wasted)) +
                     cell(examples));
    }
    body_ += "<h2>Failures by cause</h2>" +
             table({"cause", "#attempts", "charged to", "message", "#run time", "such as"}, rows) +
             "\n";
  }

  /// The letters are in the output, which may be anywhere: only what the log knows is here.
  void dead_letters() {
    if (history_.dead_letters == 0 && history_.records_skipped == 0) return;
    body_ += "<h2>Dead letters</h2><p>Maps did without " +
             plural(history_.dead_letters + history_.records_skipped, "record") + ", and skipped " +
             format_count(history_.records_skipped) + " of them.";
    if (history_.dead_letters > 0) {
      body_ += " The others are kept with their place, their error and their bytes: " +
               code("fanfold dlq list " + history_.output);
    }
    body_ += "</p>\n";
  }

  void details() {
    body_ += "<h2>The job</h2>";
    std::vector<std::string> rows = {cell("plugin") + cell(code(history_.plugin)),
                                     cell("output") + cell(code(history_.output))};
    for (std::size_t i = 0; i < std::min<std::size_t>(history_.inputs.size(), 20); ++i) {
      rows.push_back(cell(i == 0 ? "input" : "") + cell(code(history_.inputs[i])));
    }
    if (history_.inputs_count > 20)
      rows.push_back(cell("") +
                     cell("and more: " + plural(history_.inputs_count, "input") + " in all"));
    for (const std::string& note : history_.notes)
      rows.push_back(cell("note") + cell(escaped(note)));
    body_ += table({"", ""}, rows);
    if (history_.counters.empty()) return;
    rows.clear();
    for (const auto& [name, value] : history_.counters) {
      if (rows.size() == kCountersListed) break;
      rows.push_back(cell(code(name, 200)) + number_cell(std::to_string(value)));
    }
    body_ += "<h3>Counters</h3>" + table({"name", "#value"}, rows) + "\n";
  }

  void remarks() {
    if (history_.lines_dropped > 0) {
      body_ += "<p>The log had its full size: " + plural(history_.lines_dropped, "line") +
               " about attempts are missing here.</p>";
    }
    if (history_.lines_damaged > 0)
      body_ += "<p>" + plural(history_.lines_damaged, "damaged line") + " of the log skipped.</p>";
    if (history_.resumed > 0)
      body_ += "<p>A master went on with the job of an earlier one, " +
               plural(history_.resumed, "time") + ".</p>";
  }

  const JobHistory& history_;
  const Analysis& analysis_;
  std::string body_;
};

}  // namespace

JobSections job_sections(const JobHistory& history, const Analysis& analysis) {
  return Writer(history, analysis).write();
}

std::string timeline_section() {
  std::string html =
      "<h2>Attempts by slot</h2><div class=\"tools\">"
      "<button data-do=\"in\">zoom in</button><button data-do=\"out\">zoom out</button>"
      "<button data-do=\"left\">earlier</button><button data-do=\"right\">later</button>"
      "<button data-do=\"all\">all</button>";
  for (const char* name : {"map", "reduce", "gather", "sample", "failed", "lost", "cancelled",
                           "abandoned", "running"}) {
    html += "<span class=\"legend\"><i class=\"" + std::string(name) + "\"></i>" + name + "</span>";
  }
  html +=
      "</div><div id=\"timeline\"><canvas tabindex=\"0\" role=\"img\" aria-label=\"attempts by "
      "slot over "
      "time; the tables below have the numbers\"></canvas></div>"
      "<p id=\"detail\" aria-live=\"polite\"></p><p class=\"faint\">Drag to move, Ctrl and the "
      "wheel to zoom; keys "
      "+, -, 0 and arrows. <span id=\"lanes-left-out\"></span></p>\n";
  return html;
}

}  // namespace fanfold
