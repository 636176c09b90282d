#include "cli/view/replicas.hpp"

#include "cli/view/names.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

std::string percentile_text(std::uint32_t per_mille) {
  std::string text = "p" + std::to_string(per_mille / 10);
  if (per_mille % 10 != 0) text += "." + std::to_string(per_mille % 10);
  return text;
}

std::string cost_text(const proto::ReplicaStatus& replicas) {
  if (replicas.policy.hedges()) {
    return plural(replicas.hedges, "hedge") + ", " + std::to_string(replicas.hedges_won) +
           " came first";
  }
  std::string text = std::to_string(replicas.started) + " further " +
                     (replicas.started == 1 ? "attempt" : "attempts");
  if (replicas.discarded > 0) text += ", " + std::to_string(replicas.discarded) + " agreed";
  if (replicas.votes > 0) {
    text += ", " + plural(replicas.votes, "result") + " to be compared";
  }
  if (replicas.stopped > 0) text += ", " + std::to_string(replicas.stopped) + " stopped";
  return text;
}

std::string dissent_text(const proto::ReplicaStatus& replicas) {
  std::string text = plural(replicas.dissents, "result") + " differed from the majority: ";
  const char* separator = "";
  for (const proto::Dissenter& one : replicas.dissenters) {
    text += separator + std::to_string(one.results) + " by " + printable(one.name, false);
    separator = ", ";
  }
  return text;
}

}  // namespace

std::string text_of(const proto::ReplicaPolicy& policy) {
  if (policy.hedge_per_mille != 0) return "hedge after " + percentile_text(policy.hedge_per_mille);
  if (policy.hedge_ms != 0) return "hedge after " + format_milliseconds(policy.hedge_ms);
  if (!policy.replicated()) return "";
  return std::string(proto::name_of(policy.accept)) + " of " + std::to_string(policy.replicas) +
         " replicas";
}

std::vector<std::pair<std::string, std::string>> replica_lines(const proto::JobStatus& status) {
  const proto::ReplicaStatus& replicas = status.replicas;
  const std::string policy = text_of(replicas.policy);
  if (policy.empty()) return {};
  std::vector<std::pair<std::string, std::string>> lines = {
      {"replicas", policy + "; " + cost_text(replicas)}};
  if (replicas.dissents > 0) lines.emplace_back("DISSENT", dissent_text(replicas));
  if (replicas.waiting > 0) {
    lines.emplace_back("waiting",
                       plural(replicas.waiting, "task") + " for more workers than there are");
  }
  return lines;
}

}  // namespace fanfold::cli
