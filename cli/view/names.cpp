#include "cli/view/names.hpp"

#include <limits>

#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

constexpr std::uint64_t kAttemptNumberMax = 1'000'000;

Status not_a_task(std::string_view text) {
  return Status(
      StatusCode::kInvalidArgument,
      "'" + std::string(text) +
          "' is no task; write map-N, reduce-N, gather-N or sample, and .N for one attempt, such "
          "as map-3.1.");
}

Result<TaskId> parse_task(JobId job, std::string_view text) {
  TaskId task;
  task.job = job;
  if (text == "sample") {
    task.stage = Stage::kSample;
    return task;
  }
  std::string_view number;
  if (text.starts_with("map-")) {
    task.stage = Stage::kMap;
    number = text.substr(4);
  } else if (text.starts_with("reduce-")) {
    task.stage = Stage::kReduce;
    number = text.substr(7);
  } else if (text.starts_with("gather-")) {
    task.stage = Stage::kGather;
    number = text.substr(7);
  } else {
    return not_a_task(text);
  }
  const Result<std::uint64_t> index =
      parse_count(number, 0, std::numeric_limits<std::uint32_t>::max());
  if (!index.ok()) return not_a_task(text);
  task.index = static_cast<std::uint32_t>(*index);
  return task;
}

}  // namespace

Result<JobId> parse_job(std::string_view text) {
  std::string_view number = text;
  if (number.starts_with("job-")) number.remove_prefix(4);
  const Result<std::uint64_t> value =
      parse_count(number, 1, std::numeric_limits<std::uint64_t>::max());
  if (!value.ok()) {
    return Status(StatusCode::kInvalidArgument,
                  "'" + std::string(text) +
                      "' is no job id; 'fanfold submit' prints it and 'fanfold list' shows it.");
  }
  return JobId{*value};
}

Result<LogTarget> parse_log_target(std::string_view text) {
  LogTarget target;
  const std::size_t slash = text.find('/');
  FANFOLD_ASSIGN_OR_RETURN(target.job, parse_job(text.substr(0, slash)));
  if (slash == std::string_view::npos) return target;
  std::string_view task = text.substr(slash + 1);
  const std::size_t dot = task.find('.');
  if (dot != std::string_view::npos) {
    const Result<std::uint64_t> number = parse_count(task.substr(dot + 1), 1, kAttemptNumberMax);
    if (!number.ok()) return not_a_task(task);
    target.attempt_number = static_cast<std::uint32_t>(*number);
    task = task.substr(0, dot);
  }
  FANFOLD_ASSIGN_OR_RETURN(target.task, parse_task(target.job, task));
  return target;
}

}  // namespace fanfold::cli
