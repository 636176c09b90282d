#include "cli/commands/completion_flags.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <iterator>
#include <utility>

#include "cli/job/retry_json.hpp"
#include "cli/text/suggest.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

using proto::CompletionPolicy;
using proto::CompletionRule;

Status refuse(const std::string& flag, const std::string& why) {
  return {StatusCode::kInvalidArgument, "--" + flag + ": " + why + "."};
}

/// "5" or "80%" after "min-successful=".
Status read_least(const std::string& word, const std::string& value, CompletionPolicy* policy) {
  if (value.starts_with('-')) {
    return refuse("completion", "'" + word + "' asks for less than nothing");
  }
  if (!value.ends_with('%')) {
    const Result<std::uint64_t> count = parse_count(value, 1, UINT32_MAX);
    if (!count.ok()) return refuse("completion", count.status().message());
    policy->count = static_cast<std::uint32_t>(*count);
    return {};
  }
  double percent = 0;
  const char* const end = value.data() + value.size() - 1;
  const auto [rest, error] = std::from_chars(value.data(), end, percent);
  if (error != std::errc() || rest != end || !std::isfinite(percent)) {
    return refuse("completion", "'" + value + "' is no percentage, such as 80%");
  }
  if (percent > 100) {
    return refuse("completion", "'" + word + "': more than 100 % of the tasks cannot succeed");
  }
  policy->per_million = static_cast<std::uint32_t>(std::ceil(percent * 10'000));
  if (policy->per_million == 0) {
    return refuse("completion", "'" + word + "': 0 % are met before anything has run");
  }
  return {};
}

Result<CompletionPolicy> read_policy(const std::string& word) {
  constexpr std::array kRules = {CompletionRule::kAll, CompletionRule::kAllCompleted,
                                 CompletionRule::kMinSuccessful, CompletionRule::kQuorum,
                                 CompletionRule::kFirst};
  const std::size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  std::vector<std::string> names;
  CompletionPolicy policy;
  bool known = false;
  for (const CompletionRule rule : kRules) {
    names.emplace_back(proto::name_of(rule));
    if (name != names.back()) continue;
    policy.rule = rule;
    known = true;
  }
  if (!known) {
    return refuse("completion",
                  "'" + name + "' is not " + join_words(names, " or ") + did_you_mean(name, names));
  }
  const bool has_value = equals != std::string::npos;
  const std::string value = has_value ? word.substr(equals + 1) : "";
  switch (policy.rule) {
    case CompletionRule::kMinSuccessful:
      if (!has_value) {
        return refuse("completion",
                      "how many must succeed? Write min-successful=5 or "
                      "min-successful=80%");
      }
      FANFOLD_RETURN_IF_ERROR(read_least(word, value, &policy));
      return policy;
    case CompletionRule::kQuorum:
      if (!has_value) return policy;
      if (value.ends_with('%')) {
        return refuse("completion", "a quorum is a number of tasks, such as quorum=3");
      }
      FANFOLD_RETURN_IF_ERROR(read_least(word, value, &policy));
      return policy;
    case CompletionRule::kAll:
    case CompletionRule::kAllCompleted:
    case CompletionRule::kFirst:
      if (has_value) return refuse("completion", "'" + name + "' takes no number");
      return policy;
  }
  return policy;
}

Status read_deadline(const Arguments& arguments, JobRequest* request) {
  const std::optional<std::string> word = arguments.value("deadline");
  const std::optional<std::string> then = arguments.value("on-deadline");
  if (!word && then) return refuse("on-deadline", "there is no deadline; give one with --deadline");
  if (!word) return {};
  if (word->starts_with('-')) return refuse("deadline", "'" + *word + "' lies in the past");
  const Result<Duration> time = parse_duration(*word);
  if (!time.ok()) return refuse("deadline", time.status().message());
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(*time).count();
  if (ms < 1) {
    return refuse("deadline",
                  "'" + *word + "' is over before anything can start; 1ms is the least");
  }
  request->deadline_ms = static_cast<std::uint64_t>(ms);
  if (!then || *then == "fail") return {};
  if (*then != "partial") {
    const std::vector<std::string> names = {"fail", "partial"};
    return refuse("on-deadline",
                  "'" + *then + "' is not fail or partial" + did_you_mean(*then, names));
  }
  request->on_deadline = proto::OnDeadline::kPartial;
  return {};
}

Status read_retry(const Arguments& arguments, JobRequest* request) {
  constexpr std::streamsize kFileBytes = 64 << 10;
  const std::optional<std::string> word = arguments.value("retry");
  if (!word) return {};
  if (arguments.has("attempts")) {
    return refuse("retry", "it says how often to try, and so does --attempts; give one of them");
  }
  std::string json = *word;
  if (word->starts_with('@')) {
    const std::string path = word->substr(1);
    std::ifstream file(path, std::ios::binary);
    json.assign(std::size_t{kFileBytes} + 1, '\0');
    file.read(json.data(), kFileBytes + 1);
    json.resize(static_cast<std::size_t>(file.gcount()));
    if (!file.is_open() || file.bad()) return refuse("retry", "cannot read " + path);
    if (json.size() > std::size_t{kFileBytes})
      return refuse("retry", path + " is larger than 64 KiB");
  }
  Result<std::vector<proto::Retrier>> retry = parse_retry(json);
  if (!retry.ok()) return refuse("retry", retry.status().message());
  request->retry = *std::move(retry);
  return {};
}

}  // namespace

std::vector<Flag> policy_flags() {
  return {
      {"completion", '\0', "POLICY",
       "When the maps count as done: all, all-completed, min-successful=N or =P%, quorum or "
       "quorum=N, first. Default: all.",
       false},
      {"deadline", '\0', "TIME", "When the job is to be over, such as 30s. Default: never.", false},
      {"on-deadline", '\0', "fail|partial",
       "Then: fail, or go on with the maps that are done. Default: fail.", false},
  };
}

std::vector<Flag> completion_flags() {
  std::vector<Flag> flags = policy_flags();
  flags.push_back({"retry", '\0', "JSON|@FILE",
                   "Retry of the States Language: what is tried again, how often and when.",
                   false});
  return flags;
}

Status read_policy_flags(const Arguments& arguments, JobRequest* request) {
  if (const std::optional<std::string> word = arguments.value("completion")) {
    FANFOLD_ASSIGN_OR_RETURN(request->completion, read_policy(*word));
  }
  return read_deadline(arguments, request);
}

Status read_completion_flags(const Arguments& arguments, JobRequest* request) {
  FANFOLD_RETURN_IF_ERROR(read_policy_flags(arguments, request));
  return read_retry(arguments, request);
}

}  // namespace fanfold::cli
