// One failed attempt, run once more from its capsule: the same split, options and attempt number,
// by the same task code, with the output thrown away.  First everything is looked at that would
// make it another attempt than the one that failed.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/proto/stored.hpp"
#include "worker/exec/run_task.hpp"

namespace fanfold::cli {

struct ReplayOptions {
  std::string plugin;   // Instead of the one that failed; empty: that one.
  std::string scratch;  // A private directory, for what the attempt writes.
};

class Replay {
 public:
  /// kInvalidArgument: the plugin, an input, a side file or a map output is not there (any more),
  /// or not what it was; the message names all of them and says what can be done.
  static Result<Replay> prepare(io::FileSystem& files, proto::Capsule capsule,
                                const ReplayOptions& options);

  /// The plugin is another one than the one that failed.
  bool plugin_differs() const { return plugin_differs_; }
  const proto::TaskAssignment& assignment() const { return capsule_.assignment; }
  const std::string& plugin() const { return capsule_.assignment.spec.plugin.path; }

  struct RunOptions {
    abi::ProgressSlot* progress = nullptr;  // May be left out.
    bool stop_at_record = false;            // fanfold_replay_stop() is called.
  };
  /// In this process: user code that crashes takes it along.
  worker::RunOutcome run(const RunOptions& options) const;

 private:
  Replay(io::FileSystem& files, proto::Capsule capsule)
      : files_(files), capsule_(std::move(capsule)) {}

  Status check_plugin(const std::string& other);
  Status check_inputs() const;
  Status find_outputs();

  io::FileSystem& files_;
  proto::Capsule capsule_;
  bool plugin_differs_ = false;
  std::string scratch_;
  worker::SegmentList segments_;  // Reduce.
};

}  // namespace fanfold::cli
