// I7: a scheduler that is told all facts agrees with the model about what is done, whenever it is
// asked: at each start of a master, and at the end.  No master starts with damaged facts.

#include "master/scheduler/scheduler.hpp"
#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

class Recovery final : public Checker {
 public:
  using Checker::Checker;

  void master_started(std::uint64_t epoch) override {
    if (scene().cluster != nullptr && scene().cluster->log().damaged()) {
      violate("I7", "the master of epoch " + std::to_string(epoch) +
                        " started although what is stored is damaged");
    }
    check_replay();
  }
  void end() override { check_replay(); }

 private:
  void check_replay() {
    if (scene().cluster == nullptr) return;
    master::Scheduler replayed({.worker_silence_max = 10s, .epoch = scene().epoch + 1});
    for (const master::Fact& fact : scene().cluster->log().facts()) {
      replayed.restore(fact);
    }
    for (const auto& [id, job] : facts().jobs) compare(replayed, id, job);
  }

  void compare(const master::Scheduler& replayed, JobId id, const ModelJob& job) {
    const std::optional<proto::JobStatus> status = replayed.job_status(id, Instant{});
    if (!status) return violate("I7", text_of(id) + " is not there after a replay");
    const bool ended = proto::is_final(status->state);
    if (ended != job.ended.has_value() || (ended && job.ended->state != status->state)) {
      violate("I7", text_of(id) + " is " + proto::name_of(status->state) + " after a replay");
    }
    if (!ended && job.publishing != (status->state == proto::JobState::kPublishing)) {
      violate("I7", text_of(id) + " is " + proto::name_of(status->state) + " after a replay");
    }
    const proto::CompletionStatus& completion = status->completion;
    if (completion.decided != job.decided.has_value() ||
        completion.maps_failed != job.given_up.size() ||
        (job.decided && completion.maps - completion.maps_failed - completion.maps_dropped !=
                            job.covered.size())) {
      violate("I7", text_of(id) + " covers other maps after a replay");
    }
    if (!ended && status->replicas.dissents != job.dissents) {
      violate("I7", text_of(id) + " has other dissenters after a replay");
    }
    std::uint32_t failures = 0;
    for (const auto& [task, state] : job.tasks) failures += state.failures;
    if (status->failed_attempts != failures) {
      violate("I7", text_of(id) + " has " + std::to_string(status->failed_attempts) +
                        " failures after a replay, and had " + std::to_string(failures));
    }
    for (const proto::StageStatus& stage : status->stages) {
      if (stage.done != job.committed(stage.stage)) {
        violate("I7", text_of(id) + " has " + std::to_string(stage.done) +
                          " tasks done after a replay, and had " +
                          std::to_string(job.committed(stage.stage)));
      }
    }
  }
};

}  // namespace

std::unique_ptr<Checker> check_recovery(Scene& scene) { return std::make_unique<Recovery>(scene); }

}  // namespace fanfold::sim
