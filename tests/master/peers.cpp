#include "tests/master/peers.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <utility>

#include "common/core/check.hpp"
#include "common/io/file_system.hpp"
#include "common/io/part_file.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;

/// Long enough for any machine; never waited for when things work.
constexpr Duration kPatience = 20s;

std::string next_uuid() {
  static std::atomic<int> counter{0};
  return "uuid-" + std::to_string(++counter);
}

}  // namespace

Connection::Connection(const std::string& address, std::uint32_t protocol) : protocol_(protocol) {
  auto connected = net::connect(address, {.linger = 500ms});
  FANFOLD_CHECK(connected.ok());
  transport_ = *std::move(connected);
}

void Connection::send_bytes(std::string bytes) {
  const Status sent = transport_->send({}, std::move(bytes));
  EXPECT_TRUE(sent.ok()) << sent.message();
}

std::optional<std::string> Connection::receive(Duration patience) {
  const Instant deadline = steady_clock().now() + patience;
  for (;;) {
    const Duration left = deadline - steady_clock().now();
    if (left <= Duration(0)) return std::nullopt;
    auto received = transport_->receive(left);
    FANFOLD_CHECK(received.ok());
    if (received->has_value()) return std::move((*received)->payload);
  }
}

proto::ClientReply FakeClient::next() {
  const auto frame = connection_.receive(kPatience);
  if (!frame) ADD_FAILURE() << "the master did not answer the client";
  FANFOLD_CHECK(frame.has_value());
  auto reply = proto::decode<proto::ClientReply>(*frame, connection_.protocol());
  if (!reply.ok()) ADD_FAILURE() << reply.status().message();
  FANFOLD_CHECK(reply.ok());
  return *std::move(reply);
}

void FakeClient::fail_with_unexpected_index(std::size_t index) {
  ADD_FAILURE() << "the client got a reply of another type: alternative " << index;
  FANFOLD_CHECK(false);
}

proto::Answer FakeClient::try_submit(const proto::JobSpec& spec) {
  return ask<proto::Answer>(proto::Submit{.spec = spec});
}

JobId FakeClient::submit(const proto::JobSpec& spec) {
  const proto::Answer answer = try_submit(spec);
  EXPECT_EQ(answer.code, 0) << answer.message;
  return answer.job;
}

proto::JobStatus FakeClient::status(JobId job) {
  return ask<proto::JobReply>(proto::GetJob{.job = job}).status;
}

proto::JobStatus FakeClient::wait(JobId job) {
  proto::JobReply reply = ask<proto::JobReply>(proto::GetJob{.job = job, .follow = true});
  while (!proto::is_final(reply.status.state)) reply = expect<proto::JobReply>();
  return reply.status;
}

FakeWorker::FakeWorker(const std::string& address, const WorkerTraits& traits)
    : connection_(address, traits.protocol) {
  hello_.protocol = traits.protocol;
  hello_.uuid = next_uuid();
  hello_.name = traits.name;
  hello_.host_id = traits.host_id;
  hello_.host = traits.host;
  hello_.host_inputs = !traits.host.empty();
  hello_.scratch = "/scratch/" + hello_.uuid;
  hello_.data_endpoint = "ipc:///data/" + hello_.uuid;
  hello_.slots = traits.slots;
  hello_.process = 4711;
  introduce();
}

void FakeWorker::introduce() {
  connection_.send(hello_);
  welcome_ = expect<proto::Welcome>();
}

void FakeWorker::hold(const proto::TaskAssignment& task) {
  hello_.attempts.push_back(
      {task.attempt, task.task, task.attempt_number, task.generation, /*running=*/true});
}

void FakeWorker::keep(const proto::TaskAssignment& task) {
  if (hello_.outputs.empty()) hello_.outputs.push_back({task.task.job, {}});
  hello_.outputs.back().attempts.push_back(task.attempt);
}

proto::MasterMessage FakeWorker::next() {
  const auto frame = connection_.receive(kPatience);
  if (!frame) ADD_FAILURE() << "the master did not speak to the worker";
  FANFOLD_CHECK(frame.has_value());
  auto message = proto::decode<proto::MasterMessage>(*frame, connection_.protocol());
  if (!message.ok()) ADD_FAILURE() << message.status().message();
  FANFOLD_CHECK(message.ok());
  return *std::move(message);
}

void FakeWorker::heartbeat(const std::vector<proto::AttemptProgress>& attempts, AttemptId newest) {
  connection_.send(proto::Heartbeat{
      .worker = id(), .epoch = welcome_.epoch, .attempts = attempts, .newest = newest});
}

bool FakeWorker::commit(const proto::TaskAssignment& task, proto::AttemptReport report,
                        std::string log_text) {
  const std::uint64_t log_bytes = log_text.size();
  connection_.send(proto::CommitRequest{.worker = id(),
                                        .attempt = task.attempt,
                                        .report = std::move(report),
                                        .log_text = std::move(log_text),
                                        .log_bytes = log_bytes});
  const auto answer = expect<proto::CommitAnswer>();
  EXPECT_EQ(answer.attempt, task.attempt);
  return answer.granted;
}

void FakeWorker::fail(const proto::TaskAssignment& task, proto::FailureReport failure,
                      std::string log_text) {
  const std::uint64_t log_bytes = log_text.size();
  connection_.send(proto::AttemptFailed{.worker = id(),
                                        .attempt = task.attempt,
                                        .failure = std::move(failure),
                                        .log_text = std::move(log_text),
                                        .log_bytes = log_bytes});
  EXPECT_EQ(expect<proto::FailureNoted>().attempt, task.attempt);
}

void FakeWorker::do_task(const proto::TaskAssignment& task, const std::string& part_text) {
  proto::AttemptReport report;
  report.records_in = 10;
  report.bytes_in = 100;
  report.records_out = 5;
  report.bytes_out = 50;
  report.counters["seen"] = 10;
  if (task.task.stage == Stage::kSample) report.splitters.assign(task.partitions - 1, "m");
  if (task.task.stage == Stage::kReduce) {
    io::FileSystem& files = io::posix_file_system();
    const std::string directory = task.staging + "/" + std::to_string(task.attempt.value);
    const std::string name =
        io::part_name("part", task.task.index, task.partitions, io::PartCompression::kNone);
    ASSERT_TRUE(files.make_directories(directory).ok());
    auto part = io::create_part(files, directory + "/" + name, name, io::PartCompression::kNone);
    ASSERT_TRUE(part.ok()) << part.status().message();
    ASSERT_TRUE((*part)->write(part_text, 1).ok());
    ASSERT_TRUE((*part)->finish().ok());
    report.files.push_back((*part)->info());
  }
  EXPECT_TRUE(commit(task, report, "did " + std::to_string(task.task.index) + "\n"));
}

void FakeWorker::do_tasks(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) do_task(expect_task());
}

}  // namespace fanfold::master
