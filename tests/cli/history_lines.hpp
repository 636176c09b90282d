// Event logs written by hand, for tests of what is made from them.

#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "common/history/job_history.hpp"

namespace fanfold::cli {

/// Times are milliseconds since the submission.
class LogWriter {
 public:
  using Json = nlohmann::json;

  explicit LogWriter(const std::string& name = "word_count") {
    add(0, "job.submitted",
        {{"version", 1}, {"job", 7}, {"name", name}, {"user", "alice"}, {"inputs", {"/in"}}});
  }
  LogWriter& add(std::uint64_t ms, const std::string& event, Json fields = Json::object()) {
    fields["event"] = event;
    fields["time"] = time(ms);
    text_ += fields.dump() + "\n";
    return *this;
  }
  LogWriter& worker(const std::string& name, std::uint32_t slots) {
    return add(0, "worker.joined", {{"worker", name}, {"slots", slots}});
  }
  struct Attempt {
    std::string task;
    std::string worker = "w1";
    std::uint64_t began = 0;
    std::uint64_t ended = 0;
    std::string outcome = "committed";
    std::uint32_t number = 1;
  };
  /// `more` replaces and adds fields.
  LogWriter& attempt(const Attempt& attempt, const Json& more = Json::object()) {
    Json fields = {{"task", attempt.task},          {"attempt", attempt.number},
                   {"id", std::to_string(++id_)},   {"worker", attempt.worker},
                   {"outcome", attempt.outcome},    {"assigned", time(attempt.began)},
                   {"started", time(attempt.began)}};
    fields.update(more);
    return add(attempt.ended, "attempt.ended", fields);
  }
  LogWriter& raw(const std::string& line) {
    text_ += line + "\n";
    return *this;
  }

  const std::string& text() const { return text_; }
  JobHistory read() const {
    Result<JobHistory> history = read_job_history(text_);
    return history.ok() ? *std::move(history) : JobHistory();
  }
  static std::uint64_t time(std::uint64_t ms) { return 1'700'000'000'000'000 + ms * 1000; }

 private:
  std::string text_;
  std::uint64_t id_ = 0;
};

}  // namespace fanfold::cli
