// The master's memory while system calls fail, one after the other: what append() accepted is there
// afterwards, what it refused is there whole or not at all, and the reason names the place.

#include "tests/support/failing_calls.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "master/store/fact_codec.hpp"
#include "master/store/store.hpp"

namespace fanfold::master {
namespace {

using support::Call;
using support::CallFailure;
using support::FailureCase;
using testing::AnyOf;
using testing::HasSubstr;

namespace fs = std::filesystem;

std::vector<StoredFact> append_number(std::uint64_t number) {
  // Two facts, so that half of an append could be told; a note of more than one page.
  JobSubmitted submitted;
  submitted.job = JobId{2 * number};
  return {{JobAccepted{submitted}, std::string(6000, 'n')},
          {AttemptCommitted{
               {JobId{2 * number}, Stage::kMap, 0}, AttemptId{number}, WorkerId{1}, false, 1, {}},
           "note"}};
}

/// What happened to one store while calls failed.
struct Story {
  Status status;  // Of the first operation that did not succeed.
  std::uint64_t epoch = 0;
  std::uint64_t accepted = 0;  // Appends.
  std::uint64_t tried = 0;
  bool exhausted = false;
};

class FailingStore : public testing::Test {
 protected:
  FailingStore() {
    char name[] = "/tmp/fanfold-store-XXXXXX";
    EXPECT_NE(::mkdtemp(name), nullptr);
    root_ = name;
  }
  ~FailingStore() override { fs::remove_all(root_); }

  std::string directory() const { return root_ + "/state"; }

  /// A master's life: opens, appends, asks, closes; up to the first error, as a master does.
  Story live(std::uint64_t appends) const {
    Story story;
    auto opened = open_store(directory());
    story.status = opened.status();
    if (!opened.ok()) return story;
    story.epoch = opened->stored.epoch;
    for (; story.accepted < appends && story.status.ok(); ++story.accepted) {
      story.tried = story.accepted + 1;
      story.status = opened->store->append(append_number(story.tried));
      if (!story.status.ok()) break;
    }
    if (story.status.ok()) story.status = opened->store->confirm();
    story.exhausted = opened->store->exhausted();
    return story;
  }

  /// Another master, where nothing fails any more.
  void expect_whole_appends(const Story& story) const {
    auto opened = open_store(directory());
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    EXPECT_GT(opened->stored.epoch, story.epoch);
    const std::vector<StoredFact>& facts = opened->stored.facts;
    EXPECT_EQ(facts.size() % 2, 0u);
    EXPECT_GE(facts.size() / 2, story.accepted);
    EXPECT_LE(facts.size() / 2, story.tried);
    for (std::uint64_t i = 0; i < facts.size() / 2; ++i) {
      const std::vector<StoredFact> expected = append_number(i + 1);
      EXPECT_EQ(job_of(facts[2 * i].fact), job_of(expected[0].fact));
      EXPECT_EQ(facts[2 * i].note, expected[0].note);
      EXPECT_EQ(facts[2 * i + 1].note, expected[1].note);
    }
  }

  void expect_explained(const Story& story) const {
    EXPECT_THAT(story.status.code(), AnyOf(StatusCode::kIoError, StatusCode::kNoSpace))
        << story.status.message();
    EXPECT_THAT(story.status.message(), HasSubstr(directory()));
  }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory())) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  std::string root_;
};

class FailingCalls : public FailingStore, public testing::WithParamInterface<FailureCase> {
 protected:
  static constexpr std::uint64_t kAppends = 3;

  /// `set_up` makes the store that the calls begin to fail on.
  void expect_right_or_explained(const std::function<void()>& set_up) {
    set_up();
    ASSERT_TRUE(live(kAppends).status.ok());
    const CallFailure& failure = GetParam().failure;
    const auto descriptors = support::open_descriptors();
    const auto rounds = support::for_each_failing_call(
        failure, GetParam().sticky,
        [&](const std::string& what) {
          const Story story = live(kAppends);
          const std::uint64_t failed = support::disarm();
          SCOPED_TRACE(what);
          if (story.status.ok()) {
            EXPECT_EQ(story.accepted, kAppends);
          } else {
            EXPECT_FALSE(failure.harmless) << story.status.message();
            expect_explained(story);
          }
          EXPECT_EQ(support::open_descriptors(), descriptors);
          expect_whole_appends(story);
          EXPECT_EQ(support::open_descriptors(), descriptors);
          EXPECT_EQ(files(), (std::vector<std::string>{"lock", "reserve", "state.db"}));
          return failed;
        },
        [&] {
          fs::remove_all(directory());
          set_up();
        });
    // Without a failure this shows nothing.
    EXPECT_GT(rounds, 1u);
  }
};

TEST_P(FailingCalls, OfAStoreThatIsMade) {
  expect_right_or_explained([] {});
}

TEST_P(FailingCalls, OfAStoreThatForgetsAWorker) {
  expect_right_or_explained([this] {
    auto opened = open_store(directory());
    ASSERT_TRUE(opened.ok());
    const std::vector<StoredFact> facts = {
        {WorkerRegistered{WorkerId{1}, 1}, std::string(9000, 'o')}, {WorkerGone{WorkerId{1}}, {}}};
    ASSERT_TRUE(opened->store->append(facts).ok());
  });
}

/// SQLite's own memory: it has to give back what an append had taken so far.
const CallFailure kNoMemoryForSqlite = {"NoMemoryForSqlite", 0 | Call::kAllocate, ENOMEM, false};

std::vector<FailureCase> all_cases() {
  std::vector<FailureCase> cases = support::cases_of(support::failures_of_files());
  cases.push_back({kNoMemoryForSqlite, false});
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Each, FailingCalls, testing::ValuesIn(all_cases()),
                         [](const auto& info) { return testing::PrintToString(info.param); });

sqlite3_mem_methods real_memory;

class FailingMemory : public testing::Environment {
 public:
  void SetUp() override {
    ASSERT_EQ(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real_memory), SQLITE_OK);
    sqlite3_mem_methods failing = real_memory;
    failing.xMalloc = [](int size) {
      return support::fails(Call::kAllocate) ? nullptr : real_memory.xMalloc(size);
    };
    failing.xRealloc = [](void* memory, int size) {
      return support::fails(Call::kAllocate) ? nullptr : real_memory.xRealloc(memory, size);
    };
    ASSERT_EQ(sqlite3_config(SQLITE_CONFIG_MALLOC, &failing), SQLITE_OK);
  }
};
const auto* const kFailingMemory = testing::AddGlobalTestEnvironment(new FailingMemory);

}  // namespace
}  // namespace fanfold::master
