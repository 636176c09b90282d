// What a worker says of itself to those who look on.

#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "tests/io/temporary_directory.hpp"
#include "worker/service/host_room.hpp"
#include "worker/service/options.hpp"
#include "worker/service/worker_metrics.hpp"

namespace fanfold::worker {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

AttemptEnded finished(std::uint64_t attempt, std::uint64_t records) {
  AttemptEnded ended;
  ended.attempt = {attempt};
  ended.succeeded = true;
  ended.report.records_in = records;
  ended.report.wall_us = 1'500'000;
  return ended;
}
AttemptEnded failed(std::uint64_t attempt, proto::FailureKind kind) {
  AttemptEnded ended;
  ended.attempt = {attempt};
  ended.failure.kind = kind;
  return ended;
}

class WorkerMetrics : public testing::Test {
 protected:
  std::string text() const {
    return respond_with_metrics({.path = "/metrics", .query = {}}, traits(), measures_).body;
  }
  WorkerTraits traits() const {
    return {.scratch = directory_.path(),
            .slots = 3,
            .memory_bytes = 1 << 20,
            .started_unix_seconds = 5};
  }

  io::TemporaryDirectory directory_;
  WorkerMeasures measures_;
};

TEST_F(WorkerMetrics, CountAttemptsByStageAndCause) {
  measures_.started({1}, Stage::kMap);
  measures_.started({2}, Stage::kMap);
  measures_.started({3}, Stage::kReduce);
  // A record was isolated and it runs again: the same attempt.
  measures_.started({3}, Stage::kReduce);
  measures_.ended(finished(1, 40));
  measures_.ended(failed(2, proto::FailureKind::kSignal));
  // Of one that was killed before it ran nothing is known.
  measures_.ended(failed(9, proto::FailureKind::kCancelled));
  measures_.waiting(4);
  EXPECT_THAT(text(),
              AllOf(HasSubstr("fanfold_worker_attempts_started_total{stage=\"map\"} 2\n"),
                    HasSubstr("fanfold_worker_attempts_started_total{stage=\"reduce\"} 1\n"),
                    HasSubstr("fanfold_worker_attempts_running{stage=\"map\"} 0\n"),
                    HasSubstr("fanfold_worker_attempts_running{stage=\"reduce\"} 1\n"),
                    HasSubstr("fanfold_worker_attempts_finished_total{stage=\"map\"} 1\n"),
                    HasSubstr("fanfold_worker_attempt_failures_total{cause=\"signal\"} 1\n"),
                    HasSubstr("fanfold_worker_attempt_failures_total{cause=\"cancelled\"} 0\n"),
                    HasSubstr("fanfold_worker_records_total{stage=\"map\",direction=\"in\"} 40\n"),
                    HasSubstr("fanfold_worker_attempt_run_seconds_total{stage=\"map\"} 1.5\n"),
                    HasSubstr("fanfold_worker_attempts_waiting 4\n")));
}

TEST_F(WorkerMetrics, CountAnAttemptThatLosesAnInputAndGoesOnOnce) {
  const std::string failures = "fanfold_worker_attempt_failures_total{cause=\"fetch\"} ";
  const std::string running = "fanfold_worker_attempts_running{stage=\"reduce\"} ";
  const std::string started = "fanfold_worker_attempts_started_total{stage=\"reduce\"} ";
  measures_.started({3}, Stage::kReduce);
  measures_.lost_input({3});
  EXPECT_THAT(text(), AllOf(HasSubstr(failures + "0\n"), HasSubstr(running + "0\n")));
  measures_.started({3}, Stage::kReduce);
  EXPECT_THAT(text(), AllOf(HasSubstr(started + "1\n"), HasSubstr(running + "1\n")));
  // Once more, and now it is given up.
  measures_.lost_input({3});
  measures_.dropped({3});
  measures_.dropped({3});
  EXPECT_THAT(text(), AllOf(HasSubstr(failures + "1\n"), HasSubstr(running + "0\n"),
                            HasSubstr(started + "1\n")));
}

TEST_F(WorkerMetrics, SayWhetherThereIsAMaster) {
  EXPECT_THAT(text(), HasSubstr("fanfold_worker_connected 0\n"));
  measures_.welcomed();
  EXPECT_THAT(text(), HasSubstr("fanfold_worker_connected 1\n"));
  measures_.master_lost();
  measures_.draining();
  EXPECT_THAT(text(), AllOf(HasSubstr("fanfold_worker_connected 0\n"),
                            HasSubstr("fanfold_worker_draining 1\n"),
                            HasSubstr("fanfold_worker_welcomes_total 1\n"),
                            HasSubstr("fanfold_worker_own_slots 3\n")));
}

TEST_F(WorkerMetrics, CountWhatIsLostSaidAgainAndRefused) {
  measures_.frames_dropped(3);
  measures_.resent(proto::Hello{});
  measures_.resent(proto::CommitRequest{});
  measures_.resent(proto::CommitRequest{});
  measures_.resent(proto::InputsWanted{});
  measures_.refused();
  WorkerTraits told = traits();
  const auto shuffle = std::make_shared<ShuffleFigures>();
  shuffle->segments_asked_again = 7;
  shuffle->strangers_refused = 8;
  told.shuffle = shuffle;
  EXPECT_THAT(worker_metrics(told, measures_.figures()),
              AllOf(HasSubstr("fanfold_worker_frames_dropped_total 3\n"),
                    HasSubstr("fanfold_worker_resends_total{what=\"hello\"} 1\n"),
                    HasSubstr("fanfold_worker_resends_total{what=\"commit\"} 2\n"),
                    HasSubstr("fanfold_worker_resends_total{what=\"failure\"} 0\n"),
                    HasSubstr("fanfold_worker_resends_total{what=\"inputs\"} 1\n"),
                    HasSubstr("fanfold_worker_refusals_total 1\n"),
                    HasSubstr("fanfold_worker_fetch_resends_total 7\n"),
                    HasSubstr("fanfold_worker_data_refusals_total{what=\"stranger\"} 8\n")));
}

TEST_F(WorkerMetrics, SayHowMuchRoomTheHostHas) {
  EXPECT_THAT(text(), AllOf(HasSubstr("\nfanfold_worker_scratch_free_bytes "),
                            HasSubstr("\nfanfold_worker_memory_free_bytes "),
                            Not(HasSubstr("_free_bytes 0\n")), Not(HasSubstr("_size_bytes 0\n"))));
  WorkerTraits nowhere = traits();
  nowhere.scratch = directory_.path("nowhere");
  EXPECT_THAT(worker_metrics(nowhere, measures_.figures()),
              Not(HasSubstr("fanfold_worker_scratch_")));
}

TEST(HostRoom, IsWhatTheKernelSays) {
  const io::TemporaryDirectory directory;
  const proto::HostRoom room = look_at_room(directory.path(), 77);
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const std::uint64_t memory = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * page;
  // What the kernel keeps for itself is counted by the one and not by the other; a control group
  // may allow less.
  EXPECT_GT(room.memory_bytes, 0u);
  EXPECT_LE(room.memory_bytes, memory);
  EXPECT_GT(room.memory_bytes_free, 0u);
  EXPECT_LE(room.memory_bytes_free, room.memory_bytes);
  EXPECT_EQ(room.executor_bytes, 77u);
  EXPECT_EQ(room.scratch_bytes, std::filesystem::space(directory.path()).capacity);
  EXPECT_LE(room.scratch_bytes_free, room.scratch_bytes);
  EXPECT_EQ(look_at_room(directory.path("nowhere"), 0).scratch_bytes, 0u);
}

TEST_F(WorkerMetrics, CountFilesThatTheMasterKeeps) {
  measures_.files({.fetched = 1, .bytes = 77, .reused = 2, .damaged = 3, .refused = 4});
  const std::string text = worker_metrics(traits(), measures_.figures());
  for (const char* line :
       {"worker_files_total{what=\"fetched\"} 1\n", "{what=\"reused\"} 2\n",
        "{what=\"damaged\"} 3\n", "{what=\"refused\"} 4\n", "worker_files_bytes_total 77\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(WorkerMetrics, CountWhatWasBroughtEarly) {
  measures_.early({.segments = 3, .bytes = 77, .bytes_held = 5, .segments_left = 2, .failures = 1});
  const std::string text = worker_metrics(traits(), measures_.figures());
  for (const char* line : {"worker_early_segments_total{what=\"brought\"} 3\n",
                           "{what=\"left\"} 2\n", "worker_early_bytes_total 77\n",
                           "worker_early_held_bytes 5\n", "worker_early_failures_total 1\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(WorkerMetrics, AreAllThatAWorkerAnswers) {
  for (const char* path : {"/", "/jobs/1", "/metrics/", "/<script>"}) {
    const HttpResponse answer =
        respond_with_metrics({.path = path, .query = {}}, traits(), measures_);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_THAT(answer.body, Not(HasSubstr("<script>")));
  }
}

TEST(WorkerOptions, HaveHostsOnlyWithAPort) {
  const auto parse = [](std::vector<const char*> words) {
    words.insert(words.begin(), {"fanfold-worker", "--master", "ipc:///m"});
    return parse_options(static_cast<int>(words.size()), words.data());
  };
  const auto with = parse({"--http", "0", "--http-host", "far:80"});
  ASSERT_TRUE(with.ok()) << with.status().message();
  EXPECT_EQ((*with)->http_port, 0);
  EXPECT_EQ((*with)->http_hosts, std::vector<std::string>{"far:80"});
  EXPECT_FALSE(parse({"--http-host", "far:80"}).ok());
  EXPECT_FALSE(parse({"--http", "70000"}).ok());
  EXPECT_EQ((**parse({})).http_port, std::nullopt);
}

}  // namespace
}  // namespace fanfold::worker
