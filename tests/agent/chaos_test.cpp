// An agent in a world that loses, repeats and reorders messages, with a master that restarts and
// executors that end as they like.  Every step is checked against the invariants; afterwards the
// world calms down and everything must come to an end.

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "common/proto/output_list.hpp"
#include "tests/agent/invariants.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;

class World {
 public:
  explicit World(std::uint64_t seed) : random_(seed), slots_(1 + below(4)), invariants_(slots_) {
    proto::Hello hello;
    hello.uuid = "u-1";
    hello.slots = slots_;
    agent_ = std::make_unique<Agent>(AgentOptions{hello, 500ms});
    step(Tick{});
  }

  void do_anything();
  /// The network delivers, executors finish, the master answers.
  void calm_down();
  void drain() { step(DrainRequested{}); }
  void forget_everything();

  bool quiet() const { return invariants_.holds_nothing() && network_.empty(); }
  bool exited() const { return invariants_.exited(); }
  const std::vector<std::string>& violations() const { return invariants_.violations(); }

  // What happened, so that a test can tell that it tested something.
  std::size_t started = 0;
  std::size_t commits = 0;
  std::size_t failures = 0;
  std::size_t kills = 0;
  std::size_t replacements = 0;
  std::size_t early = 0;

 private:
  static constexpr std::uint64_t kJobs = 12;

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool one_in(std::uint64_t count) { return below(count) == 0; }
  template <class T>
  T any_of(const std::vector<T>& items) {
    return items[below(items.size())];
  }

  void step(const Event& event);
  void pass_time();
  void assign();
  void list_outputs(JobId job);
  void end(AttemptId attempt);
  void bring_inputs(AttemptId attempt);
  void lose_inputs(AttemptId attempt);
  void watch();
  void cancel();
  void restart_master();
  void deliver();

  /// The network: may lose it or deliver it twice, in any order.
  void send(proto::MasterMessage message);
  void hear(const proto::WorkerMessage& message);
  void hear_message(const proto::Hello& message);
  void hear_message(const proto::Heartbeat& message);
  void hear_message(const proto::CommitRequest& message);
  void hear_message(const proto::AttemptFailed& message);
  void hear_message(const proto::Bye& message);
  static void hear_message(const proto::WorkersDied&) {}  // Of other workers: none here.
  static void hear_message(const proto::OutputPart&) {}   // The body says it, not the agent.
  static void hear_message(const proto::GetBlob&) {}      // The same.
  static void hear_message(const proto::HostFilesListed&) {}
  void hear_message(const proto::InputsWanted& message);

  std::mt19937_64 random_;
  const std::uint32_t slots_;
  Invariants invariants_;
  std::unique_ptr<Agent> agent_;
  Instant now_{1h};
  bool calm_ = false;
  std::vector<proto::MasterMessage> network_;
  std::uint64_t beats_ = 0;

  // The master.
  std::uint64_t epoch_ = 1;
  std::uint64_t attempts_ = 0;
  WorkerId worker_{1};
  std::map<AttemptId, JobId> assigned_;
  std::map<AttemptId, bool> decided_;
  std::set<JobId> over_;
  std::uint64_t remade_ = 0;
  std::uint64_t lists_ = 0;
  std::map<AttemptId, std::set<std::uint32_t>> missing_;  // As far as the worker's inputs know.

  static constexpr std::uint32_t kInputs = 3;
};

void World::step(const Event& event) {
  if (!violations().empty()) return;
  std::vector<Action> actions;
  invariants_.before(event);
  agent_->step(now_, event, &actions);
  invariants_.after(*agent_, now_, actions);
  for (const Action& action : actions) {
    if (const auto* sent = std::get_if<SendToMaster>(&action)) hear(sent->message);
    if (std::holds_alternative<StartAttempt>(action)) ++started;
    if (std::holds_alternative<KillAttempt>(action)) ++kills;
    if (std::holds_alternative<BringEarly>(action)) ++early;
    if (const auto* replaced = std::get_if<ReplaceInputs>(&action)) {
      ++replacements;
      for (const proto::MapOutput& output : replaced->outputs) {
        missing_[replaced->attempt].erase(output.split);
      }
    }
  }
}

void World::send(proto::MasterMessage message) {
  if (!calm_ && one_in(10)) return;
  if (!calm_ && one_in(10)) network_.push_back(message);
  network_.push_back(std::move(message));
}

void World::hear(const proto::WorkerMessage& message) {
  if (!calm_ && one_in(10)) return;
  std::visit([this](const auto& one) { this->hear_message(one); }, message);
}

void World::hear_message(const proto::Hello&) {
  proto::Welcome welcome;
  welcome.worker = worker_;
  welcome.epoch = epoch_;
  welcome.heartbeat_ms = 1000;
  welcome.silence_ms = 10'000;
  send(welcome);
}

void World::hear_message(const proto::Heartbeat& message) {
  if (message.worker != worker_ || message.epoch != epoch_) return send(proto::Unknown{});
  send(proto::HeartbeatEcho{epoch_});
  for (const proto::AttemptProgress& one : message.attempts) {
    if (over_.count(assigned_.at(one.attempt)) > 0) send(proto::CancelAttempt{one.attempt});
  }
}

void World::hear_message(const proto::CommitRequest& message) {
  ++commits;
  const bool over = over_.count(assigned_.at(message.attempt)) > 0;
  const auto decision = decided_.emplace(message.attempt, !over && !one_in(4)).first;
  send(proto::CommitAnswer{message.attempt, decision->second});
}

void World::hear_message(const proto::AttemptFailed& message) {
  ++failures;
  send(proto::FailureNoted{message.attempt});
}

void World::hear_message(const proto::InputsWanted& message) {
  const JobId job = assigned_.at(message.attempt);
  if (over_.count(job) > 0) return;
  if (calm_ || !one_in(3)) list_outputs(job);
}

void World::list_outputs(JobId job) {
  proto::OutputList list;
  list.holders.resize(1);
  for (std::uint32_t split = 0; split < kInputs; ++split) {
    list.outputs.push_back({split, {1'000'000 + ++remade_}, 0});
  }
  proto::ListPage page;
  page.job = job;
  page.version = epoch_ << 40 | ++lists_;
  page.generation = one_in(20) ? 1 : 0;
  page.pages = 1;
  page.packed = proto::pack_outputs(list)[0];
  if (one_in(2)) send(proto::HomeOutputs{.job = job, .partitions = {0, 2}, .packed = page.packed});
  if (one_in(4)) send(proto::HomeOutputs{.job = job, .partitions = {0}, .packed = {}});
  // Some are damaged.
  if (one_in(50)) page.packed.pop_back();
  send(page);
}

void World::hear_message(const proto::Bye& message) {
  if (message.finished) send(proto::Goodbye{});
}

void World::pass_time() {
  const auto deadline = agent_->next_deadline();
  if (one_in(200)) {
    now_ = now_ + 30s;
  } else if (deadline && one_in(3)) {
    now_ = std::max(now_, *deadline);
  } else {
    now_ = now_ + std::chrono::milliseconds(below(300));
  }
  step(Tick{});
}

void World::assign() {
  proto::TaskAssignment assignment;
  assignment.attempt = {epoch_ << 40 | ++attempts_};
  const JobId job{1 + below(kJobs)};
  assignment.task = {job, one_in(3) ? Stage::kReduce : Stage::kMap, 0};
  if (assignment.task.stage == Stage::kReduce && !one_in(4)) {
    list_outputs(job);
    assignment.list_version = epoch_ << 40 | lists_;
  }
  assignment.spec.task_timeout_ms = one_in(3) ? 4000 : 0;
  assignment.spec.stall_timeout_ms = one_in(2) ? 2500 : 0;
  assigned_[assignment.attempt] = job;
  send(proto::Assign{assignment});
}

void World::end(AttemptId attempt) {
  AttemptEnded ended;
  ended.attempt = attempt;
  ended.succeeded = !one_in(3);
  ended.report.counters["mark"] = static_cast<std::int64_t>(below(1'000'000));
  ended.failure.kind = proto::FailureKind::kException;
  ended.failure.message = std::to_string(below(1'000'000));
  ended.log_text = std::to_string(below(1'000'000));
  if (!ended.succeeded && one_in(2)) {
    ended.failure.kind = proto::FailureKind::kFetch;
    ended.failure.lost_outputs = {{static_cast<std::uint32_t>(below(kInputs)), {1}, 0}};
    missing_[attempt].insert(ended.failure.lost_outputs[0].split);
  }
  step(ended);
}

void World::lose_inputs(AttemptId attempt) {
  const auto split = static_cast<std::uint32_t>(below(kInputs));
  missing_[attempt].insert(split);
  step(InputsMissing{attempt, {{split, {++remade_}, 0}}, "gone"});
}

void World::bring_inputs(AttemptId attempt) {
  if (!missing_[attempt].empty()) return;
  InputsReady ready;
  ready.attempt = attempt;
  ready.succeeded = calm_ || !one_in(5);
  step(ready);
}

void World::watch() {
  ProgressSeen seen;
  for (const AttemptId attempt : agent_->started()) {
    seen.entries.push_back({attempt, beats_, beats_, one_in(2) ? ++beats_ : beats_});
  }
  step(seen);
}

void World::cancel() {
  if (attempts_ == 0) return;
  // Old ones rarely: most of them are gone.
  const std::uint64_t back = below(std::min<std::uint64_t>(attempts_, one_in(10) ? attempts_ : 8));
  const AttemptId attempt{epoch_ << 40 | (attempts_ - back)};
  // What is committed is never taken back.
  const auto decision = decided_.find(attempt);
  if (decision == decided_.end() || !decision->second) {
    decided_[attempt] = false;
    send(proto::CancelAttempt{attempt});
  }
}

void World::restart_master() {
  ++epoch_;
  worker_.value += 10;
}

void World::deliver() {
  if (network_.empty()) return;
  const std::size_t chosen = calm_ ? 0 : below(network_.size());
  const proto::MasterMessage message = network_[chosen];
  network_.erase(network_.begin() + static_cast<std::ptrdiff_t>(chosen));
  step(MasterSaid{message});
}

void World::do_anything() {
  const std::uint64_t dice = below(1000);
  const std::vector<AttemptId> executing = invariants_.executing();
  const std::vector<AttemptId> killed = invariants_.killed();
  const std::vector<AttemptId> fetching = invariants_.fetching();
  if (dice < 150) return pass_time();
  if (dice < 250) return assign();
  if (dice < 350 && !executing.empty()) return end(any_of(executing));
  if (dice < 400 && !killed.empty()) return end(any_of(killed));
  if (dice < 450 && !fetching.empty()) return bring_inputs(any_of(fetching));
  if (dice < 460 && !fetching.empty()) return lose_inputs(any_of(fetching));
  if (dice < 480) return watch();
  if (dice < 510) return cancel();
  if (dice == 510) return restart_master();
  if (dice == 511) return send(proto::Unknown{});
  if (dice == 512) {
    const JobId job{1 + below(kJobs)};
    over_.insert(job);
    return send(proto::ForgetJob{job});
  }
  deliver();
}

void World::calm_down() {
  calm_ = true;
  for (int round = 0; round < 1000 && !quiet() && !exited(); ++round) {
    while (!network_.empty()) deliver();
    for (const AttemptId attempt : invariants_.fetching()) bring_inputs(attempt);
    for (const AttemptId attempt : invariants_.executing()) end(attempt);
    if (quiet() || exited()) return;
    now_ = *agent_->next_deadline();
    step(Tick{});
  }
}

void World::forget_everything() {
  for (std::uint64_t job = 1; job <= kJobs; ++job) {
    over_.insert(JobId{job});
    send(proto::ForgetJob{JobId{job}});
  }
}

void expect_no_violations(const World& world) {
  for (const std::string& violation : world.violations()) FAIL() << violation;
}

class AgentChaos : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(AgentChaos, BreaksNoRuleAndEndsWhatItBegan) {
  World world(GetParam());
  for (int i = 0; i < 4000 && world.violations().empty(); ++i) world.do_anything();
  ASSERT_NO_FATAL_FAILURE(expect_no_violations(world));
  EXPECT_GT(world.started, 50u);
  EXPECT_GT(world.commits, 20u);
  EXPECT_GT(world.failures, 20u);
  EXPECT_GT(world.kills, 5u);
  EXPECT_GT(world.replacements, 5u);
  world.calm_down();
  ASSERT_NO_FATAL_FAILURE(expect_no_violations(world));
  EXPECT_TRUE(world.quiet()) << "attempts are left that nobody brings to an end";
  world.forget_everything();
  world.drain();
  world.calm_down();
  ASSERT_NO_FATAL_FAILURE(expect_no_violations(world));
  EXPECT_TRUE(world.exited());
}

TEST_P(AgentChaos, LeavesInGoodOrderFromTheMiddleOfIt) {
  World world(GetParam());
  for (int i = 0; i < 1500 && world.violations().empty(); ++i) world.do_anything();
  world.drain();
  for (int i = 0; i < 500 && world.violations().empty(); ++i) world.do_anything();
  world.calm_down();
  ASSERT_NO_FATAL_FAILURE(expect_no_violations(world));
  EXPECT_TRUE(world.exited());
}

INSTANTIATE_TEST_SUITE_P(Seeds, AgentChaos, ::testing::Range<std::uint64_t>(1, 21));

}  // namespace
}  // namespace fanfold::worker
