#include "common/report/timeline.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>
#include <vector>

#include "common/text/names.hpp"
#include "common/text/units.hpp"

namespace fanfold {
namespace {

using Json = nlohmann::ordered_json;

/// Longer causes and names are for the tables.
constexpr std::size_t kCauseColumns = 120;
constexpr std::size_t kNameColumns = 60;

class Columns {
 public:
  template <class Value>
  void add(const char* name, const std::vector<std::size_t>& order, const Value& value) {
    text_ += ",\"" + std::string(name) + "\":[";
    for (const std::size_t i : order) {
      if (text_.back() != '[') text_ += ',';
      text_ += std::to_string(value(i));
    }
    text_ += ']';
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string dump(const Json& json) {
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace

std::string timeline_json(const JobHistory& history) {
  const std::vector<AttemptHistory>& attempts = history.attempts;
  std::vector<std::uint32_t> first_lane;
  Json lanes = Json::array();
  for (const WorkerHistory& worker : history.workers) {
    first_lane.push_back(static_cast<std::uint32_t>(lanes.size()));
    for (std::uint32_t lane = 0; lane < worker.lanes; ++lane) {
      lanes.push_back(fit(printable(worker.name, false), kNameColumns) + " · " +
                      std::to_string(lane + 1));
    }
  }
  const auto lane_of = [&](std::size_t i) {
    return first_lane[attempts[i].worker] + attempts[i].lane;
  };
  std::vector<std::size_t> order(attempts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::tuple(lane_of(a), attempts[a].started, attempts[a].ended, a) <
           std::tuple(lane_of(b), attempts[b].started, attempts[b].ended, b);
  });
  Json causes = {""};
  std::map<std::string, std::size_t> known = {{"", 0}};
  std::vector<std::size_t> cause_of;
  for (const AttemptHistory& attempt : attempts) {
    std::string cause;
    if (!attempt.cause.empty())
      cause = fit(attempt.cause + ": " + printable(attempt.message, false), kCauseColumns);
    const auto [found, added] = known.emplace(cause, causes.size());
    if (added) causes.push_back(cause);
    cause_of.push_back(found->second);
  }
  Json head = {
      {"end", history.elapsed}, {"lanes", std::move(lanes)}, {"causes", std::move(causes)}};
  for (const Stage stage : kAllStages) {
    head["stages"].push_back(name_of(stage));
  }
  for (int i = 0; i <= static_cast<int>(Outcome::kUnfinished); ++i) {
    head["outcomes"].push_back(name_of(static_cast<Outcome>(i)));
  }
  Columns columns;
  columns.add("lane", order, lane_of);
  columns.add("start", order, [&](std::size_t i) { return attempts[i].started; });
  columns.add("ran", order, [&](std::size_t i) { return attempts[i].ran(); });
  columns.add("outcome", order,
              [&](std::size_t i) { return static_cast<int>(attempts[i].outcome); });
  columns.add("stage", order,
              [&](std::size_t i) { return static_cast<int>(attempts[i].stage) - 1; });
  columns.add("index", order, [&](std::size_t i) { return attempts[i].index; });
  columns.add("number", order, [&](std::size_t i) { return attempts[i].number; });
  columns.add("bytes", order, [&](std::size_t i) { return attempts[i].bytes_in; });
  columns.add("cause", order, [&](std::size_t i) { return cause_of[i]; });
  std::string text = dump(head);
  text.pop_back();
  return text + columns.take() + "}";
}

}  // namespace fanfold
