// Who checks what.  Each lives in a file of its own; docs/simulation.md has the list.

#pragma once

#include <memory>
#include <vector>

#include "sim/check/checker.hpp"

namespace fanfold::sim {

std::unique_ptr<Checker> check_commits(Scene& scene);  // I1, I12, I20
std::unique_ptr<Checker> check_records(Scene& scene);  // I2, I18

std::vector<std::unique_ptr<Checker>> all_checkers(Scene& scene);

}  // namespace fanfold::sim
