#include "cli/job/retry_json.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/text/suggest.hpp"

namespace fanfold::cli {
namespace {

using Json = nlohmann::json;

const std::vector<std::string> kFields = {"ErrorEquals", "IntervalSeconds", "MaxAttempts",
                                          "BackoffRate", "MaxDelaySeconds", "JitterStrategy"};
const std::vector<std::string> kErrors = {"States.ALL",
                                          "States.TaskFailed",
                                          "States.Timeout",
                                          "States.HeartbeatTimeout",
                                          "Task.Exception",
                                          "Task.Signal",
                                          "Task.Exit",
                                          "Task.Timeout",
                                          "Task.Stalled",
                                          "Task.OutOfMemory",
                                          "Task.NonDeterministic",
                                          "Task.GivenBack",
                                          "Data.Corrupt",
                                          "Input.Missing",
                                          "Plugin.Incompatible"};

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

Status take_errors(const Json& value, proto::Retrier* retrier) {
  if (!value.is_array() || value.empty()) {
    return refuse("ErrorEquals has to be a list of error names, such as [\"Task.Timeout\"]");
  }
  for (const Json& one : value) {
    if (!one.is_string()) return refuse("ErrorEquals holds something that is no name of an error");
    const std::string name = one.get<std::string>();
    if (std::find(kErrors.begin(), kErrors.end(), name) == kErrors.end()) {
      return refuse("there is no error called '" + name + "'." + did_you_mean(name, kErrors));
    }
    retrier->errors.push_back(name);
  }
  return {};
}

Result<std::uint64_t> whole_number(const char* name, const Json& value, std::uint64_t least,
                                   std::uint64_t most) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<std::uint64_t>();
    if (number >= least && number <= most) return number;
  }
  return refuse(std::string(name) + " is " + value.dump() + "; it has to be a whole number from " +
                std::to_string(least) + " to " + std::to_string(most));
}

Status take_rate(const Json& value, proto::Retrier* retrier) {
  constexpr double kMost = 1000;
  const double rate = value.is_number() ? value.get<double>() : 0;
  if (!(rate >= 1) || rate > kMost) {
    return refuse("BackoffRate is " + value.dump() + "; it has to be a number from 1.0 to 1000");
  }
  retrier->backoff_per_mille = static_cast<std::uint32_t>(std::lround(rate * 1000));
  return {};
}

Status take_jitter(const Json& value, proto::Retrier* retrier) {
  if (value == "FULL" || value == "NONE") {
    retrier->jitter = value == "FULL" ? proto::Jitter::kFull : proto::Jitter::kNone;
    return {};
  }
  return refuse("JitterStrategy is " + value.dump() + "; it has to be \"FULL\" or \"NONE\"");
}

Status take_field(const std::string& name, const Json& value, proto::Retrier* retrier) {
  constexpr std::uint64_t kSecondsMost = 86'400;
  constexpr std::uint64_t kAttemptsMost = 99;
  if (name == "ErrorEquals") return take_errors(value, retrier);
  if (name == "BackoffRate") return take_rate(value, retrier);
  if (name == "JitterStrategy") return take_jitter(value, retrier);
  if (name == "MaxAttempts") {
    FANFOLD_ASSIGN_OR_RETURN(const auto count,
                             whole_number("MaxAttempts", value, 0, kAttemptsMost));
    retrier->attempts_max = static_cast<std::uint32_t>(count);
    return {};
  }
  if (name == "IntervalSeconds" || name == "MaxDelaySeconds") {
    FANFOLD_ASSIGN_OR_RETURN(const auto seconds,
                             whole_number(name.c_str(), value, 1, kSecondsMost));
    (name == "IntervalSeconds" ? retrier->interval_ms : retrier->delay_ms_max) = seconds * 1000;
    return {};
  }
  return refuse("a Retry has no field '" + name + "'." + did_you_mean(name, kFields));
}

Result<proto::Retrier> parse_retrier(const Json& json) {
  if (!json.is_object()) {
    return refuse(
        "an entry of Retry has to be an object, such as "
        "{\"ErrorEquals\": [\"States.ALL\"], \"MaxAttempts\": 2}");
  }
  proto::Retrier retrier;
  for (const auto& [name, value] : json.items()) {
    FANFOLD_RETURN_IF_ERROR(take_field(name, value, &retrier));
  }
  if (retrier.errors.empty()) return refuse("an entry of Retry has no ErrorEquals");
  return retrier;
}

}  // namespace

const std::vector<std::string>& known_errors() { return kErrors; }

Result<std::vector<proto::Retrier>> parse_retry(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return refuse("it is not JSON");
  std::vector<proto::Retrier> retry;
  if (!json.is_array()) {
    FANFOLD_ASSIGN_OR_RETURN(proto::Retrier retrier, parse_retrier(json));
    retry.push_back(std::move(retrier));
    return retry;
  }
  if (json.empty()) return refuse("it is an empty list; leave it out to have the usual attempts");
  for (const Json& one : json) {
    FANFOLD_ASSIGN_OR_RETURN(proto::Retrier retrier, parse_retrier(one));
    retry.push_back(std::move(retrier));
  }
  return retry;
}

}  // namespace fanfold::cli
