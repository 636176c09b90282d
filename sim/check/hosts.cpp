// I34: what lies on a host is read by workers of that host, and by no others; and a task waits in
// vain for a host only when none of its workers is there.

#include <map>
#include <string>
#include <variant>

#include "common/inputs/host_input.hpp"
#include "sim/check/invariants.hpp"
#include "sim/cluster/jobs.hpp"

namespace fanfold::sim {
namespace {

class Hosts final : public Checker {
 public:
  using Checker::Checker;

  void master_started(std::uint64_t /*epoch*/) override { present_.clear(); }

  void master_says(std::uint32_t to, const proto::MasterMessage& message) override {
    const auto* welcome = std::get_if<proto::Welcome>(&message);
    if (welcome != nullptr && to < kFirstOther) present_[welcome->worker] = to;
  }

  void master_hears(std::uint32_t /*from*/, const proto::WorkerMessage& message) override {
    if (const auto* bye = std::get_if<proto::Bye>(&message)) present_.erase(bye->worker);
    // It drains, and its Bye may be lost.
    if (const auto* failed = std::get_if<proto::AttemptFailed>(&message)) {
      if (failed->failure.kind == proto::FailureKind::kDrained) present_.erase(failed->worker);
    }
  }

  void fact(const master::Fact& fact, std::uint64_t /*epoch*/) override {
    if (const auto* gone = std::get_if<master::WorkerGone>(&fact)) present_.erase(gone->worker);
    if (const auto* ended = std::get_if<master::JobEnded>(&fact)) check_wait(ended->reason);
  }

  void attempt_started(std::uint32_t process, const proto::TaskAssignment& assignment) override {
    const std::string here = host_of_worker(scene().cluster->config(), process);
    for (const io::Piece& piece : assignment.split.pieces) {
      if (!inputs::is_host_input(piece.path)) continue;
      const std::string_view there = inputs::split_host_input(piece.path).host;
      if (there == here) continue;
      violate("I34", text_of(assignment.attempt) + " of " + text_of(assignment.task) +
                         " is to read " + piece.path + " on host " + here);
    }
  }

 private:
  /// Workers have smaller numbers than clients.
  static constexpr std::uint32_t kFirstOther = 1000;

  void check_wait(const std::string& reason) {
    constexpr std::string_view kBefore = " for a worker on host ";
    const std::size_t at = reason.find(kBefore);
    if (at == std::string::npos) return;
    const std::size_t begin = at + kBefore.size();
    const std::string host = reason.substr(begin, reason.find(',', begin) - begin);
    for (const auto& [worker, process] : present_) {
      if (host_of_worker(scene().cluster->config(), process) != host) continue;
      violate("I34", "worker " + std::to_string(worker.value) + " of host " + host +
                         " is there, and: " + reason);
    }
  }

  std::map<WorkerId, std::uint32_t> present_;  // By the newest master; with their processes.
};

}  // namespace

std::unique_ptr<Checker> check_hosts(Scene& scene) { return std::make_unique<Hosts>(scene); }

}  // namespace fanfold::sim
