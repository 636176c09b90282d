#include "common/history/job_history.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "common/history/lanes.hpp"
#include "common/history/log_fields.hpp"

namespace fanfold {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kVersion = 1;
/// Far beyond any real cluster; a log that says more is not believed.
constexpr std::uint64_t kSlotsMax = 1024;
constexpr std::size_t kPartitionsMax = 1000;
constexpr std::size_t kKeysMax = 100;
constexpr std::size_t kHotMax = 100;

std::optional<Stage> stage_of(std::string_view name) {
  if (name == "sample") return Stage::kSample;
  if (name == "map") return Stage::kMap;
  if (name == "reduce") return Stage::kReduce;
  if (name == "gather") return Stage::kGather;
  return std::nullopt;
}

/// "map-3"; false when it is no task.
bool read_task(std::string_view name, AttemptHistory* attempt) {
  const std::size_t dash = std::min(name.find('-'), name.size());
  const std::optional<Stage> stage = stage_of(name.substr(0, dash));
  if (!stage) return false;
  attempt->stage = *stage;
  if (dash == name.size()) return *stage == Stage::kSample;
  const char* last = name.data() + name.size();
  const auto [end, error] = std::from_chars(name.data() + dash + 1, last, attempt->index);
  return error == std::errc() && end == last;
}

Outcome outcome_of(std::string_view name) {
  for (const Outcome outcome : {Outcome::kCommitted, Outcome::kFailed, Outcome::kLost,
                                Outcome::kCancelled, Outcome::kAbandoned}) {
    if (name == name_of(outcome)) return outcome;
  }
  return Outcome::kUnfinished;
}

}  // namespace

class HistoryReader::State {
 public:
  Status take(std::string_view bytes);
  Result<JobHistory> history() const;
  bool over() const { return history_.state != "running"; }
  Result<JobHistory> release();

 private:
  Status check() const;
  static void settle(JobHistory* history);
  Status take_line(std::string_view text);
  void read_line(const Json& line);
  void on_job(std::string_view event, const Json& line);
  void on_stage(std::string_view event, const Json& line);
  void on_attempt(std::string_view event, const Json& line);
  void on_keys(const Json& line);
  void on_hot(const Json& line);
  void end_attempt(const Json& line, AttemptHistory* attempt) const;
  std::uint32_t worker_of(const std::string& name);
  StageHistory& stage(Stage which);

  std::uint64_t since_submission(std::uint64_t unix_us) const {
    return unix_us < history_.submitted_unix_us ? 0 : unix_us - history_.submitted_unix_us;
  }

  Status refused_;
  bool any_ = false;   // The first line was read.
  std::string begun_;  // A line that does not end yet.
  JobHistory history_;
  std::uint64_t time_ = 0;  // Of the line.
  std::unordered_map<std::string, std::uint32_t> workers_;
  std::unordered_map<std::string, std::size_t> live_;  // By id.
};

Status HistoryReader::State::take(std::string_view bytes) {
  while (refused_.ok() && !bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      begun_.append(bytes);
      break;
    }
    if (begun_.empty()) {
      refused_ = take_line(bytes.substr(0, end));
    } else {
      begun_.append(bytes.substr(0, end));
      refused_ = take_line(begun_);
      begun_.clear();
    }
    bytes.remove_prefix(end + 1);
  }
  return refused_;
}

Status HistoryReader::State::take_line(std::string_view line_text) {
  const Json line = Json::parse(line_text, nullptr, false);
  if (!any_) {
    if (!line.is_object() || text(line, "event") != "job.submitted") {
      return Status(StatusCode::kCorruption,
                    "this is no event log of a job: its first line is no 'job.submitted'");
    }
    if (number(line, "version") != kVersion) {
      return Status(StatusCode::kCorruption,
                    "this event log is of version " + std::to_string(number(line, "version")) +
                        "; this build reads version " + std::to_string(kVersion));
    }
    history_.submitted_unix_us = number(line, "time");
    any_ = true;
  }
  if (line.is_object()) {
    read_line(line);
  } else {
    ++history_.lines_damaged;
  }
  return {};
}

Status HistoryReader::State::check() const {
  if (refused_.ok() && !any_) return {StatusCode::kCorruption, "this event log is empty"};
  return refused_;
}

void HistoryReader::State::settle(JobHistory* history) {
  for (AttemptHistory& attempt : history->attempts) {
    if (attempt.outcome == Outcome::kUnfinished) attempt.ended = history->elapsed;
  }
  settle_lanes(history);
}

Result<JobHistory> HistoryReader::State::history() const {
  FANFOLD_RETURN_IF_ERROR(check());
  JobHistory history = history_;
  settle(&history);
  return history;
}

Result<JobHistory> HistoryReader::State::release() {
  FANFOLD_RETURN_IF_ERROR(check());
  JobHistory history = std::move(history_);
  settle(&history);
  return history;
}

void HistoryReader::State::read_line(const Json& line) {
  time_ = since_submission(number(line, "time"));
  history_.elapsed = std::max(history_.elapsed, time_);
  const std::string event = text(line, "event");
  const bool changes_job = event == "input.fed" || event == "partitions.hot";
  if (event.starts_with("job.") || changes_job) return on_job(event, line);
  if (event.starts_with("stage.")) return on_stage(event, line);
  if (event.starts_with("attempt.")) return on_attempt(event, line);
  if (event == "worker.joined") {
    WorkerHistory& worker = history_.workers[worker_of(text(line, "worker"))];
    worker.host = text(line, "host");
    worker.slots =
        static_cast<std::uint32_t>(std::clamp<std::uint64_t>(number(line, "slots"), 1, kSlotsMax));
  } else if (event == "keys.measured") {
    on_keys(line);
  } else if (event == "output.invalidated") {
    ++history_.outputs_invalidated;
  } else if (event == "result.dissented") {
    // Without a majority nobody knows who is wrong.
    if (line.contains("accepted")) ++history_.dissents[text(line, "worker")];
  } else if (event == "publication.started") {
    if (!history_.publication_started) history_.publication_started = time_;
  } else if (event == "publication.ended") {
    history_.publication_ended = time_;
  }
}

void HistoryReader::State::on_job(std::string_view event, const Json& line) {
  if (event == "job.submitted") {
    history_.job = number(line, "job");
    history_.name = text(line, "name");
    history_.user = text(line, "user");
    history_.plugin = text(line, "plugin");
    history_.output = text(line, "output");
    history_.profile = text(line, "profile");
    history_.traceparent = text(line, "traceparent");
    history_.inputs = texts(line, "inputs");
    history_.inputs_count = number(line, "inputs_count");
  } else if (event == "job.planned") {
    history_.planned = time_;
    history_.input_bytes = number(line, "input_bytes");
    history_.sample = flag(line, "sample");
    history_.maps = small_number(line, "maps");
    history_.reduces = small_number(line, "reduces");
    history_.gathers = small_number(line, "gathers");
    history_.notes = texts(line, "notes");
  } else if (event == "input.fed") {
    history_.maps += small_number(line, "maps");
  } else if (event == "partitions.hot") {
    on_hot(line);
    for (std::string& note : texts(line, "notes")) history_.notes.push_back(std::move(note));
  } else if (event == "job.resumed") {
    ++history_.resumed;
  } else if (event == "job.ended") {
    history_.state = text(line, "state");
    history_.reason = text(line, "reason");
    history_.failed_task = text(line, "failed_task");
    history_.output_bytes = number(line, "output_bytes");
    history_.output_records = number(line, "output_records");
    history_.output_files = number(line, "output_files");
    history_.lines_dropped = number(line, "lines_dropped");
    const auto counters = line.find("counters");
    if (counters == line.end() || !counters->is_object()) return;
    for (const auto& [name, value] : counters->items()) {
      if (value.is_number_integer()) history_.counters[name] = value.get<std::int64_t>();
    }
  }
}

void HistoryReader::State::on_hot(const Json& line) {
  const std::vector<std::uint64_t> partitions = numbers(line, "partitions", kHotMax);
  const std::vector<std::uint64_t> shares = numbers(line, "partition_shares", kHotMax);
  std::uint32_t begin = history_.reduces;
  for (std::size_t i = 0; i < std::min(partitions.size(), shares.size()); ++i) {
    const auto end =
        static_cast<std::uint32_t>(begin + std::min<std::uint64_t>(shares[i], kHotMax));
    if (end > begin) {
      history_.shared.push_back({static_cast<std::uint32_t>(partitions[i]), begin, end});
    }
    begin = end;
  }
  history_.reduces += small_number(line, "shares");
}

void HistoryReader::State::on_keys(const Json& line) {
  EmissionHistory emission;
  emission.bytes = number(line, "bytes");
  emission.partition_bytes = numbers(line, "partition_bytes", kPartitionsMax);
  const auto keys = line.find("keys");
  if (keys != line.end() && keys->is_array()) {
    for (const Json& key : *keys) {
      if (!key.is_object() || emission.keys.size() == kKeysMax) continue;
      emission.keys.push_back({.key = text(key, "key"),
                               .partition = small_number(key, "partition"),
                               .bytes = number(key, "bytes")});
    }
  }
  history_.emission = std::move(emission);
}

StageHistory& HistoryReader::State::stage(Stage which) {
  for (StageHistory& known : history_.stages) {
    if (known.stage == which) return known;
  }
  history_.stages.push_back({.stage = which, .tasks = 0, .started = {}, .ended = {}});
  return history_.stages.back();
}

void HistoryReader::State::on_stage(std::string_view event, const Json& line) {
  const std::optional<Stage> which = stage_of(text(line, "stage"));
  if (!which) return;
  StageHistory& known = stage(*which);
  known.tasks = small_number(line, "tasks");
  if (event == "stage.started" && !known.started) known.started = time_;
  if (event == "stage.ended") known.ended = time_;
}

std::uint32_t HistoryReader::State::worker_of(const std::string& name) {
  const auto [found, added] =
      workers_.emplace(name, static_cast<std::uint32_t>(history_.workers.size()));
  if (added) history_.workers.push_back({.name = name, .host = {}});
  return found->second;
}

void HistoryReader::State::on_attempt(std::string_view event, const Json& line) {
  const std::string id = text(line, "id");
  const auto known = live_.find(id);
  AttemptHistory fresh;
  if (known == live_.end()) {
    if (!read_task(text(line, "task"), &fresh)) return;
    fresh.number = small_number(line, "attempt");
    std::from_chars(id.data(), id.data() + id.size(), fresh.id);
    fresh.worker = worker_of(text(line, "worker"));
    fresh.speculative = flag(line, "speculative");
    fresh.assigned = fresh.started = time_;
    history_.attempts.push_back(fresh);
    live_.emplace(id, history_.attempts.size() - 1);
  }
  AttemptHistory& attempt = history_.attempts[live_.at(id)];
  if (event == "attempt.started") {
    attempt.started = time_;
    attempt.start_known = true;
  } else if (event == "attempt.ended") {
    end_attempt(line, &attempt);
    history_.records_skipped += number(line, "records_skipped");
    history_.dead_letters += number(line, "dead_letters");
    live_.erase(id);
  }
}

void HistoryReader::State::end_attempt(const Json& line, AttemptHistory* attempt) const {
  attempt->outcome = outcome_of(text(line, "outcome"));
  attempt->ended = time_;
  if (line.contains("assigned")) attempt->assigned = since_submission(number(line, "assigned"));
  attempt->started = attempt->assigned;
  if (line.contains("started")) {
    attempt->started = since_submission(number(line, "started"));
    attempt->start_known = true;
  }
  attempt->assigned = std::min(attempt->assigned, attempt->ended);
  attempt->started = std::min(attempt->started, attempt->ended);
  attempt->records_in = number(line, "records_in");
  attempt->bytes_in = number(line, "bytes_in");
  attempt->records_out = number(line, "records_out");
  attempt->bytes_out = number(line, "bytes_out");
  attempt->spills = number(line, "spills");
  attempt->peak_rss_bytes = number(line, "peak_rss_bytes");
  attempt->charged = flag(line, "charged");
  attempt->cause = text(line, "cause");
  attempt->message = text(line, "message");
  attempt->record_file = text(line, "record_file");
  attempt->record_offset = number(line, "record_offset");
  attempt->key = text(line, "key");
}

const char* name_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kCommitted:
      return "committed";
    case Outcome::kFailed:
      return "failed";
    case Outcome::kLost:
      return "lost";
    case Outcome::kCancelled:
      return "cancelled";
    case Outcome::kAbandoned:
      return "abandoned";
    case Outcome::kUnfinished:
      return "running";
  }
  return "unknown";
}

HistoryReader::HistoryReader() : state_(std::make_unique<State>()) {}
HistoryReader::~HistoryReader() = default;
HistoryReader::HistoryReader(HistoryReader&&) noexcept = default;
HistoryReader& HistoryReader::operator=(HistoryReader&&) noexcept = default;

Status HistoryReader::take(std::string_view bytes) { return state_->take(bytes); }
Result<JobHistory> HistoryReader::history() const { return state_->history(); }
bool HistoryReader::over() const { return state_->over(); }

Result<JobHistory> HistoryReader::release() {
  Result<JobHistory> history = state_->release();
  state_ = std::make_unique<State>();
  return history;
}

Result<JobHistory> read_job_history(std::string_view text) {
  HistoryReader reader;
  FANFOLD_RETURN_IF_ERROR(reader.take(text));
  // A line that a crash cut off is the last one.
  if (!text.empty() && !text.ends_with('\n')) FANFOLD_RETURN_IF_ERROR(reader.take("\n"));
  return reader.release();
}

}  // namespace fanfold
