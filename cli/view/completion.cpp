#include "cli/view/completion.hpp"

#include "common/io/coverage.hpp"
#include "common/proto/completion_text.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

std::string covered_text(const proto::CompletionStatus& completion) {
  io::Coverage coverage;
  coverage.map_tasks = completion.maps;
  coverage.covered = completion.maps_covered;
  coverage.input_bytes = completion.bytes;
  coverage.covered_bytes = completion.bytes_covered;
  return std::to_string(completion.maps_covered) + " of " + plural(completion.maps, "map task") +
         ", " + io::covered_percent(coverage) + " % of the input";
}

std::string missing_text(const proto::CompletionStatus& completion) {
  std::string text;
  if (completion.maps_failed > 0) {
    text = plural(completion.maps_failed, "map task") + " failed for good";
  }
  if (completion.maps_dropped > 0) {
    text += (text.empty() ? "" : ", ") + plural(completion.maps_dropped, "map task") +
            " not waited for";
  }
  return text;
}

std::string stopped_text(const proto::CompletionStatus& completion) {
  std::string text = plural(completion.attempts_stopped, "attempt");
  if (completion.stop_us > 0) {
    text += ", dead within " + format_milliseconds((completion.stop_us + 999) / 1000);
  }
  if (completion.attempts_stopping > 0) {
    text += " (" + std::to_string(completion.attempts_stopping) + " not heard of yet)";
  }
  if (completion.results_discarded > 0) {
    text += ", " + plural(completion.results_discarded, "late result") + " discarded";
  }
  return text;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> completion_lines(const proto::JobStatus& status) {
  const proto::CompletionStatus& completion = status.completion;
  const bool plain = completion.policy.rule == proto::CompletionRule::kAll;
  if (plain && completion.deadline_ms == 0) return {};
  std::vector<std::pair<std::string, std::string>> lines;
  std::string policy = proto::text_of(completion.policy);
  if (completion.deadline_ms != 0) {
    policy += ", deadline " + format_milliseconds(completion.deadline_ms) + " (then " +
              proto::name_of(completion.on_deadline) + ")";
  }
  lines.emplace_back("policy", policy);
  if (completion.reason != proto::CompletionReason::kNone) {
    lines.emplace_back("reason", proto::name_of(completion.reason));
  }
  lines.emplace_back("covered", covered_text(completion));
  if (const std::string missing = missing_text(completion); !missing.empty()) {
    lines.emplace_back("missing", missing);
  }
  if (completion.attempts_stopped > 0) lines.emplace_back("stopped", stopped_text(completion));
  return lines;
}

}  // namespace fanfold::cli
