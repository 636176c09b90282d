// I11: a worker runs no more than it has slots for, and a free slot does not stay free while
// something waits for it.  When all is over nothing runs, and the master thinks so too.

#include <map>
#include <variant>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

/// Fetching counts as waiting, and goes on as long as everything goes wrong: faults last 30 s at
/// most (sim/cluster/config.cpp), and what a clogged link held back arrives some time after that.
constexpr Duration kWaitMax = 45s;

class Slots final : public Checker {
 public:
  using Checker::Checker;

  void worker_started(std::uint32_t process, std::uint32_t slots) override {
    workers_[process] = {slots, 0, {}};
  }
  void worker_ended(std::uint32_t process) override { workers_.erase(process); }

  void attempt_started(std::uint32_t process, const proto::TaskAssignment& assignment) override {
    Worker& worker = workers_[process];
    if (++worker.running > worker.slots) {
      violate("I11", "worker " + std::to_string(process) + " runs more than its " +
                         std::to_string(worker.slots) + " slots hold");
    }
    worker.waiting_since.erase(assignment.attempt);
  }
  void attempt_ended(std::uint32_t process, AttemptId /*attempt*/, bool /*good*/) override {
    --workers_[process].running;
  }

  void master_says(std::uint32_t /*to*/, const proto::MasterMessage& message) override {
    const auto* assign = std::get_if<proto::Assign>(&message);
    if (assign != nullptr) jobs_[assign->assignment.attempt] = assign->assignment.task.job;
  }
  void worker_hears(std::uint32_t /*process*/, const proto::MasterMessage& message) override {
    const auto* page = std::get_if<proto::ListPage>(&message);
    if (page == nullptr) return;
    std::erase_if(starved_, [page](const auto& one) { return one.second == page->job; });
  }

  void master_hears(std::uint32_t from, const proto::WorkerMessage& message) override {
    if (const auto* lost = std::get_if<proto::InputsWanted>(&message)) {
      starved_[lost->attempt] = jobs_[lost->attempt];
      return;
    }
    const auto* heartbeat = std::get_if<proto::Heartbeat>(&message);
    const auto known = workers_.find(from);
    if (heartbeat == nullptr || known == workers_.end()) return;
    Worker& worker = known->second;
    std::map<AttemptId, Instant> waiting;
    if (worker.running < worker.slots) {
      for (const proto::AttemptProgress& progress : heartbeat->attempts) {
        // What waits for a map that runs again waits for that, not for the slot (see L4).
        if (progress.running || starved_.count(progress.attempt) > 0) continue;
        const auto since = worker.waiting_since.find(progress.attempt);
        waiting[progress.attempt] =
            since == worker.waiting_since.end() ? scene().world.now() : since->second;
        if (scene().world.now() - waiting[progress.attempt] > kWaitMax) {
          violate("I11", "worker " + std::to_string(from) + " has a free slot, and " +
                             text_of(progress.attempt) + " waits");
        }
      }
    }
    worker.waiting_since = std::move(waiting);
  }

  void end() override {
    for (const auto& [process, worker] : workers_) {
      if (worker.running > 0) {
        violate("I11", "worker " + std::to_string(process) + " still runs something");
      }
    }
    for (const auto& client : scene().cluster->clients()) {
      for (const proto::WorkerStatus& worker : client->workers_at_rest()) {
        if (worker.busy > 0) {
          violate("I11", "the master thinks that " + worker.name + " is busy when all is over");
        }
      }
    }
  }

 private:
  struct Worker {
    std::uint32_t slots = 0;
    std::uint32_t running = 0;
    std::map<AttemptId, Instant> waiting_since;  // Beside a free slot.
  };
  std::map<std::uint32_t, Worker> workers_;
  std::map<AttemptId, JobId> jobs_;     // Of attempts that were given out.
  std::map<AttemptId, JobId> starved_;  // Attempts that wait for map outputs.
};

}  // namespace

std::unique_ptr<Checker> check_slots(Scene& scene) { return std::make_unique<Slots>(scene); }

}  // namespace fanfold::sim
