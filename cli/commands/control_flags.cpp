#include "cli/commands/control_flags.hpp"

#include <charconv>
#include <limits>
#include <optional>

#include "cli/text/suggest.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

struct Control {
  const char* flag;
  const char* name;
  std::uint64_t least;
  std::uint64_t most;
  std::uint32_t proto::JobControl::*value;
  bool proto::JobChange::*mark;
};
constexpr Control kControls[] = {
    {"max-concurrency", "MaxConcurrency", 0, std::numeric_limits<std::uint32_t>::max(),
     &proto::JobControl::max_concurrency, &proto::JobChange::max_concurrency},
    {"priority", "Priority", 0, proto::kPriorityMax, &proto::JobControl::priority,
     &proto::JobChange::priority},
    {"weight", "Weight", 1, proto::kWeightMax, &proto::JobControl::weight,
     &proto::JobChange::weight},
};

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

/// The two that only item jobs have, in a file: docs/patterns/item_jobs.md.
constexpr const char* kFailureCount = "ToleratedFailureCount";
constexpr const char* kFailureShare = "ToleratedFailurePercentage";

bool names_failures(const std::string& name) {
  return name == kFailureCount || name == kFailureShare;
}

/// "2", "0.5": of a hundred, in a million.
Result<std::uint32_t> parse_per_million(const std::string& text) {
  double percent = -1;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, percent);
  if (error != std::errc() || stop != end || !(percent >= 0) || percent > 100) {
    return refuse("'" + text + "' is no percentage from 0 to 100");
  }
  return static_cast<std::uint32_t>(percent * (proto::kWhole / 100.0));
}

Status read_failures(const std::string& name, const std::string& text, proto::JobChange* change) {
  const bool share = name == kFailureShare;
  bool& mark = share ? change->failures_per_million : change->failures_max;
  if (mark) return refuse(name + " is given twice");
  mark = true;
  if (!share) {
    const Result<std::uint64_t> count = parse_count(text, 0, proto::kAnyNumber - 1);
    if (!count.ok()) return refuse(name + ": " + count.status().message());
    change->to.failures_max = *count;
    return {};
  }
  const Result<std::uint32_t> per_million = parse_per_million(text);
  if (!per_million.ok()) return refuse(name + ": " + per_million.status().message());
  change->to.failures_per_million = *per_million;
  return {};
}

Status read_change(const std::string& word, proto::JobChange* change) {
  const std::size_t equals = word.find('=');
  const std::string name = word.substr(0, equals);
  std::vector<std::string> names = {kFailureCount, kFailureShare};
  if (names_failures(name) && equals != std::string::npos) {
    return read_failures(name, word.substr(equals + 1), change);
  }
  for (const Control& control : kControls) {
    names.emplace_back(control.name);
    if (name != control.name) continue;
    if (equals == std::string::npos) return refuse("'" + word + "' has no value: " + name + "=N");
    if (change->*control.mark) return refuse(name + " is given twice");
    const Result<std::uint64_t> value =
        parse_count(word.substr(equals + 1), control.least, control.most);
    if (!value.ok()) return refuse(name + ": " + value.status().message());
    change->*control.mark = true;
    change->to.*control.value = static_cast<std::uint32_t>(*value);
    return {};
  }
  return refuse("a running job has no '" + name + "' that can be set, but " +
                join_words(names, " and ") + "." + did_you_mean(name, names));
}

}  // namespace

std::vector<Flag> control_flags() {
  return {
      {"max-concurrency", '\0', "N",
       "Attempts of this job at a time. Default: 0, as many as there are slots.", false},
      {"priority", '\0', "N", "0 to 100: jobs with a higher one are served first. Default: 50.",
       false},
      {"weight", '\0', "N", "1 to 1000: share of the slots among jobs of one priority. Default: 1.",
       false},
  };
}

Status read_control_flags(const Arguments& arguments, JobRequest* request) {
  for (const Control& control : kControls) {
    const std::optional<std::string> word = arguments.value(control.flag);
    if (!word) continue;
    const Result<std::uint64_t> value = parse_count(*word, control.least, control.most);
    if (!value.ok()) {
      return refuse("--" + std::string(control.flag) + ": " + value.status().message() + ".");
    }
    request->control.*control.value = static_cast<std::uint32_t>(*value);
  }
  return {};
}

Result<proto::JobChange> read_changes(const std::vector<std::string>& words) {
  proto::JobChange change;
  for (const std::string& word : words) FANFOLD_RETURN_IF_ERROR(read_change(word, &change));
  return change;
}

}  // namespace fanfold::cli
