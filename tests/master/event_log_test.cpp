// The event log of a real master: whatever happens to a job, its log holds together.

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>

#include "tests/master/master_fixture.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using testing::Contains;
using testing::Not;

class EventLogTest : public MasterTest {
 protected:
  /// As a client reads it; checks what holds of every log.
  std::vector<Json> log_of(JobId job) {
    FakeClient client(address());
    std::string text;
    for (bool ended = false; !ended;) {
      const auto part =
          client.ask<proto::Events>(proto::GetEvents{.job = job, .offset = text.size()});
      text += part.bytes;
      ended = part.ended;
    }
    std::vector<Json> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(Json::parse(line));
    check(lines);
    return lines;
  }

  /// The n-th line of this event and, if given, outcome.
  static Json find(const std::vector<Json>& lines, const std::string& event,
                   const std::string& outcome = {}) {
    for (const Json& line : lines) {
      if (line["event"] == event && (outcome.empty() || line["outcome"] == outcome)) return line;
    }
    ADD_FAILURE() << "no " << event << " " << outcome;
    return Json::object();
  }
  static std::vector<std::string> names(const std::vector<Json>& lines) {
    std::vector<std::string> names;
    for (const Json& line : lines) names.push_back(line["event"]);
    return names;
  }

 private:
  static void check(const std::vector<Json>& lines) {
    ASSERT_FALSE(lines.empty());
    EXPECT_EQ(lines.front()["event"], "job.submitted");
    EXPECT_EQ(lines.back()["event"], "job.ended");
    std::set<std::string> live;
    std::set<std::string> over;
    std::uint64_t time = 0;
    for (const Json& line : lines) {
      const std::string event = line["event"];
      const bool begins = event == "attempt.assigned" || event == "attempt.adopted";
      // Those that take longer than a flush are told late.
      if (!begins) {
        EXPECT_GE(line["time"].get<std::uint64_t>(), time) << line;
        time = line["time"];
      }
      if (!event.starts_with("attempt.")) continue;
      const std::string id = line["id"];
      EXPECT_FALSE(over.contains(id)) << "it was over before: " << line;
      if (begins) live.insert(id);
      if (event == "attempt.started" && !live.contains(id)) ADD_FAILURE() << line;
      if (event == "attempt.ended") {
        live.erase(id);
        over.insert(id);
      }
    }
    EXPECT_TRUE(live.empty()) << *live.begin() << " never ended";
  }
};

TEST_F(EventLogTest, TellsOfAJobFromItsSubmissionToItsEnd) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec_with_splits(3, 2));
  worker.do_tasks(5);
  client.wait(job);
  const std::vector<Json> lines = log_of(job);
  EXPECT_EQ(lines[0]["name"], "word_count");
  EXPECT_EQ(lines[0]["user"], "tester");
  EXPECT_EQ(lines[1]["maps"], 3);
  EXPECT_EQ(lines[1]["input_bytes"], 48);
  EXPECT_EQ(find(lines, "worker.joined")["worker"], "host/1");
  EXPECT_EQ(find(lines, "attempt.ended")["records_in"], 10);
  EXPECT_EQ(find(lines, "publication.ended")["succeeded"], true);
  EXPECT_EQ(lines.back()["state"], "succeeded");
  EXPECT_EQ(lines.back()["counters"]["seen"], 50);
}

TEST_F(EventLogTest, TellsWhyAttemptsFailedAndWhichOneTheJobFailedBy) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  proto::FailureReport failure;
  failure.kind = proto::FailureKind::kException;
  failure.message = "\"quoted\" \xff";
  const JobId job = submit_and_fail(client, worker, failure);
  client.wait(job);
  const std::vector<Json> lines = log_of(job);
  const Json failed = find(lines, "attempt.ended", "failed");
  EXPECT_EQ(failed["cause"], "exception");
  EXPECT_EQ(failed["message"], "\"quoted\" \xef\xbf\xbd");
  EXPECT_EQ(lines.back()["state"], "failed");
  EXPECT_EQ(lines.back()["failed_task"], "map-0");
  EXPECT_EQ(lines.back()["failed_attempts"], 1);
}

TEST_F(EventLogTest, TellsThatARunningJobWasCancelledWithItsAttempts) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  const JobId job = client.submit(spec(1));
  const proto::TaskAssignment task = worker.expect_task();
  worker.heartbeat({{.attempt = task.attempt, .running = true}});
  worker.expect<proto::HeartbeatEcho>();
  client.ask<proto::Answer>(proto::CancelJob{.job = job});
  client.wait(job);
  const std::vector<Json> lines = log_of(job);
  EXPECT_THAT(names(lines), Contains("attempt.started"));
  EXPECT_TRUE(find(lines, "attempt.ended", "cancelled").contains("started"));
  EXPECT_EQ(lines.back()["state"], "cancelled");
}

TEST_F(EventLogTest, TellsWhatALostWorkerCost) {
  start_master();
  FakeClient client(address());
  JobId job;
  {
    FakeWorker dies(address(), {.name = "host/9"});
    job = client.submit(spec_with_splits(2, 1));
    dies.do_task(dies.expect_task());
    dies.expect_task();
    // It says so itself; silence would take longer.
    dies.connection().send(proto::Bye{.worker = dies.id(), .finished = true});
    dies.expect<proto::Goodbye>();
  }
  FakeWorker worker(address(), {});
  worker.do_tasks(3);
  client.wait(job);
  const std::vector<Json> lines = log_of(job);
  const Json lost = find(lines, "attempt.ended", "lost");
  EXPECT_EQ(lost["worker"], "host/9");
  EXPECT_EQ(lost["cause"], "worker lost");
  EXPECT_THAT(names(lines), Contains("output.invalidated"));
  EXPECT_EQ(lines.back()["lost_attempts"], 1);
}

TEST_F(EventLogTest, GoesOnOverARestart) {
  start_master();
  FakeWorker worker(address(), {});
  JobId job;
  {
    FakeClient client(address());
    job = client.submit(spec_with_splits(2, 1));
  }
  const proto::TaskAssignment first = worker.expect_task();
  worker.do_task(first);
  worker.keep(first);
  const proto::TaskAssignment second = worker.expect_task();
  worker.hold(second);
  suspend_master();
  start_master();
  worker.introduce();
  worker.do_task(second);
  worker.do_task(worker.expect_task());
  FakeClient client(address());
  client.wait(job);
  const std::vector<Json> lines = log_of(job);
  EXPECT_THAT(names(lines), Contains("job.resumed"));
  EXPECT_THAT(names(lines), Contains("attempt.adopted"));
  EXPECT_EQ(lines.back()["state"], "succeeded");
}

TEST_F(EventLogTest, IsNotNeededByTheJob) {
  start_master();
  FakeWorker worker(address(), {});
  FakeClient client(address());
  std::filesystem::remove_all(directory().path("events"));
  const JobId job = client.submit(spec(1));
  worker.do_tasks(2);
  EXPECT_EQ(client.wait(job).state, proto::JobState::kSucceeded);
  const auto answer = client.ask<proto::Answer>(proto::GetEvents{.job = job});
  EXPECT_EQ(static_cast<StatusCode>(answer.code), StatusCode::kNotFound);
}

TEST_F(EventLogTest, OfAJobThatWasRefusedIsNotMade) {
  start_master();
  FakeClient client(address());
  proto::JobSpec missing = spec(1);
  missing.inputs = {directory().path("no-such-file")};
  client.try_submit(missing);
  EXPECT_TRUE(std::filesystem::is_empty(directory().path("events")));
  const auto answer = client.ask<proto::Answer>(proto::GetEvents{.job = {1}});
  EXPECT_EQ(static_cast<StatusCode>(answer.code), StatusCode::kNotFound);
}

}  // namespace
}  // namespace fanfold::master
