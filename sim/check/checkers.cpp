#include "sim/check/checkers.hpp"

#include "sim/check/invariants.hpp"

namespace fanfold::sim {

std::string text_of(const TaskId& task) {
  return text_of(task.job) + " " + name_of(task.stage) + " " + std::to_string(task.index);
}

std::optional<AttemptId> let_go_by(const proto::MasterMessage& message) {
  if (const auto* cancel = std::get_if<proto::CancelAttempt>(&message)) return cancel->attempt;
  if (const auto* noted = std::get_if<proto::FailureNoted>(&message)) return noted->attempt;
  if (const auto* answer = std::get_if<proto::CommitAnswer>(&message)) return answer->attempt;
  return std::nullopt;
}

Checkers::Checkers(const World& world)
    : scene_{world, nullptr, {}, 0, Verdict(world)}, checkers_(all_checkers(scene_)) {}

bool Checkers::step() {
  for (const auto& checker : checkers_) checker->step();
  return !violation();
}

void Checkers::end(Cluster::Ending ending) {
  if (violation()) return;
  if (ending == Cluster::Ending::kOutOfTime) {
    scene_.verdict.violate("L1", "a job did not end in time after everything was healed");
    return;
  }
  for (const auto& checker : checkers_) checker->end();
}

void Checkers::facts_stored(std::span<const master::Fact> facts, std::uint64_t epoch) {
  for (const master::Fact& fact : facts) {
    for (const auto& checker : checkers_) checker->fact(fact, epoch);
    scene_.facts.apply(fact);
  }
}

void Checkers::frame_sent(std::uint32_t from, std::uint32_t to, std::string_view frame) {
  if (from != kMasterProcess) return;
  if (const auto message = proto::decode<proto::MasterMessage>(frame); message.ok()) {
    for (const auto& checker : checkers_) checker->master_says(to, *message);
    return;
  }
  const auto reply = proto::decode<proto::ClientReply>(frame);
  if (!reply.ok()) return;
  for (const auto& checker : checkers_) checker->client_is_told(*reply);
}

void Checkers::frame_arrived(std::uint32_t from, std::uint32_t to, std::string_view frame) {
  if (from == kMasterProcess) {
    const auto message = proto::decode<proto::MasterMessage>(frame);
    if (!message.ok()) return;
    for (const auto& checker : checkers_) checker->worker_hears(to, *message);
  } else if (to == kMasterProcess) {
    if (const auto message = proto::decode<proto::WorkerMessage>(frame); message.ok()) {
      for (const auto& checker : checkers_) checker->master_hears(from, *message);
      return;
    }
    const auto question = proto::decode<proto::ClientMessage>(frame);
    if (!question.ok()) return;
    for (const auto& checker : checkers_) checker->client_says(*question);
  }
}

void Checkers::master_started(std::uint64_t epoch) {
  scene_.epoch = epoch;
  for (const auto& checker : checkers_) checker->master_started(epoch);
}
void Checkers::master_ended() {
  for (const auto& checker : checkers_) checker->master_ended();
}
void Checkers::master_refused(const std::string& why) {
  scene_.verdict.violate("I7", "a master refuses what an earlier one stored: " + why);
}
void Checkers::worker_started(std::uint32_t process, std::uint32_t slots) {
  for (const auto& checker : checkers_) checker->worker_started(process, slots);
}
void Checkers::worker_ended(std::uint32_t process) {
  for (const auto& checker : checkers_) checker->worker_ended(process);
}
void Checkers::attempt_started(std::uint32_t process, const proto::TaskAssignment& assignment) {
  for (const auto& checker : checkers_) checker->attempt_started(process, assignment);
}
void Checkers::attempt_ended(std::uint32_t process, AttemptId attempt, bool succeeded) {
  for (const auto& checker : checkers_) checker->attempt_ended(process, attempt, succeeded);
}
void Checkers::output_written(AttemptId writer, std::uint32_t partition, std::uint64_t content) {
  for (const auto& checker : checkers_) checker->output_written(writer, partition, content);
}
void Checkers::output_read(AttemptId reader, const proto::MapOutput& output,
                           std::uint64_t content) {
  for (const auto& checker : checkers_) checker->output_read(reader, output, content);
}
void Checkers::path_changed(const std::string& path) {
  for (const auto& checker : checkers_) checker->path_changed(path);
}
void Checkers::status_shown(const proto::JobStatus& status) {
  for (const auto& checker : checkers_) checker->status_shown(status);
}

}  // namespace fanfold::sim
