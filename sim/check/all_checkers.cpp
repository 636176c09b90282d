#include "sim/check/invariants.hpp"

namespace fanfold::sim {

std::vector<std::unique_ptr<Checker>> all_checkers(Scene& scene) {
  std::vector<std::unique_ptr<Checker>> all;
  for (const auto make :
       {check_commits,  check_records,     check_durability, check_fencing,    check_reads,
        check_contents, check_publication, check_slots,      check_attempts,   check_status,
        check_recovery, check_endings,     check_cleanup,    check_cancelling, check_fairness,
        check_memory,   check_exclusion,   check_unreadable, check_completion, check_bad_records,
        check_control,  check_tolerance,   check_gathering,  check_replicas,   check_feeding,
        check_hosts,    check_states,      check_locality,   check_sharing}) {
    all.push_back(make(scene));
  }
  return all;
}

}  // namespace fanfold::sim
