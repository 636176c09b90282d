// Who looks on: every observable effect of the simulated cluster is told here, as it happens.  The
// checkers (sim/check) are the witnesses; a simulated door that adds an effect tells it here too.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/core/ids.hpp"
#include "common/core/time.hpp"
#include "common/proto/types.hpp"
#include "master/store/store.hpp"

namespace fanfold::sim {

class Witness {
 public:
  virtual ~Witness() = default;

  /// They are durable from now on, in this order.
  virtual void facts_stored(std::span<const master::Fact> facts, std::uint64_t epoch) = 0;
  /// A frame leaves `from`; it may never arrive.
  virtual void frame_sent(std::uint32_t from, std::uint32_t to, std::string_view frame) = 0;
  virtual void frame_arrived(std::uint32_t from, std::uint32_t to, std::string_view frame) = 0;
  virtual void master_started(std::uint64_t epoch) = 0;
  virtual void master_ended() = 0;
  /// It could not go on from what is stored.
  virtual void master_refused(const std::string& why) = 0;
  virtual void worker_started(std::uint32_t process, std::uint32_t slots) = 0;
  virtual void worker_ended(std::uint32_t process) = 0;
  /// An executor took the attempt up, or let go of it.
  virtual void attempt_started(std::uint32_t process, const proto::TaskAssignment& assignment) = 0;
  virtual void attempt_ended(std::uint32_t process, AttemptId attempt, bool succeeded) = 0;
  /// A map attempt wrote this for a partition.
  virtual void output_written(AttemptId writer, std::uint32_t partition, std::uint64_t content) = 0;
  /// A reduce attempt read this output of a map.
  virtual void output_read(AttemptId reader, const proto::MapOutput& output,
                           std::uint64_t content) = 0;
  /// Something at or below the path appeared, changed or vanished.
  virtual void path_changed(const std::string& path) = 0;
  /// What a client was told.
  virtual void status_shown(const proto::JobStatus& status) = 0;
};

/// Nobody looks on.
class NoWitness final : public Witness {
 public:
  void facts_stored(std::span<const master::Fact> /*facts*/, std::uint64_t /*epoch*/) override {}
  void frame_sent(std::uint32_t /*from*/, std::uint32_t /*to*/,
                  std::string_view /*frame*/) override {}
  void frame_arrived(std::uint32_t /*from*/, std::uint32_t /*to*/,
                     std::string_view /*frame*/) override {}
  void master_started(std::uint64_t /*epoch*/) override {}
  void master_ended() override {}
  void master_refused(const std::string& /*why*/) override {}
  void worker_started(std::uint32_t /*process*/, std::uint32_t /*slots*/) override {}
  void worker_ended(std::uint32_t /*process*/) override {}
  void attempt_started(std::uint32_t /*process*/,
                       const proto::TaskAssignment& /*assignment*/) override {}
  void attempt_ended(std::uint32_t /*process*/, AttemptId /*attempt*/,
                     bool /*succeeded*/) override {}
  void output_written(AttemptId /*writer*/, std::uint32_t /*partition*/,
                      std::uint64_t /*content*/) override {}
  void output_read(AttemptId /*reader*/, const proto::MapOutput& /*output*/,
                   std::uint64_t /*content*/) override {}
  void path_changed(const std::string& /*path*/) override {}
  void status_shown(const proto::JobStatus& /*status*/) override {}
};

}  // namespace fanfold::sim
