#include "cli/report/report.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <vector>

#include "cli/report/assets.hpp"
#include "cli/report/charts.hpp"
#include "cli/report/html.hpp"
#include "cli/report/timeline.hpp"
#include "cli/text/units.hpp"
#include "cli/view/names.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::cli {
namespace {

constexpr std::size_t kCountersListed = 200;

std::string time_text(std::uint64_t microseconds) {
  if (microseconds < 1'000) return std::to_string(microseconds) + " µs";
  if (microseconds < 1'000'000) return std::to_string(microseconds / 1000) + " ms";
  return format_milliseconds(microseconds / 1000);
}

std::string utc(std::uint64_t unix_us) {
  const auto seconds =
      static_cast<std::time_t>(std::min<std::uint64_t>(unix_us / 1'000'000, 253402300799));
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text.data();
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "0 %";
  return std::to_string(static_cast<std::uint64_t>(100.0 * static_cast<double>(part) /
                                                   static_cast<double>(whole))) +
         " %";
}

/// "12.345", for widths: never more than 100.
std::string share(std::uint64_t part, std::uint64_t whole) {
  const double value =
      whole == 0 ? 0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  const auto thousandths = static_cast<std::uint64_t>(std::clamp(value, 0.0, 100.0) * 1000);
  return std::to_string(thousandths / 1000) + "." +
         std::to_string(1000 + thousandths % 1000).substr(1);
}

std::string base64_of_hex(const std::string& hex) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bits = (bits << 8) | static_cast<std::uint32_t>(std::stoul(hex.substr(i, 2), nullptr, 16));
    for (count += 8; count >= 6; count -= 6) text += kDigits[(bits >> (count - 6)) & 63];
  }
  if (count > 0) text += kDigits[(bits << (6 - count)) & 63];
  while (text.size() % 4 != 0) text += '=';
  return text;
}

std::string cell(const std::string& html) { return "<td>" + html + "</td>"; }
std::string number_cell(const std::string& html) { return "<td class=\"n\">" + html + "</td>"; }

/// Headings that begin with '#' stand over numbers.
std::string table(const std::vector<std::string>& headings, const std::vector<std::string>& rows) {
  std::string html = "<div class=\"scroll\"><table><thead><tr>";
  for (const std::string& heading : headings) {
    const bool number = heading.starts_with('#');
    html += (number ? "<th class=\"n\">" : "<th>") + heading.substr(number ? 1 : 0) + "</th>";
  }
  html += "</tr></thead><tbody>";
  for (const std::string& row : rows) html += "<tr>" + row + "</tr>";
  return html + "</tbody></table></div>";
}

std::string card(const std::string& value, const std::string& label) {
  return "<div class=\"card\"><b>" + value + "</b><span>" + label + "</span></div>";
}

class Page {
 public:
  Page(const JobHistory& history, const Analysis& analysis)
      : history_(history), analysis_(analysis) {}

  std::string html() {
    heading();
    cards();
    advice();
    critical_path();
    timeline();
    stages();
    slowest();
    failures();
    details();
    footer();
    return head() + body_ + "<script type=\"application/json\" id=\"data\">" +
           json_for_script(timeline_json(history_)) + "</script>\n<script>" +
           std::string(kReportScript) + "</script>\n</body></html>\n";
  }

 private:
  std::string head() const {
    const std::string digest = base64_of_hex(worker::sha256_of_bytes(kReportScript));
    return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
           "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
           "'unsafe-inline'; script-src 'sha256-" +
           digest +
           "'\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>" +
           escaped(fit(history_.name, 80)) + " " + escaped(history_.state) + "</title>\n<style>" +
           std::string(kReportStyle) + "</style></head>\n<body>\n";
  }

  void heading() {
    std::string state = escaped(history_.state);
    // A class of ours or none.
    const bool known = history_.state == "succeeded" || history_.state == "failed";
    body_ += "<header><h1><span class=\"text\">" + escaped(fit(history_.name, 200)) +
             "</span> <span class=\"state " + (known ? state : "") + "\">" + state +
             "</span></h1><p class=\"faint\">job " + std::to_string(history_.job) + ", submitted " +
             utc(history_.submitted_unix_us) + " by " + escaped(fit(history_.user, 80)) + "</p>";
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
             card(format_count(backups), "second attempts at slow tasks") + "</div>\n";
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
        "<div class=\"path\" aria-hidden=\"true\">";
    std::vector<std::string> rows;
    for (const CriticalStep& step : analysis_.critical_path) {
      const std::uint64_t took = step.ended - step.began;
      body_ += "<i style=\"width:" + share(took, history_.elapsed) + "%\" title=\"" +
               escaped(step.what) + "\"></i>";
      rows.push_back(cell(escaped(step.what)) + number_cell(time_text(took)) +
                     number_cell(percent(took, history_.elapsed)) + cell(escaped(step.detail)));
    }
    body_ += "</div>" + table({"step", "#time", "#of the job", ""}, rows) + "\n";
  }

  void timeline() {
    body_ +=
        "<h2>Attempts by slot</h2><div class=\"tools\">"
        "<button data-do=\"in\">zoom in</button><button data-do=\"out\">zoom out</button>"
        "<button data-do=\"left\">earlier</button><button data-do=\"right\">later</button>"
        "<button data-do=\"all\">all</button>";
    for (const char* name :
         {"map", "reduce", "sample", "failed", "lost", "cancelled", "abandoned", "running"}) {
      body_ += "<span class=\"legend\"><i style=\"background:var(--" + std::string(name) +
               ")\"></i>" + name + "</span>";
    }
    body_ +=
        "</div><div id=\"timeline\"><canvas tabindex=\"0\" role=\"img\" aria-label=\"attempts by "
        "slot over "
        "time; the tables below have the numbers\"></canvas></div>"
        "<p id=\"detail\" aria-live=\"polite\"></p><p class=\"faint\">Drag to move, Ctrl and the "
        "wheel to zoom; keys "
        "+, -, 0 and arrows. <span id=\"lanes-left-out\"></span></p>\n";
  }

  void stages() {
    std::vector<std::string> rows;
    std::string charts;
    for (const StageAnalysis& stage : analysis_.stages) {
      rows.push_back(
          cell(name_of(stage.stage)) + number_cell(format_count(stage.tasks)) +
          number_cell(time_text(stage.elapsed())) + number_cell(time_text(stage.median)) +
          number_cell(time_text(stage.p95)) + number_cell(time_text(stage.longest)) +
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
    body_ += "<h2>Stages</h2>" +
             table({"stage", "#tasks", "#took", "#median", "#95 %", "#longest", "#tail",
                    "#bytes in", "#records in", "#spills", "#memory", "#stragglers"},
                   rows) +
             "<p class=\"faint\">Tail: from when the first slot had nothing to do any more to the "
             "end. Stragglers ran a "
             "second and twice the median.</p><h2>Run times and skew</h2><div class=\"charts\">" +
             charts + "</div>\n";
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

  void footer() {
    body_ += "<footer>";
    if (history_.state == "running")
      body_ += "<p>The log ends before the job does: the page shows what was known then.</p>";
    if (history_.lines_dropped > 0) {
      body_ += "<p>The log had its full size: " + plural(history_.lines_dropped, "line") +
               " about attempts are missing here.</p>";
    }
    if (history_.lines_damaged > 0)
      body_ += "<p>" + plural(history_.lines_damaged, "damaged line") + " of the log skipped.</p>";
    if (history_.resumed > 0)
      body_ += "<p>A master went on with the job of an earlier one, " +
               plural(history_.resumed, "time") + ".</p>";
    body_ += "<p>Made by fanfold report from the event log of the job.</p></footer>\n";
  }

  const JobHistory& history_;
  const Analysis& analysis_;
  std::string body_;
};

}  // namespace

std::string report_html(const JobHistory& history, const Analysis& analysis) {
  return Page(history, analysis).html();
}

}  // namespace fanfold::cli
