#include "master/service/replication.hpp"

#include <string>

namespace fanfold::master {
namespace {

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

Status check_hedge(const proto::JobSpec& spec) {
  const proto::ReplicaPolicy& policy = spec.replicas;
  if (policy.hedge_per_mille != 0 && policy.hedge_ms != 0) {
    return refuse("a job hedges after a percentile or after a time, not after both");
  }
  if (policy.hedge_per_mille != 0 && (policy.hedge_per_mille < proto::kHedgePerMilleLeast ||
                                      policy.hedge_per_mille > proto::kHedgePerMilleMost)) {
    return refuse("a hedge after the percentile " + std::to_string(policy.hedge_per_mille / 10) +
                  ": it is 50 to 99.9");
  }
  if (policy.hedge_ms > proto::kHedgeMsMost) return refuse("a hedge after more than a day");
  if (policy.replicated()) {
    return refuse(
        "replicas all run at once, and a hedge runs when the first attempt is slow: a job has one "
        "or the other");
  }
  if (!spec.speculate) return refuse("without speculation there are no hedges");
  return {};
}

}  // namespace

Status check_replicas(const proto::JobSpec& spec) {
  const proto::ReplicaPolicy& policy = spec.replicas;
  if (policy.replicas == 0 || policy.replicas > proto::kReplicasMax) {
    return refuse(std::to_string(policy.replicas) + " replicas of each task: it is 1 to " +
                  std::to_string(proto::kReplicasMax));
  }
  if (policy.hedges()) FANFOLD_RETURN_IF_ERROR(check_hedge(spec));
  if (!policy.replicated()) {
    if (policy.accept == proto::AcceptRule::kFirst) return {};
    return refuse("one attempt has nothing to be compared with: accept " +
                  std::string(proto::name_of(policy.accept)) + " needs replicas");
  }
  if (policy.accept == proto::AcceptRule::kQuorum && policy.replicas < 3) {
    return refuse(
        "of two replicas that differ neither is the majority: a quorum needs 3 or more, and all of "
        "2 can be asked to agree");
  }
  if (spec.verify_per_million != 0) {
    return refuse("replicas of a job are compared already: leave out the sample to verify");
  }
  if (spec.items != 0) {
    return refuse("the items of a Map may have effects elsewhere, so they do not run as replicas");
  }
  return {};
}

}  // namespace fanfold::master
