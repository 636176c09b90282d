#include "cli/commands/item_report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands/command.hpp"
#include "cli/options/exit_codes.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

/// "3 of 10 items failed"
std::string missing_text(const ItemCounts& counts) {
  std::string text;
  const auto add = [&](std::uint64_t count, const char* what) {
    if (count == 0) return;
    text += (text.empty() ? "" : ", ") + format_count(count) + " " + what;
  };
  add(counts.failed, "failed");
  add(counts.skipped, "were skipped");
  add(counts.pending, "were not run");
  return "of " + plural(counts.total, "item") + " " + text;
}

}  // namespace

std::string text_of(const ItemSummary& summary) {
  const ItemCounts& counts = summary.results.counts;
  std::string text = summary.label + ": " + lower(summary.results.state()) + " in " +
                     format_milliseconds(summary.wall_ms) + "\n  items     " +
                     format_count(counts.total) + ": " + format_count(counts.succeeded) +
                     " succeeded, " + format_count(counts.failed) + " failed";
  if (counts.skipped > 0) text += ", " + format_count(counts.skipped) + " skipped";
  if (counts.pending > 0) text += ", " + format_count(counts.pending) + " pending";
  if (summary.results.retries > 0) {
    text += "\n  retries   " + format_count(summary.results.retries);
  }
  return text + "\n  output    " + printable(summary.output, false) + "\n";
}

std::string json_of(const ItemSummary& summary) {
  const ItemCounts& counts = summary.results.counts;
  const nlohmann::json json = {{"label", summary.label},
                               {"state", lower(summary.results.state())},
                               {"reason", summary.results.reason()},
                               {"output", summary.output},
                               {"wall_ms", summary.wall_ms},
                               {"retries", summary.results.retries},
                               {"items",
                                {{"total", counts.total},
                                 {"succeeded", counts.succeeded},
                                 {"failed", counts.failed},
                                 {"skipped", counts.skipped},
                                 {"pending", counts.pending}}}};
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

int tell_end(const ItemSummary& summary) {
  const ItemResults& results = summary.results;
  const std::string state = results.state();
  if (state == "SUCCEEDED") return kExitDone;
  const std::string where = printable(summary.output, false);
  if (results.intolerable) {
    print_error("fanfold: " + summary.label + ": " + results.reason() + ": " +
                missing_text(results.counts) + ", which is not tolerated. 'fanfold dlq list " +
                where + "' says why; the results that there are lie there too.\n");
    return kExitFailed;
  }
  print_error("fanfold: " + summary.label + " is partial: " + missing_text(results.counts) +
              ", as it tolerates. 'fanfold dlq list " + where + "' says why.\n");
  return kExitPartial;
}

}  // namespace fanfold::cli
