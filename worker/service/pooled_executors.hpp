// The production side of Executors: processes of an ExecutorPool, stacks found beside the loop.

#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "common/security/plugin_list.hpp"
#include "worker/isolation/executor_pool.hpp"
#include "worker/service/executors.hpp"
#include "worker/service/stack_finder.hpp"

namespace fanfold::worker {

class PooledExecutors final : public Executors {
 public:
  /// `zygote` outlives it.  Attempts of a plugin that is not in `plugins` fail; nullopt: any may
  /// run.
  PooledExecutors(Zygote& zygote, std::uint32_t executors_max, std::unique_ptr<StackFinder> stacks,
                  std::optional<security::PluginList> plugins)
      : stacks_(std::move(stacks)), plugins_(std::move(plugins)), pool_(zygote, executors_max) {}

  void start(Instant now, ExecutorTask task) override;
  void kill(Instant now, AttemptId attempt, proto::FailureKind kind) override {
    pool_.kill(now, attempt, kind);
  }
  Result<std::vector<AttemptEnded>> take_ended(Instant now) override;
  bool has_ended() const override { return pool_.has_results() || !refused_.empty(); }
  std::optional<Instant> next_deadline() const override { return pool_.next_deadline(); }
  std::vector<FileWanted> take_wanted() override { return pool_.take_wanted(); }
  void bring(const FileBrought& brought) override { pool_.bring(brought); }
  void note_waiting(AttemptId attempt) override { pool_.note_waiting(attempt); }
  ProgressSeen progress() const override;
  AttemptLog::Part output(AttemptId attempt, std::uint64_t offset,
                          std::size_t bytes_max) const override {
    return pool_.output(attempt, offset, bytes_max);
  }

  /// Readable when take_ended() has something to do.
  std::vector<int> descriptors() const;
  /// True when descriptors() differs from the last time this was asked.
  bool descriptors_changed() { return pool_.descriptors_changed(); }

 private:
  std::unique_ptr<StackFinder> stacks_;
  const std::optional<security::PluginList> plugins_;
  std::vector<AttemptResult> refused_;
  ExecutorPool pool_;
};

}  // namespace fanfold::worker
