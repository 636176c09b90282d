// Files that the master keeps come to a worker once, whole and verified, whoever wants them.

#include "worker/blobs/blob_cache.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/core/clock.hpp"
#include "tests/io/temporary_directory.hpp"
#include "worker/service/brought_files.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr AttemptId kFirst{1};
constexpr AttemptId kSecond{2};

std::string digest_of(const std::string& bytes) {
  Sha256 digest;
  digest.add(bytes);
  return digest.finish();
}

class BlobCacheTest : public testing::Test {
 protected:
  void want(AttemptId attempt, const std::string& file) {
    cache_.want(now_, {attempt, digest_of(file), "plugin.so", false, {}});
  }
  /// What the master would say to the next question, of which there must be one.
  proto::BlobPart answer(const std::string& file, std::size_t bytes = proto::kBlobPartBytes) {
    const auto question = cache_.take_question(now_);
    EXPECT_TRUE(question.has_value());
    if (!question) return {};
    asked_ = *question;
    return {.sha256 = question->sha256,
            .offset = question->offset,
            .size = file.size(),
            .bytes = file.substr(question->offset, bytes),
            .message = {}};
  }
  void bring(const std::string& file) { cache_.take(now_, answer(file)); }
  std::string contents(const FileBrought& brought) const {
    return brought.path.ok() ? directory_.read(brought.path->substr(directory_.path().size() + 1))
                             : brought.path.status().message();
  }
  std::size_t files() const {
    std::size_t count = 0;
    const std::string root = directory_.path("files");
    if (!std::filesystem::exists(root)) return 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      count += entry.is_regular_file() ? 1 : 0;
    }
    return count;
  }

  const io::TemporaryDirectory directory_;
  BlobCache cache_{io::posix_file_system(), {.directory = directory_.path("files"), .bytes = 20}};
  Instant now_;
  proto::GetBlob asked_;
};

TEST_F(BlobCacheTest, BringsAFileOnceForAllThatWantIt) {
  want(kFirst, "plugin");
  want(kSecond, "plugin");
  cache_.take(now_, answer("plugin", 4));
  EXPECT_EQ(asked_.offset, 0u);
  EXPECT_THAT(cache_.take_answers(), IsEmpty());
  bring("plugin");
  EXPECT_EQ(asked_.offset, 4u);
  std::vector<FileBrought> brought = cache_.take_answers();
  ASSERT_EQ(brought.size(), 2u);
  EXPECT_EQ(contents(brought[0]), "plugin");
  EXPECT_EQ(contents(brought[1]), "plugin");
  EXPECT_THAT(*brought[0].path, HasSubstr("/plugin.so"));
  cache_.forget(kFirst);
  cache_.forget(kSecond);
  want(AttemptId{3}, "plugin");
  EXPECT_FALSE(cache_.take_question(now_).has_value());
  EXPECT_EQ(contents(cache_.take_answers().at(0)), "plugin");
  EXPECT_EQ(cache_.figures().fetched, 1u);
  EXPECT_EQ(cache_.figures().reused, 1u);
}

TEST_F(BlobCacheTest, AsksAgainAtGrowingIntervalsForAsLongAsItTakes) {
  want(kFirst, "plugin");
  std::vector<Duration> pauses;
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(cache_.take_question(now_).has_value());
    EXPECT_FALSE(cache_.take_question(now_).has_value());
    pauses.push_back(*cache_.next_deadline() - now_);
    now_ = *cache_.next_deadline();
  }
  EXPECT_THAT(pauses, testing::ElementsAre(1s, 2s, 4s, 8s, 8s, 8s));
  EXPECT_THAT(cache_.waiting(), testing::ElementsAre(kFirst));
  bring("plugin");
  EXPECT_EQ(contents(cache_.take_answers().at(0)), "plugin");
  EXPECT_FALSE(cache_.next_deadline().has_value());
}

TEST_F(BlobCacheTest, AsksNoSoonerAgainThanPartsTake) {
  want(kFirst, "plugin");
  const proto::BlobPart first = answer("plugin", 3);
  now_ = now_ + 5s;
  cache_.take(now_, first);
  ASSERT_TRUE(cache_.take_question(now_).has_value());
  EXPECT_EQ(*cache_.next_deadline() - now_, 10s);
}

TEST_F(BlobCacheTest, TakesNoPartTwiceAndNoneOfSomethingElse) {
  want(kFirst, "plugin");
  const proto::BlobPart part = answer("plugin", 3);
  cache_.take(now_, part);
  cache_.take(now_, part);
  proto::BlobPart other = part;
  other.sha256 = digest_of("other");
  other.offset = 3;
  cache_.take(now_, other);
  bring("plugin");
  EXPECT_EQ(contents(cache_.take_answers().at(0)), "plugin");
}

TEST_F(BlobCacheTest, BelievesNoImpossibleParts) {
  const auto refuses = [&](const std::function<void(proto::BlobPart&)>& spoil) {
    want(kFirst, "plugin");
    proto::BlobPart part = answer("plugin", 3);
    spoil(part);
    cache_.take(now_, part);
    const std::vector<FileBrought> answers = cache_.take_answers();
    return answers.size() == 1 && !answers[0].path.ok();
  };
  EXPECT_TRUE(refuses([](auto& part) { part.size = proto::kBlobBytes + 1; }));
  EXPECT_TRUE(refuses([](auto& part) { part.size = 2; }));
  EXPECT_TRUE(refuses([](auto& part) { part.bytes.clear(); }));
  EXPECT_TRUE(refuses([&](auto& part) {
    cache_.take(now_, part);
    part.offset = 3;
    part.size = 7;
  }));
  EXPECT_EQ(files(), 0u);
}

TEST_F(BlobCacheTest, SaysOnceMoreThatItCameDamagedAndThenGivesUp) {
  want(kFirst, "plugin");
  bring("plugon");
  EXPECT_FALSE(asked_.damaged);
  bring("plugin");
  EXPECT_TRUE(asked_.damaged);
  EXPECT_EQ(contents(cache_.take_answers().at(0)), "plugin");

  want(kFirst, "other");
  bring("uther");
  bring("uther");
  EXPECT_THAT(contents(cache_.take_answers().at(0)), HasSubstr("twice"));
  EXPECT_EQ(files(), 1u);
  EXPECT_EQ(cache_.figures().damaged, 3u);
}

TEST_F(BlobCacheTest, BringsAnewWhatWasChangedHere) {
  want(kFirst, "plugin");
  bring("plugin");
  const std::string before = *cache_.take_answers().at(0).path;
  cache_.want(now_, {kFirst, digest_of("plugin"), "plugin.so", true, before});
  bring("plugin");
  const FileBrought again = cache_.take_answers().at(0);
  EXPECT_EQ(contents(again), "plugin");
  EXPECT_NE(*again.path, before);
  EXPECT_EQ(files(), 1u);
  // Who says so later gets the new one.
  cache_.want(now_, {kSecond, digest_of("plugin"), "plugin.so", true, before});
  EXPECT_FALSE(cache_.take_question(now_).has_value());
  EXPECT_EQ(*cache_.take_answers().at(0).path, *again.path);
}

TEST_F(BlobCacheTest, TellsWhyItCannotBeHadAndGoesOnWithTheNext) {
  want(kFirst, "plugin");
  want(kSecond, "other");
  proto::BlobPart none = answer("");
  none.code = static_cast<std::uint8_t>(StatusCode::kNotFound);
  none.message = "the master has no copy of it";
  cache_.take(now_, none);
  const FileBrought refused = cache_.take_answers().at(0);
  EXPECT_EQ(refused.attempt, kFirst);
  EXPECT_EQ(refused.path.status().code(), StatusCode::kNotFound);
  bring("other");
  EXPECT_EQ(contents(cache_.take_answers().at(0)), "other");
}

TEST_F(BlobCacheTest, MakesRoomOfWhatNobodyUses) {
  const std::string large(12, 'l');
  want(kFirst, large);
  bring(large);
  want(kSecond, "plugin");
  bring("plugin");
  cache_.forget(kSecond);
  // Used by nobody, but recently; the large one is in use.
  want(kSecond, "other");
  bring("other");
  EXPECT_EQ(files(), 2u);
  cache_.take_answers();
  want(AttemptId{3}, large);
  EXPECT_EQ(contents(cache_.take_answers().at(0)), large);
  want(AttemptId{3}, "plugin");
  EXPECT_TRUE(cache_.take_question(now_).has_value());
}

TEST_F(BlobCacheTest, AnswersNobodyWhoIsGone) {
  want(kFirst, "plugin");
  cache_.forget(kFirst);
  bring("plugin");
  EXPECT_THAT(cache_.take_answers(), IsEmpty());
  want(kSecond, "plugin");
  EXPECT_EQ(contents(cache_.take_answers().at(0)), "plugin");
}

TEST_F(BlobCacheTest, NamesNoPathByWhatAJobCallsAFile) {
  for (const std::string name : {"..", ".", "", "a/b", "x\0y"}) {
    cache_.want(now_, {kFirst, digest_of("f" + name), name, false, {}});
    bring("f" + name);
    const FileBrought brought = cache_.take_answers().at(0);
    ASSERT_TRUE(brought.path.ok()) << name;
    EXPECT_THAT(*brought.path, HasSubstr("/file")) << name;
  }
  cache_.want(now_, {kFirst, digest_of("long"), std::string(300, 'n'), false, {}});
  bring("long");
  EXPECT_EQ(contents(cache_.take_answers().at(0)), "long");
}

TEST_F(BlobCacheTest, OfNoBytesIsAFileToo) {
  want(kFirst, "");
  bring("");
  const FileBrought brought = cache_.take_answers().at(0);
  ASSERT_TRUE(brought.path.ok());
  EXPECT_EQ(contents(brought), "");
}

class WantingExecutors final : public Executors {
 public:
  void start(Instant, ExecutorTask) override {}
  void kill(Instant, AttemptId, proto::FailureKind) override {}
  Result<std::vector<AttemptEnded>> take_ended(Instant) override {
    return std::vector<AttemptEnded>();
  }
  bool has_ended() const override { return false; }
  std::optional<Instant> next_deadline() const override { return std::nullopt; }
  ProgressSeen progress() const override { return {}; }
  AttemptLog::Part output(AttemptId, std::uint64_t, std::size_t) const override { return {}; }
  std::vector<FileWanted> take_wanted() override { return std::exchange(wanted, {}); }
  void bring(const FileBrought& one) override { brought.push_back(one); }
  void note_waiting(AttemptId attempt) override { waited.push_back(attempt); }

  std::vector<FileWanted> wanted;
  std::vector<FileBrought> brought;
  std::vector<AttemptId> waited;
};

TEST(BroughtFiles, AreNotAskedOfAMasterThatDoesNotKnowThem) {
  const io::TemporaryDirectory directory;
  WantingExecutors executors;
  Log log;
  BroughtFiles files({io::posix_file_system(), executors, log}, directory.path("files"));
  executors.wanted = {{kFirst, digest_of("a"), "a", false, {}},
                      {kSecond, digest_of("b"), "b", false, {}}};
  std::vector<std::string> sent;
  const auto send = [&sent](std::string frame) { sent.push_back(std::move(frame)); };
  files.turn(Instant(), {WorkerId{1}, proto::kProtocolBefore}, send);
  EXPECT_THAT(sent, IsEmpty());
  ASSERT_EQ(executors.brought.size(), 2u);
  EXPECT_THAT(executors.brought[0].path.status().message(),
              testing::AllOf(HasSubstr("protocol 6"), HasSubstr("put the file there")));

  executors.waited.clear();
  executors.wanted = {{kFirst, digest_of("a"), "a", false, {}}};
  files.turn(Instant(), {WorkerId{1}, proto::kProtocolVersion}, send);
  ASSERT_EQ(sent.size(), 1u);
  const auto message = proto::decode<proto::WorkerMessage>(sent[0]);
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(std::get<proto::GetBlob>(*message).worker, WorkerId{1});
  // Whoever waits for it is not taken for hanging.
  EXPECT_THAT(executors.waited, testing::ElementsAre(kFirst));
}

}  // namespace
}  // namespace fanfold::worker
