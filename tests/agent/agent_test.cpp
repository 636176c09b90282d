#include "tests/agent/agent_test.hpp"

#include "common/proto/output_list.hpp"

namespace fanfold::worker {

proto::Hello AgentTest::hello() {
  proto::Hello hello;
  hello.uuid = "u-1";
  hello.name = "host/1";
  hello.slots = kSlots;
  return hello;
}

proto::TaskAssignment AgentTest::assignment(const Order& order) {
  proto::TaskAssignment assignment;
  assignment.attempt = attempt(order.number, order.epoch);
  assignment.task = {order.job, order.stage, static_cast<std::uint32_t>(order.number)};
  assignment.spec.task_timeout_ms = order.task_timeout_ms;
  assignment.spec.stall_timeout_ms = order.stall_timeout_ms;
  if (order.stage == Stage::kReduce && order.has_inputs) {
    assignment.list_version = 1;
  }
  return assignment;
}

void AgentTest::welcome(std::uint64_t epoch, WorkerId worker) {
  proto::Welcome message;
  message.worker = worker;
  message.epoch = epoch;
  message.heartbeat_ms = 1000;
  message.silence_ms = 10'000;
  master_says(message);
}

void AgentTest::list(std::uint64_t version, std::vector<proto::MapOutput> outputs,
                     std::uint64_t generation, JobId job) {
  proto::OutputList list;
  list.holders.resize(1);
  list.outputs = std::move(outputs);
  proto::ListPage page;
  page.job = job;
  page.version = version;
  page.generation = generation;
  page.pages = 1;
  page.packed = proto::pack_outputs(list)[0];
  master_says(page);
}

AttemptId AgentTest::assign(const Order& order) {
  if (order.stage == Stage::kReduce && order.has_inputs) {
    list(1, {{0, attempt(900), 0}, {1, attempt(901), 0}}, 0, order.job);
  }
  master_says(proto::Assign{assignment(order)});
  return attempt(order.number, order.epoch);
}

void AgentTest::succeed(AttemptId id) {
  AttemptEnded ended;
  ended.attempt = id;
  ended.succeeded = true;
  ended.report.counters["attempt"] = static_cast<std::int64_t>(id.value);
  ended.log_text = "log of " + name_of(id);
  step(ended);
}

void AgentTest::fail(AttemptId id, FailureKind kind, const std::string& message) {
  AttemptEnded ended;
  ended.attempt = id;
  ended.failure.kind = kind;
  ended.failure.message = message;
  ended.log_text = "log of " + name_of(id);
  step(ended);
}

void AgentTest::step(const Event& event) {
  invariants.before(event);
  last.clear();
  agent->step(now, event, &last);
  invariants.after(*agent, now, last);
  for (const std::string& violation : invariants.violations()) FAIL() << violation;
}

void AgentTest::pass(Duration duration, bool echoes) {
  const Instant until = now + duration;
  std::vector<Action> all;
  const auto tick = [&] {
    step(Tick{});
    all.insert(all.end(), last.begin(), last.end());
    if (!echoes || sent<proto::Heartbeat>().empty()) return;
    echo();
    all.insert(all.end(), last.begin(), last.end());
  };
  for (auto next = agent->next_deadline(); next && *next < until; next = agent->next_deadline()) {
    ASSERT_TRUE(*next > now) << "a deadline that does not pass";
    now = *next;
    tick();
  }
  now = until;
  tick();
  last = all;
}

std::vector<AttemptId> AgentTest::started() const {
  std::vector<AttemptId> ids;
  for (const StartAttempt& one : actions<StartAttempt>()) ids.push_back(one.assignment.attempt);
  return ids;
}

std::vector<proto::AttemptProgress> AgentTest::listed() {
  welcome();
  if (sent<proto::Heartbeat>().size() != 1) {
    ADD_FAILURE() << "a welcome is answered by one heartbeat";
    return {};
  }
  return sent<proto::Heartbeat>()[0].attempts;
}

}  // namespace fanfold::worker
