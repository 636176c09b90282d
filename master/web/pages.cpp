#include "master/web/pages.hpp"

#include <algorithm>
#include <vector>

#include "common/report/elements.hpp"
#include "common/report/emission.hpp"
#include "common/report/html.hpp"
#include "common/text/units.hpp"
#include "master/web/estimate.hpp"

namespace fanfold::master::web {
namespace {

constexpr std::size_t kJobsListed = 200;
constexpr std::size_t kWorkersListed = 500;
constexpr std::size_t kNameColumns = 80;
/// A job that reads the output of another mostly begins when that one has ended: for so long a page
/// looks for one.
constexpr std::int64_t kSettlingUs = 5'000'000;
/// A snapshot may be of a time before the end that the log tells of.
constexpr std::int64_t kSnapshotAgeUsMax = 60'000'000;

struct Frame {
  std::string title;
  std::string state;  // Until it is "over" page.js asks again.
  std::vector<std::string> scripts;
};

std::string page(const Frame& frame, const std::string& body) {
  std::string html =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>" +
      escaped(fit(frame.title, kNameColumns)) +
      "</title><link rel=\"stylesheet\" href=\"/style.css\"><link rel=\"icon\" "
      "href=\"/icon.svg\">";
  for (const std::string& script : frame.scripts) {
    html += "<script src=\"/" + script + "\" defer></script>";
  }
  return html + "</head>\n<body data-state=\"" + frame.state +
         "\"><nav><a href=\"/\">Fanfold</a><span id=\"stale\" role=\"status\" hidden>"
         "the master does not answer; what is shown is old</span></nav>\n" +
         body +
         "<noscript><p class=\"faint\">Without scripts this page stays as it was when it was "
         "loaded.</p></noscript></body></html>\n";
}

std::string live(const std::string& id, const std::string& html) {
  return "<section id=\"" + id + "\" data-live>" + html + "</section>\n";
}

std::string bar(double part, const char* style) {
  const std::string width = share(static_cast<std::uint64_t>(part * 1000), 1000);
  return "<svg class=\"progress\" role=\"img\" aria-label=\"" + width +
         " percent\"><rect class=\"whole\" width=\"100%\" height=\"100%\"/><rect class=\"" + style +
         "\" width=\"" + width + "%\" height=\"100%\"/></svg>";
}

std::string state_of(const proto::WorkerStatus& worker) {
  if (worker.draining) return "draining";
  if (worker.standing == proto::WorkerStanding::kExcluded) {
    return "<b class=\"bad\">excluded</b>, " + format_milliseconds(worker.excluded_ms) + " left";
  }
  return worker.standing == proto::WorkerStanding::kGood ? "up" : "probation";
}

/// Marked when less is free than what alerts are for.
std::string free_cell(std::uint64_t free, std::uint64_t all, const std::string& more = {}) {
  if (all == 0) return number_cell("");
  const std::string text = format_bytes(free) + " of " + format_bytes(all);
  return number_cell((free < all / 10 ? "<b class=\"bad\">" + text + "</b>" : text) + more);
}

std::string memory_cell(const proto::HostRoom& room) {
  const std::string budget =
      room.executor_bytes == 0
          ? std::string()
          : " <span class=\"faint\">executors " + format_bytes(room.executor_bytes) + "</span>";
  return free_cell(room.memory_bytes_free, room.memory_bytes, budget);
}

std::string workers_section(const Snapshot& snapshot) {
  std::vector<proto::WorkerStatus> workers = snapshot.workers;
  // Whoever needs attention comes first.
  std::stable_sort(workers.begin(), workers.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.standing, a.demerits) > std::tuple(b.standing, b.demerits);
  });
  std::vector<std::string> rows;
  for (const proto::WorkerStatus& worker : workers) {
    if (rows.size() == kWorkersListed) break;
    const double part = worker.slots == 0 ? 0 : double(worker.busy) / worker.slots;
    rows.push_back(cell(code(worker.name, kNameColumns)) +
                   number_cell(std::to_string(worker.process)) +
                   cell(bar(std::min(1.0, part), "map")) +
                   number_cell(format_count(std::min(worker.busy, worker.slots)) + " of " +
                               format_count(worker.slots)) +
                   cell(state_of(worker)) + number_cell(std::to_string(worker.demerits)) +
                   memory_cell(worker.room) +
                   free_cell(worker.room.scratch_bytes_free, worker.room.scratch_bytes) +
                   number_cell(format_milliseconds(worker.silent_ms)));
  }
  std::string html = "<h2>Workers</h2>";
  if (rows.empty()) return html + "<p>There is none: jobs wait.</p>";
  html += table({"worker", "#process", "in use", "#slots", "state", "#demerits", "#memory free",
                 "#scratch disk free", "#silent for"},
                rows);
  if (workers.size() > rows.size()) {
    html += "<p class=\"faint\">" + format_count(workers.size() - rows.size()) + " more.</p>";
  }
  return html;
}

std::string stages_of(const proto::JobStatus& job) {
  std::string html;
  for (const proto::StageStatus& stage : job.stages) {
    const bool open = is_open(job, stage);
    // Of how much, nobody knows: nothing is shown as done.
    html += "<div class=\"stage\">" + bar(open ? 0 : progress(stage), name_of(stage.stage)) +
            " <span>" + name_of(stage.stage) + (open ? ": open, " : " ") +
            format_count(stage.done) + " of " + plural(stage.tasks, "task") +
            (open ? " fed so far" : "");
    if (stage.running > 0) html += ", " + format_count(stage.running) + " running";
    if (const auto left = estimate(stage); !open && left && left->likely_ms >= 1000) {
      html += ", about " + format_milliseconds(left->likely_ms) + " left (" +
              format_milliseconds(left->least_ms) + " to " + format_milliseconds(left->most_ms) +
              ")";
    }
    html += "</span></div>";
  }
  return html;
}

std::string job_link(const proto::JobStatus& job) {
  const std::string id = std::to_string(job.job.value);
  return "<a href=\"/jobs/" + id + "\">" + id + "</a>";
}

std::string job_cells(const proto::JobStatus& job) {
  return number_cell(job_link(job)) + cell(code(job.job_name, kNameColumns)) +
         cell(code(job.submitted_by, kNameColumns));
}

std::string active_section(const Snapshot& snapshot) {
  std::vector<std::string> rows;
  for (const auto& job : snapshot.active) {
    if (rows.size() == kJobsListed) break;
    rows.push_back(job_cells(*job) + cell(proto::name_of(job->state)) + cell(stages_of(*job)) +
                   number_cell(format_count(job->failed_attempts)) +
                   number_cell(format_count(job->lost_attempts)) +
                   number_cell(format_milliseconds(job->elapsed_ms)));
  }
  if (rows.empty()) return "<h2>Jobs</h2><p>None is running.</p>";
  return "<h2>Jobs</h2>" + table({"#job", "name", "user", "state", "stages", "#failed attempts",
                                  "#lost attempts", "#for"},
                                 rows);
}

std::string ended_section(const Snapshot& snapshot) {
  std::vector<std::string> rows;
  for (auto job = snapshot.ended.rbegin(); job != snapshot.ended.rend(); ++job) {
    if (rows.size() == kJobsListed) break;
    const proto::JobStatus& one = **job;
    rows.push_back(job_cells(one) + cell(state_badge(proto::name_of(one.state))) +
                   number_cell(format_milliseconds(one.elapsed_ms)) +
                   number_cell(format_bytes(one.output_bytes)) +
                   number_cell(format_count(one.output_records)) +
                   number_cell(format_count(one.failed_attempts + one.lost_attempts)) +
                   cell(escaped(fit(one.reason, 200))));
  }
  if (rows.empty()) return "";
  std::string html =
      "<h2>Jobs that ended</h2>" + table({"#job", "name", "user", "", "#took", "#output",
                                          "#records", "#failed or lost attempts", ""},
                                         rows);
  if (snapshot.ended.size() > rows.size()) {
    html += "<p class=\"faint\">" + format_count(snapshot.ended.size() - rows.size()) +
            " older ones: fanfold list.</p>";
  }
  return html;
}

std::string cluster_section(const Snapshot& snapshot) {
  std::uint64_t slots = 0;
  std::uint64_t busy = 0;
  for (const proto::WorkerStatus& worker : snapshot.workers) {
    slots += worker.slots;
    busy += std::min(worker.busy, worker.slots);
  }
  const Totals& totals = snapshot.totals;
  const auto ended = [&](proto::JobState state) {
    const auto found = totals.jobs_ended.find(state);
    return format_count(found == totals.jobs_ended.end() ? 0 : found->second);
  };
  return "<h1>Cluster</h1><p class=\"faint\">master " + code(snapshot.address, 200) + ", process " +
         std::to_string(snapshot.process) + ", started " +
         utc(static_cast<std::uint64_t>(snapshot.started_unix_us)) + "</p><div class=\"cards\">" +
         card(format_count(snapshot.workers.size()), "workers") +
         card(format_count(busy) + " of " + format_count(slots), "slots in use") +
         card(format_count(snapshot.active.size()),
              "running jobs, " + format_count(snapshot.jobs_planned_now) + " being planned") +
         card(ended(proto::JobState::kSucceeded), "succeeded since the master's start") +
         card(ended(proto::JobState::kFailed),
              "failed, " + ended(proto::JobState::kCancelled) + " cancelled") +
         card(format_count(totals.workers_lost), "workers lost") + "</div>";
}

/// The table itself is attempts.js's.
std::string attempts_section() {
  return "<h2>Attempts</h2><form id=\"filter\" class=\"tools\">"
         "<label>stage <select name=\"stage\"><option value=\"\">all</option>"
         "<option>sample</option><option>map</option><option>reduce</option></select></label>"
         "<label>outcome <select name=\"outcome\"><option value=\"\">all</option>"
         "<option>committed</option><option>running</option><option>failed</option>"
         "<option>lost</option><option>cancelled</option><option>abandoned</option></select></"
         "label>"
         "<label>with <input name=\"find\" type=\"search\" placeholder=\"task, worker, cause\" "
         "maxlength=\"100\"></label><span id=\"matches\" class=\"faint\" "
         "aria-live=\"polite\"></span>"
         "</form><div id=\"attempts\" tabindex=\"0\" role=\"region\" aria-label=\"attempts\">"
         "</div>\n";
}

/// output.js fills it.
std::string output_section() {
  return "<h2>Output</h2><form id=\"output-of\" class=\"tools\"><label>of <select name=\"what\">"
         "<option value=\"\">attempts that run</option></select></label>"
         "<label><input type=\"checkbox\" name=\"follow\" checked> keep the end in view</label>"
         "<span id=\"output-note\" class=\"faint\" aria-live=\"polite\"></span></form>"
         "<pre id=\"output\" tabindex=\"0\" role=\"log\" aria-label=\"what attempts write\"></pre>"
         "<p class=\"faint\">What user code prints, as fanfold logs -f shows it. A task in the "
         "table "
         "above brings its output here.</p>\n";
}

/// Whether others may still turn out to read what the job wrote, or the snapshot of `unix_us` knows
/// less of it than its log.
bool is_settling(const JobHistory& history, std::int64_t unix_us) {
  const auto ended = static_cast<std::int64_t>(history.submitted_unix_us + history.elapsed);
  return unix_us > ended - kSnapshotAgeUsMax && unix_us < ended + kSettlingUs;
}

/// While a job runs the master knows more than its log.
std::string keys_section(const proto::JobStatus* status, const JobLook& look) {
  const bool logged = look.view != nullptr && look.view->history.emission.bytes > 0;
  if (status == nullptr || status->emission.bytes == 0 || logged) {
    return look.view ? look.view->sections.keys : std::string();
  }
  EmissionHistory emission{.bytes = status->emission.bytes,
                           .partition_bytes = status->emission.partition_bytes,
                           .keys = {}};
  for (const proto::HotKey& key : status->emission.hot_keys) {
    emission.keys.push_back({.key = key.key, .partition = key.partition, .bytes = key.bytes});
  }
  return emission_section(emission);
}

}  // namespace

std::string overview_page(const Snapshot& snapshot) {
  return page({.title = "Fanfold", .state = "live", .scripts = {"page.js"}},
              live("cluster", cluster_section(snapshot)) + live("jobs", active_section(snapshot)) +
                  live("workers", workers_section(snapshot)) +
                  live("ended", ended_section(snapshot)));
}

std::string job_page(JobId job, const proto::JobStatus* status, const JobLook& look,
                     const Neighbours& neighbours, std::int64_t unix_us) {
  // A job that was accepted just now may not be in the snapshot yet.
  const bool over = status != nullptr
                        ? proto::is_final(status->state)
                        : look.view != nullptr && look.view->history.state != "running";
  std::string now;
  const bool read = look.bytes_read == look.bytes;
  if (!read) {
    now = "<p>Reading the event log: " + percent(look.bytes_read, look.bytes) + "</p>";
  } else if (!look.view) {
    now = "<p>Nothing is in the event log of this job yet.</p>";
  }
  if (status != nullptr && !over) now += stages_of(*status);
  const bool shown = look.view != nullptr && read &&
                     (!over || look.view->history.state != "running" || status == nullptr);
  const bool settled = over && shown && !is_settling(look.view->history, unix_us);
  Frame frame{.title = "job " + std::to_string(job.value),
              .state = !look.view ? (read ? "waiting" : "reading")
                       : settled  ? "over"
                                  : "live",
              .scripts = {"timeline.js", "attempts.js", "output.js", "page.js"}};
  if (status != nullptr) frame.title += ": " + status->job_name;
  const std::string none;
  return page(frame,
              live("now", now) + live("summary", look.view ? look.view->sections.summary : none) +
                  live("graph", look.view ? stage_graph(look.view->history, neighbours) : none) +
                  timeline_section() + attempts_section() + output_section() +
                  live("keys", keys_section(status, look)) +
                  live("details", look.view ? look.view->sections.details : none));
}

std::string message_page(const std::string& title, const std::string& sentence) {
  return page({.title = title, .state = "over", .scripts = {}},
              "<h1>" + escaped(title) + "</h1><p>" + escaped(sentence) + "</p>");
}

}  // namespace fanfold::master::web
