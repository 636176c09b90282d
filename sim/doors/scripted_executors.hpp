// The executors of a simulated worker: attempts take simulated time, then do their work in one step
// on the simulated disk, or fail as their script says.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "sim/doors/disk_view.hpp"
#include "sim/doors/task_work.hpp"
#include "sim/world/process.hpp"
#include "worker/service/executors.hpp"

namespace fanfold::sim {

/// What a record does to the task that maps it.
enum class Harm : std::uint8_t { kThrow = 0, kCrash = 1, kHang = 2 };
using Poison = std::map<std::uint64_t, Harm>;  // By number.

struct ExecutorOptions {
  Duration task_min{};
  Duration task_max{};
  TaskOptions work;
  Poison poison;
  std::uint32_t slow_per_cent = 0;  // How much slower than others this worker is.
};

class ScriptedExecutors final : public worker::Executors {
 public:
  ScriptedExecutors(Process& owner, World& world, DiskView& files, const ExecutorOptions& options)
      : owner_(owner), world_(world), files_(files), options_(options) {}

  void start(Instant now, worker::ExecutorTask task) override;
  void kill(Instant now, AttemptId attempt, proto::FailureKind kind) override;
  Result<std::vector<worker::AttemptEnded>> take_ended(Instant now) override;
  bool has_ended() const override { return !ended_.empty(); }
  std::optional<Instant> next_deadline() const override { return std::nullopt; }
  worker::ProgressSeen progress() const override;
  /// Its tasks write nothing.
  worker::AttemptLog::Part output(AttemptId /*attempt*/, std::uint64_t /*offset*/,
                                  std::size_t /*bytes_max*/) const override {
    return {};
  }

  std::size_t running() const { return running_.size(); }
  /// The worker died: so did they.
  void die();

 private:
  struct Running {
    worker::ExecutorTask task;
    Instant started;
    bool hangs = false;
    bool killed = false;
    std::vector<worker::BadRecord> bad;      // Passed over, or thrown on.
    std::optional<worker::BadRecord> fatal;  // The record that ends it.
  };

  Fault fault(FaultKind kind, const proto::TaskAssignment& assignment) const;
  /// What the records of its split do to it.
  void meet_poison(Running* running) const;
  void plan_end(AttemptId attempt, Duration time);
  void end(AttemptId attempt);
  worker::AttemptEnded work(const Running& running);

  Process& owner_;
  World& world_;
  DiskView& files_;
  const ExecutorOptions options_;
  std::map<AttemptId, Running> running_;
  std::vector<worker::AttemptEnded> ended_;
  std::shared_ptr<int> life_ = std::make_shared<int>(0);
};

}  // namespace fanfold::sim
