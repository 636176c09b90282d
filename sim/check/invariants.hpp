// Who checks what.  Each lives in a file of its own; docs/simulation.md has the list.

#pragma once

#include <memory>
#include <vector>

#include "sim/check/checker.hpp"

namespace fanfold::sim {

std::unique_ptr<Checker> check_commits(Scene& scene);      // I1, I12, I20
std::unique_ptr<Checker> check_records(Scene& scene);      // I2, I18
std::unique_ptr<Checker> check_durability(Scene& scene);   // I6, I10
std::unique_ptr<Checker> check_fencing(Scene& scene);      // I9
std::unique_ptr<Checker> check_reads(Scene& scene);        // I3, I4
std::unique_ptr<Checker> check_contents(Scene& scene);     // I19
std::unique_ptr<Checker> check_publication(Scene& scene);  // I5, I21
std::unique_ptr<Checker> check_slots(Scene& scene);        // I11
std::unique_ptr<Checker> check_attempts(Scene& scene);     // I12, I13, L2, L3, L5
std::unique_ptr<Checker> check_status(Scene& scene);       // I8, L8
std::unique_ptr<Checker> check_recovery(Scene& scene);     // I7
std::unique_ptr<Checker> check_endings(Scene& scene);      // L1, L7
std::unique_ptr<Checker> check_cleanup(Scene& scene);      // I16
std::unique_ptr<Checker> check_cancelling(Scene& scene);   // L6
std::unique_ptr<Checker> check_fairness(Scene& scene);     // I22
std::unique_ptr<Checker> check_memory(Scene& scene);       // I17
std::unique_ptr<Checker> check_exclusion(Scene& scene);    // I15
std::unique_ptr<Checker> check_unreadable(Scene& scene);   // L4
std::unique_ptr<Checker> check_completion(Scene& scene);   // I24, I25, I26, L9
std::unique_ptr<Checker> check_bad_records(Scene& scene);  // I14
std::unique_ptr<Checker> check_control(Scene& scene);      // I27
std::unique_ptr<Checker> check_tolerance(Scene& scene);    // I28
std::unique_ptr<Checker> check_gathering(Scene& scene);    // I32, L3
std::unique_ptr<Checker> check_replicas(Scene& scene);     // I29, I30, I31
std::unique_ptr<Checker> check_feeding(Scene& scene);      // I33
std::unique_ptr<Checker> check_hosts(Scene& scene);        // I34
std::unique_ptr<Checker> check_states(Scene& scene);       // I35
std::unique_ptr<Checker> check_locality(Scene& scene);     // I36
std::unique_ptr<Checker> check_sharing(Scene& scene);      // I37

std::vector<std::unique_ptr<Checker>> all_checkers(Scene& scene);

}  // namespace fanfold::sim
