// I5: an output path is absent or holds exactly what its manifest says, and is absent before the
// publication was recorded.  A job that succeeded has its output.
// I21: a job that was cancelled or failed before it published has none.

#include <variant>

#include "common/io/manifest.hpp"
#include "fanfold/hash.hpp"
#include "sim/check/invariants.hpp"
#include "sim/doors/disk_view.hpp"

namespace fanfold::sim {
namespace {

class Publication final : public Checker {
 public:
  using Checker::Checker;

  void path_changed(const std::string& path) override {
    if (scene().cluster == nullptr || path.find("/shared/out/job-") != 0) return;
    // Once a step, however often it changed within.
    changed_ = true;
  }

  void step() override {
    if (!std::exchange(changed_, false)) return;
    for (const JobPlan& plan : scene().cluster->jobs()) check_output(plan);
  }

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    const auto* ended = std::get_if<master::JobEnded>(&fact);
    if (ended == nullptr || !is_published(ended->state)) return;
    const ModelJob* job = facts().find(ended->job);
    if (job == nullptr || !job->publishing) {
      violate("I5", text_of(ended->job) + " succeeded without having published");
    }
    const JobPlan* plan = plan_of(ended->job);
    if (plan != nullptr && !exists(plan->spec.output)) {
      violate("I5", text_of(ended->job) + " succeeded, and its output is not there");
    }
  }

  void client_is_told(const proto::ClientReply& reply) override {
    const auto* told = std::get_if<proto::JobReply>(&reply);
    if (told == nullptr) return;
    names_[told->status.job_name] = told->status.job;
  }

  void master_says(std::uint32_t /*to*/, const proto::MasterMessage& message) override {
    const auto* assign = std::get_if<proto::Assign>(&message);
    if (assign == nullptr) return;
    names_[assign->assignment.spec.job_name] = assign->assignment.task.job;
  }

  void end() override {
    for (const auto& client : scene().cluster->clients()) {
      if (!client->end()) continue;
      const proto::JobState state = client->end()->state;
      const ModelJob* job = facts().find(client->end()->job);
      const bool there = exists(client->plan().spec.output);
      if (is_published(state) && !there) {
        violate("I5", client->plan().spec.job_name + " succeeded, and its output is gone");
      }
      if (state == proto::JobState::kCancelled && there) {
        violate("I21", client->plan().spec.job_name + " was cancelled, and has an output");
      }
      if (state == proto::JobState::kFailed && there && job != nullptr && !job->publishing) {
        violate("I5", client->plan().spec.job_name + " failed early, and has an output");
      }
    }
  }

 private:
  bool exists(const std::string& path) const {
    return scene_cluster().disks().find(path) != nullptr;
  }
  Cluster& scene_cluster() const { return *const_cast<Publication*>(this)->scene().cluster; }

  const JobPlan* plan_of(JobId job) {
    for (const JobPlan& plan : scene().cluster->jobs()) {
      const auto known = names_.find(plan.spec.job_name);
      if (known != names_.end() && known->second == job) return &plan;
    }
    return nullptr;
  }

  void check_output(const JobPlan& plan) {
    const std::string& output = plan.spec.output;
    Disks& disks = scene().cluster->disks();
    if (disks.find(output) == nullptr) return;
    const auto named = names_.find(plan.spec.job_name);
    if (named != names_.end()) {
      const ModelJob* job = facts().find(named->second);
      if (job == nullptr || !job->publishing) {
        violate("I5", output + " appeared before its publication was recorded");
      }
    }
    const Disks::Entry* manifest = disks.find(output + "/" + io::kManifestName);
    if (manifest == nullptr) manifest = disks.find(output + "/" + io::kPartialManifestName);
    if (manifest == nullptr) return violate("I5", output + " is there without a manifest");
    const auto parsed = io::parse_manifest(manifest->file->bytes);
    if (!parsed.ok()) return violate("I5", output + ": " + parsed.status().message());
    if (disks.children(output).size() != parsed->files.size() + 1) {
      violate("I5", output + " does not hold the files that its manifest lists");
    }
    for (const io::PartInfo& info : parsed->files) {
      const Disks::Entry* file = disks.find(output + "/" + info.name);
      if (file == nullptr || file->file->bytes.size() != info.bytes ||
          hash(file->file->bytes) != info.checksum) {
        violate("I5", output + "/" + info.name + " is not what the manifest says");
      }
    }
  }

  bool changed_ = false;
  std::map<std::string, JobId> names_;
};

}  // namespace

std::unique_ptr<Checker> check_publication(Scene& scene) {
  return std::make_unique<Publication>(scene);
}

}  // namespace fanfold::sim
