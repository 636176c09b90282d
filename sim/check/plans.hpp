// For checkers that compare what a job does with what its records were made to be.

#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "sim/check/checker.hpp"

namespace fanfold::sim {

class PlanChecker : public Checker {
 public:
  using Checker::Checker;

  void attempt_started(std::uint32_t /*process*/,
                       const proto::TaskAssignment& assignment) override {
    names_[assignment.task.job] = assignment.spec.job_name;
  }

 protected:
  /// Null before anything of the job has run.
  const JobPlan* plan_of(JobId job) {
    for (const JobPlan& plan : scene().cluster->jobs()) {
      if (plan.spec.job_name == names_[job]) return &plan;
    }
    return nullptr;
  }
  /// Each split holds as many records as the last one at most, in order.
  std::uint64_t split_of(const JobPlan& plan, std::uint64_t number) {
    return (number - plan.numbers.front()) / scene().cluster->config().records;
  }

 private:
  std::map<JobId, std::string> names_;
};

}  // namespace fanfold::sim
