// One invariant, or a few that are checked by the same observations.  A checker sees what happens
// (sim/world/witness.hpp) and says what must not have.  It never touches the cluster.

#pragma once

#include <optional>
#include <string>

#include "common/proto/messages.hpp"
#include "sim/check/fact_model.hpp"
#include "sim/cluster/cluster.hpp"
#include "sim/world/witness.hpp"

namespace fanfold::sim {

struct Violation {
  std::string invariant;  // "I1"
  std::string what;
  Instant when;
};

/// The first violation of a run.
class Verdict {
 public:
  explicit Verdict(const World& world) : world_(world) {}
  void violate(std::string invariant, std::string what) {
    if (!first_) first_ = Violation{std::move(invariant), std::move(what), world_.now()};
  }
  const std::optional<Violation>& first() const { return first_; }

 private:
  const World& world_;
  std::optional<Violation> first_;
};

/// What every checker may look at.
struct Scene {
  const World& world;
  Cluster* cluster = nullptr;  // Once it exists.
  FactModel facts;             // All that is durable.
  std::uint64_t epoch = 0;     // Of the newest master.
  Verdict verdict;
};

class Checker {
 public:
  explicit Checker(Scene& scene) : scene_(scene) {}
  virtual ~Checker() = default;
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

  /// Before scene().facts knows it.
  virtual void fact(const master::Fact& /*fact*/, std::uint64_t /*epoch*/) {}
  virtual void master_says(std::uint32_t /*to*/, const proto::MasterMessage& /*message*/) {}
  virtual void worker_hears(std::uint32_t /*process*/, const proto::MasterMessage& /*message*/) {}
  virtual void master_hears(std::uint32_t /*from*/, const proto::WorkerMessage& /*message*/) {}
  /// As it arrives.
  virtual void client_says(const proto::ClientMessage& /*message*/) {}
  virtual void client_is_told(const proto::ClientReply& /*reply*/) {}
  virtual void master_started(std::uint64_t /*epoch*/) {}
  virtual void master_ended() {}
  virtual void worker_started(std::uint32_t /*process*/, std::uint32_t /*slots*/) {}
  virtual void worker_ended(std::uint32_t /*process*/) {}
  virtual void attempt_started(std::uint32_t /*process*/,
                               const proto::TaskAssignment& /*assignment*/) {}
  virtual void attempt_ended(std::uint32_t /*process*/, AttemptId /*attempt*/, bool /*good*/) {}
  virtual void output_written(AttemptId /*writer*/, std::uint32_t /*partition*/,
                              std::uint64_t /*content*/) {}
  virtual void output_read(AttemptId /*reader*/, const proto::MapOutput& /*output*/,
                           std::uint64_t /*content*/) {}
  virtual void path_changed(const std::string& /*path*/) {}
  virtual void status_shown(const proto::JobStatus& /*status*/) {}
  /// After every step.  Cheap.
  virtual void step() {}
  /// After a run that came to rest.
  virtual void end() {}

 protected:
  Scene& scene() { return scene_; }
  const FactModel& facts() const { return scene_.facts; }
  void violate(const char* invariant, std::string what) {
    scene_.verdict.violate(invariant, std::move(what));
  }

 private:
  Scene& scene_;
};

/// The attempt that a worker has no more to do with, by what the master says: stopped, failed, or
/// over. Of a comparison no fact tells.
std::optional<AttemptId> let_go_by(const proto::MasterMessage& message);

/// A job that ended so has an output.
constexpr bool is_published(proto::JobState state) {
  return state == proto::JobState::kSucceeded || state == proto::JobState::kPartial;
}

std::string text_of(const TaskId& task);
inline std::string text_of(AttemptId attempt) {
  return "attempt " + std::to_string(attempt.value >> 40) + "." +
         std::to_string(attempt.value & ((std::uint64_t{1} << 40) - 1));
}
inline std::string text_of(JobId job) { return "job " + std::to_string(job.value); }

}  // namespace fanfold::sim
