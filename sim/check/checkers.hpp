// All checkers together: the witness of a run.

#pragma once

#include <memory>
#include <vector>

#include "sim/check/checker.hpp"

namespace fanfold::sim {

class Checkers final : public Witness {
 public:
  explicit Checkers(const World& world);

  void watch(Cluster& cluster) { scene_.cluster = &cluster; }
  const std::optional<Violation>& violation() const { return scene_.verdict.first(); }
  /// False: something was violated.
  bool step();
  void end(Cluster::Ending ending);
  /// The product itself noticed that something is wrong.
  void broke_off(const std::string& why) { scene_.verdict.violate("CHECK", why); }

  void facts_stored(std::span<const master::Fact> facts, std::uint64_t epoch) override;
  void frame_sent(std::uint32_t from, std::uint32_t to, std::string_view frame) override;
  void frame_arrived(std::uint32_t from, std::uint32_t to, std::string_view frame) override;
  void master_started(std::uint64_t epoch) override;
  void master_ended() override;
  void master_refused(const std::string& why) override;
  void worker_started(std::uint32_t process, std::uint32_t slots) override;
  void worker_ended(std::uint32_t process) override;
  void attempt_started(std::uint32_t process, const proto::TaskAssignment& assignment) override;
  void attempt_ended(std::uint32_t process, AttemptId attempt, bool succeeded) override;
  void output_written(AttemptId writer, std::uint32_t partition, std::uint64_t content) override;
  void output_read(AttemptId reader, const proto::MapOutput& output,
                   std::uint64_t content) override;
  void path_changed(const std::string& path) override;
  void status_shown(const proto::JobStatus& status) override;

 private:
  Scene scene_;
  std::vector<std::unique_ptr<Checker>> checkers_;
};

}  // namespace fanfold::sim
