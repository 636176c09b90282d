#include "cli/report/trace.hpp"

#include <nlohmann/json.hpp>

#include "cli/view/names.hpp"
#include "common/history/analysis.hpp"

namespace fanfold::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint32_t kJobProcess = 1;
constexpr std::uint32_t kFirstWorkerProcess = 2;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

class Trace {
 public:
  void name(const char* what, std::uint32_t process, std::uint32_t thread,
            const std::string& name) {
    add({{"ph", "M"},
         {"name", what},
         {"pid", process},
         {"tid", thread},
         {"args", {{"name", name}}}});
  }
  struct Span {
    std::uint32_t process = 0;
    std::uint32_t thread = 0;
    std::string name;
    std::string category;
    std::uint64_t began = 0;
    std::uint64_t ended = 0;
  };
  void span(const Span& span, Json arguments) {
    if (span.ended < span.began) return;
    add({{"ph", "X"},
         {"name", span.name},
         {"cat", span.category},
         {"pid", span.process},
         {"tid", span.thread},
         {"ts", span.began},
         {"dur", span.ended - span.began},
         {"args", std::move(arguments)}});
  }
  std::string take(const Json& about) {
    return "{\"displayTimeUnit\":\"ms\",\"otherData\":" + dump(about) + ",\"traceEvents\":[\n" +
           events_ + "\n]}\n";
  }

 private:
  void add(const Json& event) {
    if (!events_.empty()) events_ += ",\n";
    events_ += dump(event);
  }
  std::string events_;
};

Json arguments_of(const AttemptHistory& attempt) {
  Json arguments = {{"outcome", name_of(attempt.outcome)},
                    {"attempt", attempt.number},
                    {"waited_us", attempt.started - attempt.assigned},
                    {"records_in", attempt.records_in},
                    {"bytes_in", attempt.bytes_in},
                    {"records_out", attempt.records_out},
                    {"bytes_out", attempt.bytes_out},
                    {"spills", attempt.spills},
                    {"peak_rss_bytes", attempt.peak_rss_bytes}};
  if (attempt.speculative) arguments["speculative"] = true;
  if (!attempt.start_known) arguments["start"] = "worked out from when the slot was free";
  if (!attempt.cause.empty()) {
    arguments["cause"] = attempt.cause;
    arguments["message"] = attempt.message;
  }
  return arguments;
}

}  // namespace

std::string trace_json(const JobHistory& history) {
  Trace trace;
  trace.name("process_name", kJobProcess, 1,
             "job " + std::to_string(history.job) + " " + history.name);
  trace.span({kJobProcess, 1, history.name, "job", 0, history.elapsed}, {{"state", history.state}});
  trace.span({kJobProcess, 2, "planning", "job", 0, history.planned}, Json::object());
  for (const StageAnalysis& stage : analyse(history).stages) {
    trace.span({kJobProcess, 2, name_of(stage.stage), "stage", stage.started, stage.ended},
               {{"tasks", stage.tasks}});
  }
  if (history.publication_started) {
    trace.span({kJobProcess, 2, "publication", "job", *history.publication_started,
                history.publication_ended.value_or(history.elapsed)},
               Json::object());
  }
  for (std::uint32_t i = 0; i < history.workers.size(); ++i) {
    const WorkerHistory& worker = history.workers[i];
    trace.name("process_name", kFirstWorkerProcess + i, 1, worker.name);
    for (std::uint32_t lane = 0; lane < worker.lanes; ++lane) {
      trace.name("thread_name", kFirstWorkerProcess + i, lane + 1,
                 "slot " + std::to_string(lane + 1));
    }
  }
  for (const AttemptHistory& attempt : history.attempts) {
    trace.span({kFirstWorkerProcess + attempt.worker, attempt.lane + 1, name_of(attempt),
                name_of(attempt.stage), attempt.started, attempt.ended},
               arguments_of(attempt));
  }
  return trace.take({{"submitted_unix_us", history.submitted_unix_us}, {"job", history.job}});
}

}  // namespace fanfold::cli
