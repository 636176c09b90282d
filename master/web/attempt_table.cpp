#include "master/web/attempt_table.hpp"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <tuple>

#include "common/text/names.hpp"
#include "common/text/units.hpp"

namespace fanfold::master::web {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kRowsMost = 500;
/// What a row shows of a text.
constexpr std::size_t kColumns = 500;

const std::map<std::string, AttemptOrder, std::less<>> kOrders = {
    {"task", AttemptOrder::kTask},
    {"started", AttemptOrder::kStarted},
    {"ran", AttemptOrder::kRan},
    {"bytes_in", AttemptOrder::kBytesIn},
    {"records_in", AttemptOrder::kRecordsIn},
    {"memory", AttemptOrder::kMemory}};

Status wrong(const std::string& name, const std::string& value, const std::string& right) {
  return Status(StatusCode::kInvalidArgument,
                name + "=" + fit(printable(value, false), 80) + ": it is one of " + right);
}

std::string task_name(const AttemptHistory& attempt) {
  return name_of(TaskId{{}, attempt.stage, attempt.index});
}

bool contains(const JobHistory& history, const AttemptHistory& attempt, const std::string& text) {
  return task_name(attempt).find(text) != std::string::npos ||
         history.workers[attempt.worker].name.find(text) != std::string::npos ||
         attempt.cause.find(text) != std::string::npos ||
         attempt.message.find(text) != std::string::npos;
}

std::uint64_t rank(const AttemptHistory& attempt, AttemptOrder order) {
  switch (order) {
    case AttemptOrder::kTask:
      return (static_cast<std::uint64_t>(attempt.stage) << 56) |
             (std::uint64_t{attempt.index} << 20) | std::min(attempt.number, (1u << 20) - 1);
    case AttemptOrder::kStarted:
      return attempt.started;
    case AttemptOrder::kRan:
      return attempt.ran();
    case AttemptOrder::kBytesIn:
      return attempt.bytes_in;
    case AttemptOrder::kRecordsIn:
      return attempt.records_in;
    case AttemptOrder::kMemory:
      return attempt.peak_rss_bytes;
  }
  return 0;
}

Json row(const JobHistory& history, const AttemptHistory& attempt) {
  Json json = {{"task", task_name(attempt)},
               {"attempt", attempt.number},
               {"id", std::to_string(attempt.id)},
               {"worker", fit(history.workers[attempt.worker].name, kColumns)},
               {"outcome", name_of(attempt.outcome)},
               {"assigned_us", attempt.assigned},
               {"started_us", attempt.started},
               {"ran_us", attempt.ran()},
               {"records_in", attempt.records_in},
               {"bytes_in", attempt.bytes_in},
               {"records_out", attempt.records_out},
               {"bytes_out", attempt.bytes_out},
               {"spills", attempt.spills},
               {"peak_rss_bytes", attempt.peak_rss_bytes}};
  if (attempt.speculative) json["speculative"] = true;
  if (!attempt.cause.empty()) {
    json["cause"] = fit(attempt.cause, kColumns);
    json["message"] = fit(attempt.message, kColumns);
    json["charged"] = attempt.charged;
  }
  if (!attempt.record_file.empty()) {
    json["record_file"] = fit(attempt.record_file, kColumns);
    json["record_offset"] = attempt.record_offset;
  }
  if (!attempt.key.empty()) json["key"] = fit(attempt.key, kColumns);
  return json;
}

}  // namespace

Result<AttemptQuery> read_attempt_query(const std::map<std::string, std::string>& parameters) {
  AttemptQuery query;
  constexpr auto kMost = std::numeric_limits<std::uint32_t>::max();
  for (const auto& [name, value] : parameters) {
    if (name == "from" || name == "count") {
      const auto number = parse_count(value, 0, name == "from" ? kMost : kRowsMost);
      if (!number.ok())
        return wrong(name, value, "0 to " + std::to_string(name == "from" ? kMost : kRowsMost));
      (name == "from" ? query.from : query.count) = *number;
    } else if (name == "sort") {
      const std::size_t descending = value.starts_with('-') ? 1 : 0;
      const auto order = kOrders.find(std::string_view(value).substr(descending));
      if (order == kOrders.end()) {
        return wrong(
            name, value,
            "task, started, ran, bytes_in, records_in, memory; - before it turns it round");
      }
      query.order = order->second;
      query.descending = descending == 1;
    } else if (name == "stage") {
      for (const Stage stage : kAllStages) {
        if (value == name_of(stage)) query.stage = stage;
      }
      if (!query.stage && !value.empty()) return wrong(name, value, "sample, map, reduce, gather");
    } else if (name == "outcome") {
      for (int i = 0; i <= static_cast<int>(Outcome::kUnfinished); ++i) {
        if (value == name_of(static_cast<Outcome>(i))) query.outcome = static_cast<Outcome>(i);
      }
      if (!query.outcome && !value.empty()) {
        return wrong(name, value, "committed, failed, lost, cancelled, abandoned, running");
      }
    } else if (name == "find") {
      query.find = value;
    } else {
      return wrong("parameter", name, "from, count, sort, stage, outcome, find");
    }
  }
  return query;
}

std::vector<std::size_t> select_attempts(const JobHistory& history, const AttemptQuery& query) {
  std::vector<std::pair<std::uint64_t, std::size_t>> ranked;
  for (std::size_t i = 0; i < history.attempts.size(); ++i) {
    const AttemptHistory& attempt = history.attempts[i];
    if (query.stage && attempt.stage != *query.stage) continue;
    if (query.outcome && attempt.outcome != *query.outcome) continue;
    if (!query.find.empty() && !contains(history, attempt, query.find)) continue;
    const std::uint64_t key = rank(attempt, query.order);
    ranked.emplace_back(query.descending ? ~key : key, i);
  }
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::size_t> selected;
  selected.reserve(ranked.size());
  for (const auto& [key, index] : ranked) selected.push_back(index);
  return selected;
}

std::string attempts_json(const JobHistory& history, const AttemptQuery& query) {
  const std::vector<std::size_t> selected = select_attempts(history, query);
  Json rows = Json::array();
  const std::size_t begin = std::min(query.from, selected.size());
  const std::size_t end = std::min(begin + query.count, selected.size());
  for (std::size_t i = begin; i < end; ++i) {
    rows.push_back(row(history, history.attempts[selected[i]]));
  }
  const Json json = {{"total", selected.size()}, {"from", begin}, {"attempts", std::move(rows)}};
  return json.dump(-1, ' ', true, Json::error_handler_t::replace);
}

}  // namespace fanfold::master::web
