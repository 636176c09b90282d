#include "cli/otlp/spans.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "common/history/analysis.hpp"
#include "common/text/names.hpp"
#include "common/text/trace_context.hpp"
#include "fanfold/hash.hpp"

namespace fanfold::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kKindInternal = 1;
constexpr int kStatusOk = 1;
constexpr int kStatusError = 2;
constexpr std::size_t kNoWorker = static_cast<std::size_t>(-1);

std::string hex(std::uint64_t number) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = text.size(); i-- > 0; number >>= 4) text[i] = kDigits[number & 15];
  return text;
}

/// No id is all zeros.
std::string id_of(std::string_view what) { return hex(std::max<std::uint64_t>(1, hash(what))); }

// 64-bit integers are texts in the JSON of protocol buffers.
Json attribute(std::string_view key, std::uint64_t value) {
  return {{"key", key}, {"value", {{"intValue", std::to_string(value)}}}};
}
Json attribute(std::string_view key, const std::string& value) {
  return {{"key", key}, {"value", {{"stringValue", value}}}};
}
Json attribute(std::string_view key, bool value) {
  return {{"key", key}, {"value", {{"boolValue", value}}}};
}

/// As text: many spans as trees of values would be many times as large.
struct Span {
  std::size_t worker = kNoWorker;  // Where it was; kNoWorker: at the master.
  std::string json;
};

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

class Trace {
 public:
  explicit Trace(const JobHistory& history) : history_(history), analysis_(analyse(history)) {
    const std::optional<TraceContext> caller = parse_traceparent(history.traceparent);
    const std::string seed = std::to_string(history.submitted_unix_us) + " " +
                             std::to_string(history.job) + " " + history.output;
    trace_ = caller ? caller->trace : id_of("trace " + seed) + id_of("trace 2 " + seed);
    // A caller of several jobs has them all in one trace.
    job_ = id_of("job " + trace_ + " " + seed);
    if (caller) caller_ = *caller;
    add_job();
    add_stages();
    for (const AttemptHistory& attempt : history.attempts) add_attempt(attempt);
  }

  const std::string& id() const { return trace_; }
  const std::vector<Span>& spans() const { return spans_; }

 private:
  Json begin(const std::string& name, const std::string& id, const std::string& parent,
             std::uint64_t began, std::uint64_t ended) const {
    Json span = {{"traceId", trace_}, {"spanId", id}};
    if (!parent.empty()) span["parentSpanId"] = parent;
    if (caller_.flags != 0) span["flags"] = caller_.flags;
    span["name"] = name;
    span["kind"] = kKindInternal;
    span["startTimeUnixNano"] = nanoseconds(began);
    span["endTimeUnixNano"] = nanoseconds(std::max(began, ended));
    span["attributes"] = Json::array();
    return span;
  }
  void keep(const Json& span, std::size_t worker = kNoWorker) {
    spans_.push_back({worker, dump(span)});
  }
  std::string nanoseconds(std::uint64_t since_submission_us) const {
    return std::to_string((history_.submitted_unix_us + since_submission_us) * 1000);
  }
  std::string stage_id(Stage stage) const { return id_of(job_ + " " + name_of(stage)); }

  void add_job();
  void add_stages();
  void add_attempt(const AttemptHistory& attempt);
  void add_failure(const AttemptHistory& attempt, Json* span) const;
  std::string attempt_id(const AttemptHistory& attempt);

  const JobHistory& history_;
  const Analysis analysis_;
  std::string trace_;
  std::string job_;
  TraceContext caller_;
  std::vector<Span> spans_;
  std::map<std::string, int> seen_;  // A restarted master counts attempts anew.
};

void Trace::add_job() {
  std::uint64_t ended = history_.elapsed;
  // What was still told after the end belongs to it.
  for (const AttemptHistory& attempt : history_.attempts) ended = std::max(ended, attempt.ended);
  Json span = begin("job " + history_.name, job_, caller_.parent, 0, ended);
  Json& attributes = span["attributes"];
  attributes.push_back(attribute("fanfold.job.id", history_.job));
  attributes.push_back(attribute("fanfold.job.name", history_.name));
  attributes.push_back(attribute("fanfold.job.state", history_.state));
  attributes.push_back(attribute("fanfold.user", history_.user));
  attributes.push_back(attribute("fanfold.plugin", history_.plugin));
  attributes.push_back(attribute("fanfold.output", history_.output));
  attributes.push_back(attribute("fanfold.input.bytes", history_.input_bytes));
  attributes.push_back(attribute("fanfold.output.bytes", history_.output_bytes));
  attributes.push_back(attribute("fanfold.output.records", history_.output_records));
  if (history_.state == "succeeded") span["status"] = {{"code", kStatusOk}};
  if (history_.state == "failed") {
    span["status"] = {{"code", kStatusError}, {"message", history_.reason}};
  }
  keep(span);
}

void Trace::add_stages() {
  keep(begin("planning", id_of(job_ + " planning"), job_, 0, history_.planned));
  for (const Stage stage : kAllStages) {
    std::optional<std::uint64_t> began;
    std::uint64_t ended = 0;
    std::uint32_t tasks = 0;
    for (const StageAnalysis& known : analysis_.stages) {
      if (known.stage != stage) continue;
      began = known.started;
      ended = known.ended;
      tasks = known.tasks;
    }
    // A stage holds its attempts, also those that ended when it was over.
    for (const AttemptHistory& attempt : history_.attempts) {
      if (attempt.stage != stage) continue;
      began = std::min(began.value_or(attempt.started), attempt.started);
      ended = std::max(ended, attempt.ended);
    }
    if (!began) continue;
    Json span = begin(name_of(stage), stage_id(stage), job_, *began, ended);
    span["attributes"].push_back(attribute("fanfold.stage", std::string(name_of(stage))));
    span["attributes"].push_back(attribute("fanfold.tasks", std::uint64_t{tasks}));
    keep(span);
  }
  if (history_.publication_started) {
    keep(begin("publication", id_of(job_ + " publication"), job_, *history_.publication_started,
               history_.publication_ended.value_or(history_.elapsed)));
  }
}

std::string Trace::attempt_id(const AttemptHistory& attempt) {
  const std::string name = job_ + " " + name_of(attempt);
  const int before = seen_[name]++;
  return id_of(before == 0 ? name : name + " again " + std::to_string(before));
}

void Trace::add_attempt(const AttemptHistory& attempt) {
  Json span = begin(name_of(attempt), attempt_id(attempt), stage_id(attempt.stage), attempt.started,
                    attempt.ended);
  Json& attributes = span["attributes"];
  attributes.push_back(
      attribute("fanfold.task", name_of(TaskId{{}, attempt.stage, attempt.index})));
  attributes.push_back(attribute("fanfold.attempt", std::uint64_t{attempt.number}));
  attributes.push_back(attribute("fanfold.outcome", std::string(name_of(attempt.outcome))));
  attributes.push_back(attribute("fanfold.waited_us", attempt.started - attempt.assigned));
  if (attempt.speculative) attributes.push_back(attribute("fanfold.speculative", true));
  if (attempt.outcome == Outcome::kCommitted) {
    attributes.push_back(attribute("fanfold.input.records", attempt.records_in));
    attributes.push_back(attribute("fanfold.input.bytes", attempt.bytes_in));
    attributes.push_back(attribute("fanfold.output.records", attempt.records_out));
    attributes.push_back(attribute("fanfold.output.bytes", attempt.bytes_out));
    attributes.push_back(attribute("fanfold.spills", attempt.spills));
    attributes.push_back(attribute("fanfold.memory.peak_bytes", attempt.peak_rss_bytes));
    span["status"] = {{"code", kStatusOk}};
  }
  if (attempt.outcome == Outcome::kFailed || attempt.outcome == Outcome::kLost) {
    add_failure(attempt, &span);
  }
  keep(span, attempt.worker);
}

void Trace::add_failure(const AttemptHistory& attempt, Json* span) const {
  Json& attributes = (*span)["attributes"];
  attributes.push_back(attribute("fanfold.charged", attempt.charged));
  if (!attempt.record_file.empty()) {
    attributes.push_back(attribute("fanfold.record.file", attempt.record_file));
    attributes.push_back(attribute("fanfold.record.offset", attempt.record_offset));
  }
  if (!attempt.key.empty()) attributes.push_back(attribute("fanfold.key", attempt.key));
  (*span)["events"] = Json::array(
      {{{"timeUnixNano", nanoseconds(attempt.ended)},
        {"name", "exception"},
        {"attributes", Json::array({attribute("exception.type", attempt.cause),
                                    attribute("exception.message", attempt.message)})}}});
  (*span)["status"] = {{"code", kStatusError}, {"message", attempt.cause + ": " + attempt.message}};
}

/// A program of the cluster: its spans are shown apart from those of others.
Json resource_of(const JobHistory& history, std::size_t worker) {
  Json attributes =
      Json::array({attribute("service.name", std::string(worker == kNoWorker ? "fanfold-master"
                                                                             : "fanfold-worker")),
                   attribute("service.version", std::string(FANFOLD_VERSION))});
  if (worker < history.workers.size()) {
    attributes.push_back(attribute("service.instance.id", history.workers[worker].name));
    attributes.push_back(attribute("host.id", history.workers[worker].host));
  }
  return {{"attributes", std::move(attributes)}};
}

std::string request_of(const JobHistory& history, std::vector<Span>::const_iterator first,
                       std::vector<Span>::const_iterator last) {
  std::map<std::size_t, std::string> by_worker;
  for (; first != last; ++first) {
    std::string& spans = by_worker[first->worker];
    spans += (spans.empty() ? "" : ",") + first->json;
  }
  const std::string scope = dump({{"name", "fanfold"}, {"version", FANFOLD_VERSION}});
  std::string request;
  for (const auto& [worker, spans] : by_worker) {
    request += request.empty() ? "{\"resourceSpans\":[" : ",";
    request += "{\"resource\":" + dump(resource_of(history, worker)) +
               ",\"scopeSpans\":[{\"scope\":" + scope + ",\"spans\":[" + spans + "]}]}";
  }
  return request + "]}";
}

}  // namespace

TraceRequests trace_requests(const JobHistory& history, std::size_t spans_per_request) {
  const Trace trace(history);
  TraceRequests requests;
  requests.trace = trace.id();
  requests.spans = trace.spans().size();
  for (auto first = trace.spans().begin(); first != trace.spans().end();) {
    const auto left = static_cast<std::size_t>(trace.spans().end() - first);
    const auto last = first + static_cast<std::ptrdiff_t>(std::min(left, spans_per_request));
    requests.bodies.push_back(request_of(history, first, last));
    first = last;
  }
  return requests;
}

}  // namespace fanfold::cli
