// I2: the output of a job that succeeded holds each record of its input exactly once.
// I18: the counts that the job reports agree with it.

#include <algorithm>

#include "common/io/manifest.hpp"
#include "sim/check/invariants.hpp"
#include "sim/doors/task_work.hpp"

namespace fanfold::sim {
namespace {

class Records final : public Checker {
 public:
  using Checker::Checker;

  void end() override {
    for (const auto& client : scene().cluster->clients()) {
      if (client->end() && client->end()->state == proto::JobState::kSucceeded) check(*client);
    }
  }

 private:
  void check(const ClientNode& client) {
    const JobPlan& plan = client.plan();
    std::vector<std::uint64_t> found;
    Disks& disks = scene().cluster->disks();
    for (const std::string& path : disks.below(plan.spec.output)) {
      const Disks::Entry* entry = disks.find(path);
      if (entry->directory || path.ends_with(io::kManifestName)) continue;
      const std::vector<std::uint64_t> some = numbers_in(entry->file->bytes);
      found.insert(found.end(), some.begin(), some.end());
    }
    std::sort(found.begin(), found.end());
    if (found != plan.numbers) {
      violate("I2", plan.spec.job_name + " has " + std::to_string(found.size()) +
                        " records in its output, and should have " +
                        std::to_string(plan.numbers.size()) +
                        (found.size() == plan.numbers.size() ? ", and others" : ""));
    }
    for (const proto::StageStatus& stage : client.end()->stages) {
      if (stage.stage == Stage::kSample) continue;
      if (stage.records_in != plan.numbers.size()) {
        violate("I18", plan.spec.job_name + " counted " + std::to_string(stage.records_in) +
                           " records into a stage, of " + std::to_string(plan.numbers.size()));
      }
    }
  }
};

}  // namespace

std::unique_ptr<Checker> check_records(Scene& scene) { return std::make_unique<Records>(scene); }

}  // namespace fanfold::sim
