#include "cli/commands/locality_flags.hpp"

#include <algorithm>
#include <chrono>
#include <string>

#include "common/core/limits.hpp"
#include "common/inputs/host_input.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

Status refuse(const std::string& flag, const std::string& why) {
  return {StatusCode::kInvalidArgument, "--" + flag + ": " + why + "."};
}

/// "PATTERN=HOST[,HOST...]"
Status read_preference(const std::string& word, JobRequest* request) {
  // Paths may have '=' in them, names of hosts may not.
  const std::size_t equals = word.rfind('=');
  if (equals == std::string::npos || equals == 0) {
    return refuse("prefer", "'" + word + "' is not of the form PATTERN=HOST[,HOST...]");
  }
  proto::Preference preference;
  preference.pattern = word.substr(0, equals);
  if (inputs::is_host_input(preference.pattern)) {
    return refuse("prefer", "what lies on a host is read there anyway; leave out " + word);
  }
  std::size_t begin = equals + 1;
  while (begin <= word.size()) {
    const std::size_t end = std::min(word.find(',', begin), word.size());
    const std::string host = word.substr(begin, end - begin);
    if (!inputs::is_host_name(host)) {
      return refuse("prefer", "'" + host + "' in '" + word +
                                  "' is not the name of a host: letters, digits, '.', '_' and '-'");
    }
    preference.hosts.push_back(host);
    begin = end + 1;
  }
  if (preference.hosts.size() > limits::kPreferredHosts) {
    return refuse("prefer", "'" + preference.pattern + "' has " +
                                std::to_string(preference.hosts.size()) + " hosts; " +
                                std::to_string(limits::kPreferredHosts) + " are the most");
  }
  request->prefer.push_back(std::move(preference));
  return {};
}

}  // namespace

std::vector<Flag> locality_flags() {
  return {
      {"prefer", '\0', "PATTERN=HOST[,HOST...]",
       "Files that match, or lie below what matches, are near these hosts: their map tasks wait a "
       "little for workers there.",
       true},
      {"locality-wait", '\0', "TIME",
       "How long such a task waits for a slot on a preferred host, such as 500ms; 0s: not at all. "
       "Default: 3s.",
       false},
  };
}

Status read_locality_flags(const Arguments& arguments, JobRequest* request) {
  for (const std::string& word : arguments.values("prefer")) {
    FANFOLD_RETURN_IF_ERROR(read_preference(word, request));
  }
  if (request->prefer.size() > limits::kPreferences) {
    return refuse("prefer", "it is given " + std::to_string(request->prefer.size()) + " times; " +
                                std::to_string(limits::kPreferences) + " times are the most");
  }
  const std::optional<std::string> word = arguments.value("locality-wait");
  if (!word) return {};
  if (request->prefer.empty()) {
    return refuse("locality-wait", "nothing prefers a host; say which with --prefer");
  }
  const Result<Duration> wait = parse_duration(*word);
  if (!wait.ok()) return refuse("locality-wait", wait.status().message());
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(*wait).count();
  request->locality_wait_ms = static_cast<std::uint64_t>(ms);
  if (request->locality_wait_ms > limits::kLocalityWaitMsMost) {
    return refuse("locality-wait", *word + " is longer than an hour");
  }
  return {};
}

}  // namespace fanfold::cli
