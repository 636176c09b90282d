// What the master's memory promises: whatever append() accepted is there after a crash, whole or
// not at all, and damage is noticed before anybody acts on it.

#include "master/store/store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "common/core/limits.hpp"
#include "master/store/fact_codec.hpp"

namespace fanfold::master {
namespace {

using testing::HasSubstr;

TaskId task(std::uint64_t job, std::uint32_t index) { return {JobId{job}, Stage::kMap, index}; }

AttemptCommitted every_commit(std::uint64_t job) {
  AttemptCommitted fact{task(job, 2), AttemptId{7ull << 40}, WorkerId{5}, true, 123, {4, 5, 6}, 7};
  fact.bad_records = 8;
  fact.failures = 9;
  fact.preferred = true;
  fact.there = true;
  return fact;
}

/// One fact of every kind, with values that tell fields apart.
std::vector<Fact> every_fact(std::uint64_t job) {
  JobSubmitted submitted;
  submitted.job = JobId{job};
  submitted.split_bytes = {10, 0, 1ull << 40};
  submitted.partitions = 8;
  submitted.sample = true;
  submitted.attempts_max = 3;
  submitted.speculate = false;
  submitted.verify_per_million = 20'000;
  submitted.completion = {proto::CompletionRule::kMinSuccessful, 2, 500'000};
  submitted.on_deadline = proto::OnDeadline::kPartial;
  submitted.deadline_unix_us = 1'700'000'000'000'000;
  submitted.retry = {{{"Task.Exit", "Task.Signal"}, 1500, 5, 2500, 60'000, proto::Jitter::kFull},
                     {.errors = {"States.ALL"}}};
  submitted.control = {3, 70, 4, true};
  submitted.replicas = {3, proto::AcceptRule::kQuorum, 950, 7};
  submitted.hosts = {{"web1", 2}, {"", 1}};
  submitted.sample_host = "web1";
  submitted.preferred_hosts = {{"near", "nearer"}, {"far"}};
  submitted.preferred = {{0, 2}, {PreferredSplits::kAnywhere, 1}};
  submitted.locality_wait_ms = 500;
  return {JobAccepted{submitted},
          every_commit(job),
          MapOutputInvalidated{task(job, 2), AttemptId{9}},
          TaskFailureCounted{task(job, 1), AttemptId{11}, proto::FailureKind::kSignal},
          JobCommitStarted{JobId{job}},
          WorkerRegistered{WorkerId{5}, 16, false},
          NonDeterminismFound{task(job, 2), AttemptId{9}, AttemptId{10}, {1, 2, 3}, {4, 5, 6}},
          WorkerGone{WorkerId{5}},
          PartitionsWeighed{JobId{job}, {{2, 900, true, 2}, {0, 90, false, 0}}, {3, 7}},
          TaskGivenUp{task(job, 1), AttemptId{11}, proto::FailureKind::kSignal},
          CoverageDecided{JobId{job}, proto::CompletionReason::kMinSuccessfulReached, 2},
          JobControlled{JobId{job}, {8, 60, 2, true}},
          DissentFound{task(job, 1), AttemptId{11}, WorkerId{5}, "host/1", 12, true, 13},
          JobEnded{JobId{job}, proto::JobState::kFailed, "why", task(job, 1), AttemptId{11}}};
}

Fact committed(std::uint64_t job, std::uint32_t index) {
  return AttemptCommitted{task(job, index), AttemptId{index + 1ull}, WorkerId{1}, false, 1, {}};
}
Fact accepted(std::uint64_t job) {
  JobSubmitted submitted;
  submitted.job = JobId{job};
  return JobAccepted{submitted};
}
Fact ended(std::uint64_t job) {
  JobEnded end;
  end.job = JobId{job};
  end.reason = "done";
  return end;
}

std::vector<StoredFact> noted(const std::vector<Fact>& facts) {
  std::vector<StoredFact> stored;
  for (const Fact& fact : facts) stored.push_back({fact, {}});
  return stored;
}
std::vector<Fact> facts_of(const std::vector<StoredFact>& stored) {
  std::vector<Fact> facts;
  for (const StoredFact& one : stored) facts.push_back(one.fact);
  return facts;
}

std::vector<std::string> described(const std::vector<Fact>& facts) {
  std::vector<std::string> texts;
  for (const Fact& fact : facts) {
    EncodedFact encoded = encode_fact(fact);
    texts.push_back(std::to_string(encoded.tag) + ":" + encoded.payload);
  }
  return texts;
}

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    char name[] = "/tmp/fanfold-store-XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    root_ = name;
  }
  ~StoreTest() override { std::filesystem::remove_all(root_); }

  std::string directory(const std::string& name = "state") const { return root_ + "/" + name; }

  OpenedStore opened(const std::string& name = "state") const {
    auto result = open_store(directory(name));
    EXPECT_TRUE(result.ok()) << result.status().message();
    return result.ok() ? *std::move(result) : OpenedStore{};
  }

  /// Opens, appends, closes.
  void append(const std::vector<Fact>& facts) const { append(noted(facts)); }
  void append(const std::vector<StoredFact>& facts) const {
    const Status status = opened().store->append(facts);
    EXPECT_TRUE(status.ok()) << status.message();
  }

  /// As somebody with a database tool would.
  void tamper(const std::string& sql) const {
    sqlite3* connection = nullptr;
    ASSERT_EQ(sqlite3_open((directory() + "/state.db").c_str(), &connection), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(connection);
  }

  std::string refusal(StatusCode code) const {
    const Status status = open_store(directory()).status();
    EXPECT_EQ(status.code(), code) << status.message();
    return status.message();
  }

  std::string root_;
};

TEST_F(StoreTest, GivesBackEveryKindOfFactInOrder) {
  std::vector<Fact> facts = every_fact(3);
  facts.pop_back();  // An ended job would be cut short.
  append(facts);
  EXPECT_EQ(described(facts_of(opened().stored.facts)), described(facts));
}

TEST_F(StoreTest, CountsHowOftenItWasOpened) {
  EXPECT_EQ(opened().stored.epoch, 1u);
  EXPECT_EQ(opened().stored.epoch, 2u);
  EXPECT_EQ(opened().stored.epoch, 3u);
}

TEST_F(StoreTest, KeepsItsIdentity) {
  const std::uint64_t identity = opened().stored.state_id;
  EXPECT_NE(identity, 0u);
  EXPECT_EQ(opened().stored.state_id, identity);
  EXPECT_NE(memory_store(1).stored.state_id, memory_store(1).stored.state_id);
}

TEST_F(StoreTest, MakesItsDirectoryForItsOwnerAlone) {
  opened();
  const auto permissions = std::filesystem::status(directory()).permissions();
  EXPECT_EQ(permissions, std::filesystem::perms::owner_all);
}

TEST_F(StoreTest, KeepsTheNoteBesideItsFact) {
  const std::string binary("\0\xff", 2);
  append(std::vector<StoredFact>{{accepted(1), binary}, {committed(1, 0), ""}});
  const std::vector<StoredFact> facts = opened().stored.facts;
  ASSERT_EQ(facts.size(), 2u);
  EXPECT_EQ(facts[0].note, binary);
  EXPECT_EQ(facts[1].note, "");
}

TEST_F(StoreTest, RefusesASecondMasterByName) {
  const OpenedStore first = opened();
  const std::string message = refusal(StatusCode::kUnavailable);
  EXPECT_THAT(message, HasSubstr(directory()));
  EXPECT_THAT(message, HasSubstr("process " + std::to_string(::getpid())));
}

TEST_F(StoreTest, KeepsOnlyTheEndOfAnEndedJob) {
  append(every_fact(1));
  append(std::vector<StoredFact>{{accepted(2), "s"}, {committed(2, 0), "r"}});
  for (int i = 0; i < 2; ++i) {
    const StoredState stored = opened().stored;
    EXPECT_EQ(described(facts_of(stored.facts)),
              described({every_fact(1).back(), accepted(2), committed(2, 0)}));
    EXPECT_EQ(stored.facts[1].note, "s");
  }
}

TEST_F(StoreTest, ForgetsWorkersThatWentBeforeEveryJobThatStillRuns) {
  append({WorkerRegistered{WorkerId{1}, 1}, WorkerGone{WorkerId{1}}});
  append({WorkerRegistered{WorkerId{2}, 1}, accepted(1), WorkerGone{WorkerId{2}}});
  append({WorkerRegistered{WorkerId{3}, 1}});
  // Facts of job 1 may name worker 2.
  EXPECT_EQ(described(facts_of(opened().stored.facts)),
            described({WorkerRegistered{WorkerId{2}, 1}, accepted(1), WorkerGone{WorkerId{2}},
                       WorkerRegistered{WorkerId{3}, 1}}));
  append({ended(1)});
  EXPECT_EQ(described(facts_of(opened().stored.facts)),
            described({WorkerRegistered{WorkerId{3}, 1}, ended(1)}));
}

TEST_F(StoreTest, ForgetsTheOldestOfVeryManyEndedJobs) {
  std::vector<Fact> facts;
  for (std::uint64_t job = 1; job <= limits::kJobsRemembered + 5; ++job) {
    facts.push_back(ended(job));
  }
  append(facts);
  const StoredState stored = opened().stored;
  ASSERT_EQ(stored.facts.size(), limits::kJobsRemembered);
  EXPECT_EQ(job_of(stored.facts.front().fact), JobId{6});
}

TEST_F(StoreTest, SurvivesTheDeathOfItsProcess) {
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto store = open_store(directory());
    const bool ok = store.ok() && store->store->append(noted({accepted(1)})).ok();
    // Nothing is closed, flushed or unlocked.
    if (ok) ::kill(::getpid(), SIGKILL);
    ::_exit(1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  const StoredState stored = opened().stored;
  EXPECT_EQ(described(facts_of(stored.facts)), described({accepted(1)}));
  EXPECT_EQ(stored.epoch, 2u);
}

// Wherever a power cut tears the log, what is found is a whole number of appends, oldest first.
TEST_F(StoreTest, KeepsWholeAppendsWhenItsLogIsTorn) {
  constexpr std::uint32_t kAppends = 12;
  OpenedStore live = opened();
  for (std::uint32_t i = 0; i < kAppends; ++i) {
    const std::vector<Fact> pair{committed(1, 2 * i), committed(1, 2 * i + 1)};
    ASSERT_TRUE(live.store->append(noted(pair)).ok());
  }
  const std::string log = directory() + "/state.db-wal";
  const std::uintmax_t size = std::filesystem::file_size(log);
  std::size_t most = 0;
  for (std::uintmax_t cut = 0; cut <= size; cut += 2500) {
    const std::string copy = "copy" + std::to_string(cut);
    std::filesystem::create_directory(directory(copy));
    std::filesystem::copy_file(directory() + "/state.db", directory(copy) + "/state.db");
    std::filesystem::copy_file(log, directory(copy) + "/state.db-wal");
    std::filesystem::resize_file(directory(copy) + "/state.db-wal", cut);
    const std::vector<Fact> found = facts_of(opened(copy).stored.facts);
    ASSERT_EQ(found.size() % 2, 0u) << "torn at " << cut;
    for (std::uint32_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(described({found[i]}), described({committed(1, i)})) << "torn at " << cut;
    }
    ASSERT_GE(found.size(), most);
    most = found.size();
    std::filesystem::remove_all(directory(copy));
  }
  EXPECT_GE(most, 2 * kAppends - 2);
}

TEST_F(StoreTest, RecordsNothingOfAnAppendThatFails) {
  OpenedStore live = opened();
  ASSERT_TRUE(live.store->append(noted({accepted(1)})).ok());
  struct rlimit before {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto ignored = ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit tight = before;
  tight.rlim_cur = 200'000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  const std::vector<StoredFact> huge{{committed(1, 0), std::string(2u << 20, 'n')}};
  const Status status = live.store->append(huge);
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, ignored);
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr(directory()));
  live = {};
  const StoredState stored = opened().stored;
  EXPECT_EQ(described(facts_of(stored.facts)), described({accepted(1)}));
}

TEST_F(StoreTest, NoticesAFactThatWasChanged) {
  append({accepted(1), committed(1, 0)});
  tamper("UPDATE facts SET job = 2 WHERE sequence = 2");
  const std::string message = refusal(StatusCode::kCorruption);
  EXPECT_THAT(message, HasSubstr("fact 2 has a wrong checksum"));
  EXPECT_THAT(message, HasSubstr(directory()));
  EXPECT_THAT(message, HasSubstr("move its directory away"));
}

TEST_F(StoreTest, NoticesANoteThatWasChanged) {
  append(std::vector<StoredFact>{{accepted(1), "text"}});
  tamper("UPDATE facts SET note = x'00'");
  EXPECT_THAT(refusal(StatusCode::kCorruption), HasSubstr("fact 1 has a wrong checksum"));
}

TEST_F(StoreTest, KnowsThatAnotherMasterHasTakenOver) {
  const OpenedStore live = opened();
  EXPECT_TRUE(live.store->confirm().ok());
  // A master that slept for long while somebody removed its lock and started another one.
  std::filesystem::remove(directory() + "/lock");
  EXPECT_EQ(live.store->confirm().code(), StatusCode::kAborted);
  EXPECT_EQ(live.store->append(noted({accepted(1)})).code(), StatusCode::kAborted);
}

TEST_F(StoreTest, KnowsThatItsLockSpeaksOfAnotherMaster) {
  OpenedStore live = opened();
  ASSERT_TRUE(live.store->append(noted({accepted(1)})).ok());
  std::ofstream(directory() + "/lock") << "4711 epoch 9\n";
  EXPECT_EQ(live.store->append(noted({committed(1, 0)})).code(), StatusCode::kAborted);
  live = {};
  EXPECT_EQ(described(facts_of(opened().stored.facts)), described({accepted(1)}));
}

TEST_F(StoreTest, KeepsRoomForWhatAFullDiskInterrupts) {
  const OpenedStore live = opened();
  EXPECT_EQ(std::filesystem::file_size(directory() + "/reserve"),
            static_cast<std::uintmax_t>(limits::kStateReserveBytes));
  EXPECT_FALSE(live.store->exhausted());
}

TEST_F(StoreTest, DoesNotCountAnOpeningThatFails) {
  append({accepted(1)});
  tamper("UPDATE facts SET epoch = 77");
  refusal(StatusCode::kCorruption);
  tamper("UPDATE facts SET epoch = 1");
  EXPECT_EQ(opened().stored.epoch, 2u);
}

TEST_F(StoreTest, NoticesAFileThatIsNoDatabase) {
  std::filesystem::create_directory(directory());
  std::ofstream(directory() + "/state.db") << std::string(5000, 'x');
  EXPECT_THAT(refusal(StatusCode::kCorruption), HasSubstr("not a database"));
}

TEST_F(StoreTest, NoticesBrokenPages) {
  std::vector<Fact> facts;
  for (std::uint32_t i = 0; i < 3000; ++i) facts.push_back(committed(1, i));
  append(facts);
  const auto size = std::filesystem::file_size(directory() + "/state.db");
  std::fstream file(directory() + "/state.db", std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(size / 2));
  file << std::string(2000, '\x55');
  file.close();
  refusal(StatusCode::kCorruption);
}

TEST_F(StoreTest, RefusesTheFormatOfALaterVersion) {
  append({accepted(1)});
  tamper("PRAGMA user_version = 9");
  EXPECT_THAT(refusal(StatusCode::kInvalidArgument), HasSubstr("format 9"));
}

TEST_F(StoreTest, NamesADirectoryThatCannotBeMade) {
  const Status status = open_store(directory("missing/state")).status();
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_THAT(status.message(), HasSubstr(directory("missing/state") + ": No such file"));
}

TEST(MemoryStore, KeepsTheEpochItIsGivenAndNothingElse) {
  OpenedStore opened = memory_store(42);
  EXPECT_EQ(opened.stored.epoch, 42u);
  EXPECT_TRUE(opened.store->append(noted(every_fact(1))).ok());
  EXPECT_TRUE(memory_store(43).stored.facts.empty());
}

TEST(FactCodec, RefusesWhateverIsNotAWholeFact) {
  for (const Fact& fact : every_fact(1)) {
    const EncodedFact encoded = encode_fact(fact);
    ASSERT_TRUE(decode_fact(encoded.tag, encoded.version, encoded.payload).ok());
    for (std::size_t size = 0; size < encoded.payload.size(); ++size) {
      const std::string cut = encoded.payload.substr(0, size);
      EXPECT_EQ(decode_fact(encoded.tag, encoded.version, cut).status().code(),
                StatusCode::kCorruption);
    }
    const std::string longer = encoded.payload + "x";
    EXPECT_FALSE(decode_fact(encoded.tag, encoded.version, longer).ok());
    EXPECT_FALSE(decode_fact(encoded.tag, encoded.version + 1, encoded.payload).ok());
    EXPECT_FALSE(decode_fact(99, encoded.version, encoded.payload).ok());
  }
}

}  // namespace
}  // namespace fanfold::master
