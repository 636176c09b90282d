// I16: a committed map output is not deleted while its job may still need it; when all is over no
// staging directory is left beside the outputs, and a worker that heard that a job is over has
// nothing of it.

#include <variant>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

class Cleanup final : public Checker {
 public:
  using Checker::Checker;

  void worker_started(std::uint32_t process, std::uint32_t /*slots*/) override {
    up_.insert(process);
  }
  void worker_ended(std::uint32_t process) override {
    up_.erase(process);
    forgotten_.erase(process);
  }

  void worker_hears(std::uint32_t process, const proto::MasterMessage& message) override {
    if (const auto* forget = std::get_if<proto::ForgetJob>(&message)) {
      forgotten_[process].insert(forget->job);
    }
    const auto* cancel = std::get_if<proto::CancelAttempt>(&message);
    if (cancel == nullptr) return;
    // A worker drops what it is told to drop: the order itself must be right.
    const auto task = facts().commits.find(cancel->attempt);
    if (task == facts().commits.end() || task->second.stage != Stage::kMap) return;
    const ModelTask* map = facts().find(task->second);
    const ModelJob* job = facts().find(task->second.job);
    if (map->committed == cancel->attempt && !job->ended && !job->publishing) {
      violate("I16", "worker " + std::to_string(process) + " was told to drop the output of " +
                         text_of(task->second) + ", which is committed");
    }
  }

  void end() override {
    for (const std::string& name : scene().cluster->disks().children("/shared/out")) {
      if (name.ends_with("-fed") && may_stay(name)) continue;
      if (name.find(".fanfold-") != std::string::npos && !excused()) {
        violate("I16", "/shared/out/" + name + " is left behind");
      }
    }
    for (const auto& worker : scene().cluster->workers()) {
      for (const JobId job : forgotten_[worker->index()]) expect_nothing(worker->disk(), job);
    }
  }

 private:
  void expect_nothing(const std::string& disk, JobId job) {
    const Disks& disks = scene().cluster->disks();
    for (const std::string& name : disks.children(disk)) {
      const std::string path = disk + "/" + name + "/" + std::to_string(job.value);
      if (disks.find(path) != nullptr && !excused()) violate("I16", path + " is left behind");
    }
  }

  /// What a job was fed that has not ended well.
  bool may_stay(const std::string& name) {
    for (const auto& client : scene().cluster->clients()) {
      if (!name.starts_with("." + client->plan().spec.job_name + ".")) continue;
      return !client->end() || client->end()->state != proto::JobState::kSucceeded;
    }
    return false;
  }

  /// Removing may itself meet a broken disk or a dying master, which a person is told of.
  bool excused() {
    static const std::set<FaultKind> kExcuses = {FaultKind::kDiskError,
                                                 FaultKind::kCrash,
                                                 FaultKind::kPowerLoss,
                                                 FaultKind::kStoreError,
                                                 FaultKind::kCrashBeforeAppend,
                                                 FaultKind::kCrashAfterAppend,
                                                 FaultKind::kCrashInSideWork,
                                                 FaultKind::kTakeover,
                                                 FaultKind::kFactRot};
    for (const Fault& fault : scene().world.faults.tape()) {
      if (kExcuses.count(fault.kind) > 0) return true;
    }
    return false;
  }

  std::set<std::uint32_t> up_;
  std::map<std::uint32_t, std::set<JobId>> forgotten_;  // By worker, in this life.
};

}  // namespace

std::unique_ptr<Checker> check_cleanup(Scene& scene) { return std::make_unique<Cleanup>(scene); }

}  // namespace fanfold::sim
