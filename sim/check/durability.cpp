// I6: nothing that depends on a fact is said before the fact is durable.
// I10: only the newest master writes facts, and speaks.

#include <variant>

#include "sim/check/invariants.hpp"

namespace fanfold::sim {
namespace {

class Durability final : public Checker {
 public:
  using Checker::Checker;

  void fact(const master::Fact& /*fact*/, std::uint64_t epoch) override {
    if (epoch != scene().epoch) {
      violate("I10", "a master of epoch " + std::to_string(epoch) + " wrote a fact after epoch " +
                         std::to_string(scene().epoch) + " had begun");
    }
  }

  void master_says(std::uint32_t /*to*/, const proto::MasterMessage& message) override {
    if (const auto* welcome = std::get_if<proto::Welcome>(&message)) check_epoch(welcome->epoch);
    if (const auto* echo = std::get_if<proto::HeartbeatEcho>(&message)) check_epoch(echo->epoch);
    if (const auto* answer = std::get_if<proto::CommitAnswer>(&message)) {
      if (answer->granted && facts().commits.count(answer->attempt) == 0) {
        violate("I6", text_of(answer->attempt) + " was granted its commit, which is not recorded");
      }
    } else if (const auto* forget = std::get_if<proto::ForgetJob>(&message)) {
      const ModelJob* job = facts().find(forget->job);
      if (job == nullptr || !job->ended) {
        violate("I6", text_of(forget->job) + " is to be forgotten, and has no recorded end");
      }
    } else if (const auto* assign = std::get_if<proto::Assign>(&message)) {
      if (facts().find(assign->assignment.task.job) == nullptr) {
        violate("I6", text_of(assign->assignment.task) + " runs, and its job is not recorded");
      }
    }
  }

  void client_is_told(const proto::ClientReply& reply) override {
    if (const auto* told = std::get_if<proto::JobReply>(&reply)) {
      const ModelJob* job = facts().find(told->status.job);
      if (job == nullptr) return violate("I6", text_of(told->status.job) + " is not recorded");
      const proto::JobState state = told->status.state;
      if (state == proto::JobState::kPublishing && !job->publishing) {
        violate("I6", text_of(told->status.job) + " is said to publish, which is not recorded");
      }
      if (proto::is_final(state) && (!job->ended || job->ended->state != state)) {
        violate("I6", text_of(told->status.job) + " is said to have ended, which is not recorded");
      }
    } else if (const auto* answer = std::get_if<proto::Answer>(&reply)) {
      const bool accepted = answer->code == 0 && answer->job != JobId{};
      if (accepted && facts().find(answer->job) == nullptr) {
        violate("I6", text_of(answer->job) + " was accepted, which is not recorded");
      }
    }
  }

 private:
  void check_epoch(std::uint64_t epoch) {
    if (epoch == scene().epoch) return;
    violate("I10", "a master of epoch " + std::to_string(epoch) + " speaks after epoch " +
                       std::to_string(scene().epoch) + " had begun");
  }
};

}  // namespace

std::unique_ptr<Checker> check_durability(Scene& scene) {
  return std::make_unique<Durability>(scene);
}

}  // namespace fanfold::sim
