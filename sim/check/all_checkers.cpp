#include "sim/check/invariants.hpp"

namespace fanfold::sim {

std::vector<std::unique_ptr<Checker>> all_checkers(Scene& scene) {
  std::vector<std::unique_ptr<Checker>> all;
  for (const auto make : {check_commits, check_records}) all.push_back(make(scene));
  return all;
}

}  // namespace fanfold::sim
