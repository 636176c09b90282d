#include "cli/commands/replica_flags.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "cli/text/suggest.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

using proto::AcceptRule;

Status refuse(const std::string& flag, const std::string& why) {
  return {StatusCode::kInvalidArgument, "--" + flag + ": " + why + "."};
}

Status read_replicas(const Arguments& arguments, proto::ReplicaPolicy* policy) {
  const std::optional<std::string> word = arguments.value("replicas");
  if (!word) return {};
  const Result<std::uint64_t> count = parse_count(*word, 1, proto::kReplicasMax);
  if (!count.ok()) return refuse("replicas", count.status().message());
  policy->replicas = static_cast<std::uint32_t>(*count);
  return {};
}

Status read_accept(const Arguments& arguments, proto::ReplicaPolicy* policy) {
  const std::optional<std::string> word = arguments.value("accept");
  if (!word) return {};
  if (!policy->replicated()) {
    return refuse("accept", "there is one result of each task; ask for more with --replicas N");
  }
  std::vector<std::string> names;
  for (const AcceptRule rule : {AcceptRule::kFirst, AcceptRule::kQuorum, AcceptRule::kAll}) {
    names.emplace_back(proto::name_of(rule));
    if (*word == names.back()) policy->accept = rule;
  }
  if (*word != proto::name_of(policy->accept)) {
    return refuse("accept", "'" + *word + "' is not " + join_words(names, " or ") +
                                did_you_mean(*word, names));
  }
  return {};
}

/// Of however it was asked for.
Status check_majority(const Arguments& arguments, const proto::ReplicaPolicy& policy) {
  if (policy.accept != AcceptRule::kQuorum || policy.replicas >= 3) return {};
  return refuse(arguments.has("accept") ? "accept" : "gather",
                policy.replicas == 1
                    ? "one result has no majority; a quorum needs --replicas 3 or more"
                    : "of two results that differ neither is the majority; a quorum needs "
                      "--replicas 3 or more, and --accept all asks both of two to agree");
}

/// "p95", "p99.5"; or "2s".
Status read_hedge(const Arguments& arguments, proto::ReplicaPolicy* policy) {
  const std::optional<std::string> word = arguments.value("hedge-after");
  if (!word) return {};
  if (policy->replicated()) {
    return refuse("hedge-after",
                  "replicas all run at once, a hedge runs when the first attempt is slow; give "
                  "--replicas or --hedge-after");
  }
  if (arguments.has("no-speculation")) {
    return refuse("hedge-after", "--no-speculation forbids second attempts at slow tasks");
  }
  if (!word->starts_with('p')) {
    const Result<Duration> time = parse_duration(*word);
    if (!time.ok()) {
      return refuse("hedge-after", "'" + *word +
                                       "' is neither a percentile, such as p95, nor a "
                                       "time, such as 2s");
    }
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(*time).count();
    if (ms < 1) return refuse("hedge-after", *word + " is too short; 1ms is the least");
    policy->hedge_ms = static_cast<std::uint64_t>(ms);
    if (policy->hedge_ms > proto::kHedgeMsMost) {
      return refuse("hedge-after", *word + " is longer than a day");
    }
    return {};
  }
  double percentile = 0;
  const char* const end = word->data() + word->size();
  const auto [rest, error] = std::from_chars(word->data() + 1, end, percentile);
  if (error != std::errc() || rest != end || !(percentile >= 50) || percentile > 99.9) {
    return refuse("hedge-after", "'" + *word + "' is no percentile from p50 to p99.9");
  }
  policy->hedge_per_mille = static_cast<std::uint32_t>(std::lround(percentile * 10));
  return {};
}

}  // namespace

std::vector<Flag> replica_flags() {
  return {
      {"replicas", '\0', "N", "Run each task on N different workers at once. Default: 1.", false},
      {"accept", '\0', "first|quorum|all",
       "Of replicas: the first result, what a majority gives, or what all give. Default: first.",
       false},
      {"hedge-after", '\0', "pN|TIME",
       "A second attempt at what is slower than N per cent of its stage, such as p95, or than "
       "TIME.",
       false},
  };
}

Status read_replica_flags(const Arguments& arguments, JobRequest* request) {
  FANFOLD_RETURN_IF_ERROR(read_replicas(arguments, &request->replicas));
  FANFOLD_RETURN_IF_ERROR(read_accept(arguments, &request->replicas));
  FANFOLD_RETURN_IF_ERROR(check_majority(arguments, request->replicas));
  FANFOLD_RETURN_IF_ERROR(read_hedge(arguments, &request->replicas));
  if (request->replicas.replicated() && arguments.has("verify-sample")) {
    return refuse("verify-sample", "--replicas runs each task more than once already");
  }
  return {};
}

Result<std::optional<std::uint32_t>> workers_for(const proto::ReplicaPolicy& policy,
                                                 std::optional<std::uint32_t> workers) {
  const std::uint32_t needed = policy.hedges() ? 2 : policy.replicas;
  if (needed == 1) return workers;
  if (!workers) return std::optional<std::uint32_t>(std::max<std::uint32_t>(needed, 2));
  if (*workers >= needed) return workers;
  if (policy.hedges()) {
    return refuse("hedge-after", "a second attempt runs on a second worker, and --workers is 1");
  }
  return refuse("replicas",
                "each replica of a task runs on another worker: " + std::to_string(needed) +
                    " of them need as many workers, and "
                    "--workers is " +
                    std::to_string(*workers));
}

}  // namespace fanfold::cli
