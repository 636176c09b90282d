#include "cli/commands/bad_record_flags.hpp"

#include <array>
#include <string>

#include "cli/text/suggest.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

using proto::OnBadRecord;

/// Without a limit of the user's own: enough for dirty input, too little for a broken plugin.
constexpr std::uint32_t kRecordsMaxDefault = 1000;

Status refuse(const std::string& flag, const std::string& why) {
  return {StatusCode::kInvalidArgument, "--" + flag + ": " + why + "."};
}

Result<OnBadRecord> read_what(const Arguments& arguments) {
  constexpr std::array kAll = {OnBadRecord::kFail, OnBadRecord::kSkip, OnBadRecord::kDeadLetter};
  const std::optional<std::string> word = arguments.value("on-bad-record");
  if (!word) return OnBadRecord::kFail;
  std::vector<std::string> names;
  for (const OnBadRecord what : kAll) {
    names.emplace_back(proto::name_of(what));
    if (*word == names.back()) return what;
  }
  return refuse("on-bad-record",
                "'" + *word + "' is not " + join_words(names, " or ") + did_you_mean(*word, names));
}

/// `most` of them at most; 0: not given.
Result<std::uint32_t> read_limit(const Arguments& arguments, const std::string& flag,
                                 std::uint64_t most, bool tolerant) {
  const std::optional<std::string> word = arguments.value(flag);
  if (!word) return std::uint32_t{0};
  if (!tolerant) {
    return refuse(flag,
                  "a bad record fails the job; let it be left out with --on-bad-record skip or "
                  "dead-letter");
  }
  if (word->starts_with('-')) return refuse(flag, "'" + *word + "' is less than none");
  const Result<std::uint64_t> count = parse_count(*word, 0, most);
  if (!count.ok()) return refuse(flag, count.status().message());
  if (*count == 0) return refuse(flag, "0 allows none: leave --on-bad-record out instead");
  return static_cast<std::uint32_t>(*count);
}

}  // namespace

std::vector<Flag> bad_record_flags() {
  return {
      {"on-bad-record", '\0', "fail|skip|dead-letter",
       "When map throws, crashes or hangs on a record: fail, leave it out, or keep it in "
       "DIR/_DEAD_LETTERS. Default: fail.",
       false},
      {"bad-records-max", '\0', "N",
       "More bad records than this fail the job. Default: 1000, or none with a share.", false},
      {"bad-records-per-million", '\0', "N", "So does a larger share of bad records.", false},
      stall_timeout_flag_entry(),
  };
}

Status read_bad_record_flags(const Arguments& arguments, JobRequest* request) {
  proto::BadRecordPolicy& policy = request->bad_records;
  FANFOLD_ASSIGN_OR_RETURN(policy.what, read_what(arguments));
  FANFOLD_ASSIGN_OR_RETURN(policy.records_max,
                           read_limit(arguments, "bad-records-max", UINT32_MAX, policy.tolerant()));
  FANFOLD_ASSIGN_OR_RETURN(policy.per_million, read_limit(arguments, "bad-records-per-million",
                                                          1'000'000, policy.tolerant()));
  if (policy.tolerant() && policy.records_max == 0 && policy.per_million == 0) {
    policy.records_max = kRecordsMaxDefault;
  }
  FANFOLD_ASSIGN_OR_RETURN(request->stall_timeout_ms, stall_timeout_flag(arguments));
  return {};
}

Flag stall_timeout_flag_entry() {
  return {"stall-timeout", '\0', "TIME",
          "An attempt that makes no progress for so long hangs. Default: 30s.", false};
}

Result<std::uint64_t> stall_timeout_flag(const Arguments& arguments) {
  const std::optional<std::string> word = arguments.value("stall-timeout");
  if (!word) return std::uint64_t{0};
  const Result<Duration> time = parse_duration(*word);
  if (!time.ok()) return refuse("stall-timeout", time.status().message());
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(*time).count();
  if (ms < 100) return refuse("stall-timeout", *word + " is too short; 100ms is the least");
  return static_cast<std::uint64_t>(ms);
}

}  // namespace fanfold::cli
