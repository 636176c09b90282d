// Open jobs are given more input: each batch once, durably, within bounds, and each answer says
// what it answers.

#include "master/service/feed_desk.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/master/master_fixture.hpp"

namespace fanfold::master {
namespace {

using testing::HasSubstr;

class FeedTest : public MasterTest {
 protected:
  JobId submit_open(FakeClient& client, std::uint64_t split_bytes = 0,
                    proto::CompletionPolicy completion = {}) {
    proto::JobSpec open = spec(1);
    open.open = true;
    open.split_bytes = split_bytes;
    if (split_bytes != 0) open.inputs.clear();
    open.completion = completion;
    open.attempts_max = 1;
    return client.submit(open);
  }
  static proto::Feed batch(JobId job, const std::string& feeder, std::uint64_t offset,
                           const std::string& bytes) {
    return {.job = job, .feeder = feeder, .offset = offset, .bytes = bytes};
  }
  static proto::FeedReply feed(FakeClient& client, JobId job, const std::string& feeder,
                               std::uint64_t offset, const std::string& bytes) {
    return client.ask<proto::FeedReply>(batch(job, feeder, offset, bytes));
  }
  static proto::FeedReply close(FakeClient& client, JobId job) {
    return client.ask<proto::FeedReply>(
        proto::Feed{.job = job, .feeder = "c", .bytes = {}, .close = true});
  }
  static StatusCode code_of(const proto::FeedReply& reply) {
    return static_cast<StatusCode>(reply.code);
  }
  static std::uint32_t maps_of(FakeClient& client, JobId job) {
    return client.status(job).stages.front().tasks;
  }
  /// What side threads remove is gone when it is gone: the master is asked meanwhile.
  static bool eventually(FakeClient& client, const std::function<bool()>& condition) {
    const Instant deadline = steady_clock().now() + std::chrono::seconds(30);
    while (!condition()) {
      if (steady_clock().now() > deadline) return false;
      client.ask<proto::ClusterReply>(proto::GetCluster{});
    }
    return true;
  }
  /// Of what the job was fed and is still there.
  std::vector<std::string> fed_files() const {
    std::vector<std::string> contents;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(directory().path())) {
      const bool fed = entry.path().parent_path().string().ends_with("-fed");
      if (!fed || !entry.is_regular_file()) continue;
      std::ifstream file(entry.path());
      contents.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    std::sort(contents.begin(), contents.end());
    return contents;
  }
};

TEST_F(FeedTest, ABatchThatComesAgainIsNoSecondOne) {
  start_master();
  FakeClient client(address());
  const JobId job = submit_open(client);
  EXPECT_EQ(code_of(feed(client, job, "a", 0, "x\n")), StatusCode::kOk);
  EXPECT_EQ(maps_of(client, job), 2u);
  const proto::FeedReply again = feed(client, job, "a", 0, "x\n");
  EXPECT_EQ(code_of(again), StatusCode::kOk);
  EXPECT_EQ(again.taken, 2u);
  crash_master();
  start_master();
  FakeClient later(address());
  EXPECT_EQ(code_of(feed(later, job, "a", 0, "x\n")), StatusCode::kOk);
  EXPECT_EQ(maps_of(later, job), 2u);
  EXPECT_EQ(code_of(feed(later, job, "a", 2, "x\n")), StatusCode::kOk);
  EXPECT_EQ(code_of(feed(later, job, "b", 0, "x\n")), StatusCode::kOk) << "another feeder";
  EXPECT_EQ(maps_of(later, job), 4u);
}

TEST_F(FeedTest, WhatIsNotTheNextOfItsFeederIsRefused) {
  start_master();
  FakeClient client(address());
  const JobId job = submit_open(client);
  ASSERT_EQ(code_of(feed(client, job, "a", 0, "x\n")), StatusCode::kOk);
  const proto::FeedReply ahead = feed(client, job, "a", 4, "x\n");
  EXPECT_EQ(code_of(ahead), StatusCode::kInvalidArgument);
  EXPECT_EQ(ahead.taken, 2u);
  // Two feeders of one name: the second must not be told that its records are there.
  EXPECT_THAT(feed(client, job, "a", 0, "y\n").message, HasSubstr("two feeders have one name"));
  EXPECT_EQ(maps_of(client, job), 2u);
  // Without records it is a question.
  const proto::FeedReply asked = feed(client, job, "a", 0, "");
  EXPECT_EQ(code_of(asked), StatusCode::kOk);
  EXPECT_EQ(asked.taken, 2u);
  EXPECT_EQ(feed(client, job, "nobody", 0, "").taken, 0u);
  EXPECT_EQ(maps_of(client, job), 2u);
}

TEST_F(FeedTest, EachBatchHasItsOwnAnswer) {
  start_master();
  FakeClient client(address());
  const JobId job = submit_open(client);
  // The second one twice, as a client does that hears nothing: both may hear by one answer.
  for (const char* feeder : {"a", "b", "b", "c"}) {
    client.connection().send(batch(job, feeder, 0, "x\n"));
  }
  std::map<std::string, std::uint64_t> answered;
  while (answered.size() < 3) {
    const auto reply = client.expect<proto::FeedReply>();
    EXPECT_EQ(code_of(reply), StatusCode::kOk) << reply.message;
    EXPECT_EQ(reply.size, 2u);
    answered[reply.feeder] = reply.taken;
  }
  EXPECT_EQ(answered, (std::map<std::string, std::uint64_t>{{"a", 2}, {"b", 2}, {"c", 2}}));
  FakeClient other(address());
  EXPECT_EQ(maps_of(other, job), 4u);
}

TEST_F(FeedTest, WorkersMapWhatWasFedAndReduceOnceItIsClosed) {
  start_master();
  FakeClient client(address());
  FakeWorker worker(address(), {.slots = 4});
  worker.introduce();
  const JobId job = submit_open(client);
  worker.do_tasks(1);
  feed(client, job, "a", 0, "x\n");
  const proto::TaskAssignment fed = worker.expect_task();
  ASSERT_EQ(fed.split.pieces.size(), 1u);
  EXPECT_EQ(fed.split.bytes, 2u);
  const auto file = io::posix_file_system().open(fed.split.pieces[0].path);
  ASSERT_TRUE(file.ok()) << "a worker reads it where it is";
  worker.do_task(fed);
  EXPECT_EQ(code_of(close(client, job)), StatusCode::kOk);
  worker.do_tasks(1);
  EXPECT_EQ(client.wait(job).state, proto::JobState::kSucceeded);
  EXPECT_TRUE(eventually(client, [&] { return staging_directories() == 0; }));
  suspend_master();
  start_master();
  FakeClient later(address());
  EXPECT_THAT(feed(later, job, "a", 2, "x\n").message, HasSubstr("is over (succeeded)"));
  EXPECT_EQ(code_of(close(later, job)), StatusCode::kOk) << "its answer may have been lost";
}

TEST_F(FeedTest, WhatIsNotInTheOutputIsKept) {
  start_master();
  FakeClient client(address());
  FakeWorker worker(address(), {.slots = 1});
  worker.introduce();
  const JobId job = submit_open(client, 0, {proto::CompletionRule::kAllCompleted});
  worker.do_tasks(1);
  feed(client, job, "a", 0, "good\n");
  feed(client, job, "a", 5, "bad\n");
  worker.do_tasks(1);
  proto::FailureReport failure;
  failure.kind = proto::FailureKind::kException;
  worker.fail(worker.expect_task(), failure);
  EXPECT_EQ(fed_files(), (std::vector<std::string>{"bad\n", "good\n"}));
  close(client, job);
  worker.do_tasks(1);
  const proto::JobStatus status = client.wait(job);
  EXPECT_EQ(status.state, proto::JobState::kPartial);
  ASSERT_EQ(status.notes.size(), 1u);
  EXPECT_THAT(status.notes[0], HasSubstr("is kept in " + directory().path()));
  EXPECT_TRUE(eventually(client, [&] { return fed_files() == std::vector<std::string>{"bad\n"}; }));
}

TEST_F(FeedTest, WhatACancelledJobWasFedIsKept) {
  start_master();
  FakeClient client(address());
  const JobId job = submit_open(client);
  feed(client, job, "a", 0, "x\n");
  client.ask<proto::Answer>(proto::CancelJob{.job = job});
  EXPECT_THAT(client.wait(job).notes, testing::Contains(HasSubstr("is kept in ")));
  suspend_master();
  EXPECT_EQ(fed_files(), (std::vector<std::string>{"x\n"}));
  start_master();
  FakeClient later(address());
  EXPECT_THAT(feed(later, job, "a", 2, "x\n").message, HasSubstr("is over (cancelled)"));
  EXPECT_EQ(code_of(close(later, job)), StatusCode::kInvalidArgument);
  EXPECT_EQ(fed_files(), (std::vector<std::string>{"x\n"})) << "and by the next master as well";
}

TEST_F(FeedTest, RefusesWhatIsNoBatch) {
  start_master();
  FakeClient client(address());
  const JobId job = submit_open(client);
  const auto code = [&](const proto::Feed& message) {
    return code_of(client.ask<proto::FeedReply>(message));
  };
  EXPECT_EQ(code(batch(job, "", 0, "x\n")), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(batch(job, std::string(65, 'x'), 0, "x\n")), StatusCode::kInvalidArgument);
  EXPECT_EQ(code(batch(job, "b", 0, std::string(limits::kFeedBytes + 1, 'x'))),
            StatusCode::kInvalidArgument);
  EXPECT_EQ(code({.job = job, .feeder = "b", .bytes = "x\n", .close = true}),
            StatusCode::kInvalidArgument);
  EXPECT_THAT(feed(client, job, "b", 0, "\x1f\x8b\x08 and so on\n").message, HasSubstr("zcat"));
  EXPECT_EQ(code_of(close(client, job)), StatusCode::kOk);
  EXPECT_EQ(code_of(close(client, job)), StatusCode::kOk);
  EXPECT_THAT(feed(client, job, "e", 0, "x\n").message, HasSubstr("is closed"));
  EXPECT_EQ(maps_of(client, job), 1u);
}

TEST_F(FeedTest, AFullQueueTakesNothingUntilSomeOfItIsDone) {
  start_master();
  FakeClient client(address());
  const JobId job = submit_open(client, 1);
  std::string thousand;
  for (int i = 0; i < 1000; ++i) thousand += "x\n";
  std::uint64_t offset = 0;
  for (int i = 0; i < 10; ++i, offset += 2000) {
    ASSERT_EQ(code_of(feed(client, job, "a", offset, thousand)), StatusCode::kOk) << i;
  }
  const proto::FeedReply full = feed(client, job, "a", offset, "x\n");
  EXPECT_EQ(code_of(full), StatusCode::kExhausted);
  EXPECT_THAT(full.message, HasSubstr("10000 tasks that wait for a worker"));
  // However often it is offered, by however many.
  const auto waiting = client.status(job).queue;
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(code_of(feed(client, job, "f" + std::to_string(i), 0, thousand)),
              StatusCode::kExhausted);
  }
  EXPECT_EQ(client.status(job).queue.waiting, waiting.waiting);
  EXPECT_EQ(fed_files().size(), 10u) << "what is refused is not written";
  FakeWorker worker(address(), {.slots = 1});
  worker.introduce();
  worker.do_tasks(2);
  EXPECT_EQ(code_of(feed(client, job, "a", offset, "x\n")), StatusCode::kOk);
}

TEST_F(FeedTest, ManyAtATimeDoNotGoBeyondTheBoundTogether) {
  start_master();
  FakeClient client(address());
  const JobId job = submit_open(client, 1);
  std::string thousand;
  for (int i = 0; i < 1000; ++i) thousand += "x\n";
  // As many at once as one sender may have, of several senders: four times what there is room for.
  std::vector<std::unique_ptr<FakeClient>> senders;
  for (int i = 0; i < 5; ++i) senders.push_back(std::make_unique<FakeClient>(address()));
  for (std::size_t n = 0; n < kFeedsOfSender; ++n) {
    for (std::size_t i = 0; i < senders.size(); ++i) {
      const std::string feeder = "f" + std::to_string(i) + "-" + std::to_string(n);
      senders[i]->connection().send(batch(job, feeder, 0, thousand));
    }
  }
  unsigned taken = 0;
  for (std::size_t n = 0; n < kFeedsOfSender; ++n) {
    for (const auto& sender : senders) {
      const StatusCode code = code_of(sender->expect<proto::FeedReply>());
      taken += code == StatusCode::kOk ? 1 : 0;
      EXPECT_TRUE(code == StatusCode::kOk || code == StatusCode::kExhausted);
    }
  }
  EXPECT_EQ(taken, 10u);
  EXPECT_EQ(client.status(job).queue.waiting, kTasksWaiting);
}

TEST_F(FeedTest, AJobWithoutAnyInputIsAccepted) {
  start_master();
  FakeClient client(address());
  FakeWorker worker(address(), {.slots = 1});
  worker.introduce();
  proto::JobSpec open = spec(1);
  open.open = true;
  open.inputs.clear();
  const JobId job = client.submit(open);
  EXPECT_EQ(maps_of(client, job), 0u);
  EXPECT_EQ(code_of(close(client, job)), StatusCode::kOk);
  worker.do_tasks(1);
  EXPECT_EQ(client.wait(job).state, proto::JobState::kSucceeded);
}

TEST_F(FeedTest, RefusesOpenJobsThatCannotBe) {
  start_master();
  FakeClient client(address());
  const auto refused = [&](const std::function<void(proto::JobSpec*)>& change) {
    proto::JobSpec open = spec(1);
    open.open = true;
    change(&open);
    return client.try_submit(open).message;
  };
  using abi::RecordFormat;
  for (const RecordFormat format :
       {RecordFormat::kCsv, RecordFormat::kFixed, RecordFormat::kWholeFile}) {
    EXPECT_THAT(refused([&](proto::JobSpec* open) {
                  open->format = format;
                  open->fixed_length = 8;
                }),
                HasSubstr("is fed lines"));
  }
  EXPECT_THAT(refused([](proto::JobSpec* open) { open->partitions = 0; }), HasSubstr("-r N"));
  EXPECT_THAT(refused([](proto::JobSpec* open) { open->deadline_ms = 1000; }),
              HasSubstr("has no deadline"));
  EXPECT_THAT(refused([](proto::JobSpec* open) { open->input_tags = {"a"}; }),
              HasSubstr("named inputs"));
  EXPECT_THAT(refused([](proto::JobSpec* open) {
                open->prefer = {{"/in", {"a"}}};
              }),
              HasSubstr("can prefer no hosts"));
  EXPECT_THAT(refused([](proto::JobSpec* open) {
                open->gather = {.how = abi::Gather::kReduce, .arity = 2};
              }),
              HasSubstr("gathered by reducing"));
  EXPECT_THAT(
      refused([](proto::JobSpec* open) { open->completion.rule = proto::CompletionRule::kFirst; }),
      HasSubstr("all or all-completed"));
}

TEST(CutBatch, BeginsEachSplitWithALine) {
  proto::JobSpec spec;
  const std::string bytes = "a\nbb\n\nccc\nd";
  const auto ends = [&](std::uint64_t split_bytes) {
    spec.split_bytes = split_bytes;
    std::vector<std::uint64_t> found;
    std::uint64_t at = 0;
    for (const proto::Split& split : cut_batch(spec, "/f", bytes)) {
      EXPECT_EQ(split.pieces.at(0).begin, at);
      EXPECT_EQ(split.bytes, split.pieces[0].end - at);
      found.push_back(at = split.pieces[0].end);
    }
    return found;
  };
  EXPECT_EQ(ends(1), (std::vector<std::uint64_t>{2, 5, 6, 10, 11}));
  EXPECT_EQ(ends(3), (std::vector<std::uint64_t>{5, 10, 11}));
  EXPECT_EQ(ends(0), (std::vector<std::uint64_t>{11}));
  EXPECT_EQ(ends(100), (std::vector<std::uint64_t>{11}));
  spec.split_bytes = 1;
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "x\n";
  EXPECT_LE(cut_batch(spec, "/f", many).size(), 1000u);
  EXPECT_TRUE(cut_batch(spec, "/f", "").empty());
}

}  // namespace
}  // namespace fanfold::master
