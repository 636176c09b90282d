// What is kept of uploads: whole, verified and bounded.

#include "master/blobs/blob_store.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>

#include "common/digest/sha256.hpp"
#include "tests/exec/wrapped_file_system.hpp"
#include "tests/io/temporary_directory.hpp"

namespace fanfold::master {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string digest_of(const std::string& bytes) {
  Sha256 digest;
  digest.add(bytes);
  return digest.finish();
}

class BlobStoreTest : public testing::Test {
 protected:
  BlobStoreTest() { open(); }

  void open() {
    store_.reset();
    auto opened = BlobStore::open(io::posix_file_system(), directory_.path("blobs"), limits_);
    ASSERT_TRUE(opened.ok()) << opened.status().message();
    store_ = *std::move(opened);
  }
  Status begin(const std::string& bytes, const std::set<std::string>& named = {}) {
    return store_->begin(
        "alice", digest_of(bytes), bytes.size(), [&named] { return named; }, now_);
  }
  Status put_as(const std::string& sha256, const std::string& bytes) {
    FANFOLD_RETURN_IF_ERROR(store_->begin("alice", sha256, bytes.size(), none_, now_));
    FANFOLD_RETURN_IF_ERROR(store_->append("alice", sha256, bytes, now_));
    const BlobDone done = store_->end("alice", sha256)();
    store_->done(done, now_);
    return done.outcome;
  }
  Status put(const std::string& bytes) { return put_as(digest_of(bytes), bytes); }
  bool has(const std::string& bytes) const {
    return store_->size_of(digest_of(bytes)) == bytes.size();
  }
  std::vector<std::string> files() const {
    return *io::posix_file_system().list(directory_.path("blobs"));
  }

  const io::TemporaryDirectory directory_;
  BlobStore::Limits limits_{
      .bytes = 100, .blobs = 5, .uploads = 3, .uploads_of_owner = 2, .bytes_free = 0};
  std::unique_ptr<BlobStore> store_;
  const BlobStore::Named none_ = [] { return std::set<std::string>(); };
  Instant now_;
};

TEST_F(BlobStoreTest, KeepsWhatItsDigestSaysForItsOwnerAlone) {
  ASSERT_TRUE(put("plugin").ok());
  EXPECT_TRUE(has("plugin"));
  EXPECT_EQ(*store_->read(digest_of("plugin"), 2, 3), "ugi");
  EXPECT_EQ(*store_->read(digest_of("plugin"), 4, 99), "in");
  EXPECT_EQ(*store_->read(digest_of("plugin"), 6, 99), "");
  EXPECT_FALSE(store_->read(digest_of("plugin"), 7, 1).ok());
  struct stat info {};
  ASSERT_EQ(::stat(directory_.path("blobs").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(BlobStoreTest, KeepsNothingElse) {
  EXPECT_EQ(put_as(digest_of("plugin"), "plugon").code(), StatusCode::kCorruption);
  EXPECT_FALSE(has("plugin"));
  EXPECT_THAT(files(), IsEmpty());
  // And is not stopped by it.
  EXPECT_TRUE(put("plugin").ok());
}

TEST_F(BlobStoreTest, GoesOnWithWhatAnEarlierMasterKeptAndDropsWhatHadNotCome) {
  ASSERT_TRUE(put("kept").ok());
  ASSERT_TRUE(begin("coming").ok());
  ASSERT_TRUE(store_->append("alice", digest_of("coming"), "com", now_).ok());
  open();
  EXPECT_TRUE(has("kept"));
  EXPECT_EQ(store_->find("alice", digest_of("coming")), nullptr);
  EXPECT_THAT(files(), ElementsAre(digest_of("kept")));
  EXPECT_EQ(store_->bytes_kept(), 4u);
}

TEST_F(BlobStoreTest, RemovesWhatWasUsedLongestAgoAndNoJobNames) {
  const std::string a(40, 'a');
  const std::string b(40, 'b');
  const std::string c(40, 'c');
  ASSERT_TRUE(put(a).ok());
  ASSERT_TRUE(put(b).ok());
  store_->touch(digest_of(a), now_);
  // Whose job may be about to be submitted.
  EXPECT_EQ(put(c).code(), StatusCode::kExhausted);
  now_ = now_ + limits_.grace;
  ASSERT_TRUE(put(c).ok());
  EXPECT_TRUE(has(a));
  EXPECT_FALSE(has(b));
  now_ = now_ + limits_.grace;
  ASSERT_TRUE(begin(std::string(40, 'd'), {digest_of(a)}).ok());
  EXPECT_TRUE(has(a));
  EXPECT_FALSE(has(c));
  const Status full = begin(std::string(40, 'e'), {digest_of(a)});
  EXPECT_EQ(full.code(), StatusCode::kExhausted);
  EXPECT_THAT(full.message(), HasSubstr("wait for jobs to end"));
}

TEST_F(BlobStoreTest, RemovesNothingWhenThatWouldNotDo) {
  ASSERT_TRUE(put(std::string(40, 'a')).ok());
  ASSERT_TRUE(put(std::string(40, 'b')).ok());
  now_ = now_ + limits_.grace;
  EXPECT_FALSE(begin(std::string(90, 'c'), {digest_of(std::string(40, 'b'))}).ok());
  EXPECT_TRUE(has(std::string(40, 'a')));
}

TEST_F(BlobStoreTest, BoundsTheirNumberToo) {
  for (const char* bytes : {"1", "2", "3", "4", "5"}) ASSERT_TRUE(put(bytes).ok());
  EXPECT_EQ(put("6").code(), StatusCode::kExhausted);
  now_ = now_ + limits_.grace;
  ASSERT_TRUE(put("6").ok());
  EXPECT_FALSE(has("1"));
  EXPECT_EQ(files().size(), 5u);
}

TEST_F(BlobStoreTest, BoundsWhatIsOnItsWayAndForgetsWhatDoesNotGoOn) {
  ASSERT_TRUE(begin("one").ok());
  ASSERT_TRUE(begin("two").ok());
  EXPECT_EQ(begin("three").code(), StatusCode::kExhausted);
  ASSERT_TRUE(store_->begin("bob", digest_of("three"), 5, none_, now_).ok());
  EXPECT_EQ(store_->begin("carol", digest_of("four"), 4, none_, now_).code(),
            StatusCode::kExhausted);
  EXPECT_EQ(store_->bytes_under_way("alice"), 6u);
  now_ = now_ + limits_.patience;
  store_->expire(now_);
  ASSERT_TRUE(begin("three").ok());
  EXPECT_EQ(store_->find("alice", digest_of("one")), nullptr);
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(BlobStoreTest, TakesTheSameFromTwoAtOnce) {
  const std::string sha256 = digest_of("plugin");
  for (const char* owner : {"alice", "bob"}) {
    ASSERT_TRUE(store_->begin(owner, sha256, 6, none_, now_).ok());
    ASSERT_TRUE(store_->append(owner, sha256, "plugin", now_).ok());
  }
  const BlobDone first = store_->end("alice", sha256)();
  const BlobDone second = store_->end("bob", sha256)();
  store_->done(first, now_);
  store_->done(second, now_);
  EXPECT_TRUE(has("plugin"));
  EXPECT_EQ(store_->bytes_kept(), 6u);
  EXPECT_THAT(files(), ElementsAre(sha256));
}

TEST_F(BlobStoreTest, DropsWhatTheDiskHasDamaged) {
  const std::string sha256 = digest_of("plugin");
  ASSERT_TRUE(put("plugin").ok());
  store_->done(store_->check(sha256)(), now_);
  EXPECT_TRUE(has("plugin"));
  // What a disk or a process in trouble cannot read now may be there all the same.
  store_->done({{}, sha256, true, {StatusCode::kIoError, "too many open files"}}, now_);
  EXPECT_TRUE(has("plugin"));
  directory_.write("blobs/" + sha256, "plugon");
  store_->done(store_->check(sha256)(), now_);
  EXPECT_FALSE(has("plugin"));
  EXPECT_THAT(files(), IsEmpty());
  EXPECT_EQ(store_->bytes_kept(), 0u);
}

/// A disk of so many bytes, apart from what is on it.
class SmallDisk final : public worker::WrappedFileSystem {
 public:
  Result<std::uint64_t> free_bytes(const std::string&) override { return free; }
  std::uint64_t free = 0;
};

TEST_F(BlobStoreTest, LeavesRoomOnTheDiskForWhatTheMasterRecords) {
  SmallDisk disk;
  limits_.bytes_free = 50;
  store_ = *BlobStore::open(disk, directory_.path("blobs"), limits_);
  disk.free = 100;
  ASSERT_TRUE(begin(std::string(30, 'a')).ok());
  // What is on its way has not been written yet.
  const Status refused = begin(std::string(30, 'b'));
  EXPECT_EQ(refused.code(), StatusCode::kNoSpace);
  EXPECT_THAT(refused.message(), HasSubstr(directory_.path("blobs")));
  store_->forget("alice", digest_of(std::string(30, 'a')));
  ASSERT_TRUE(put(std::string(30, 'b')).ok());
  disk.free = 70;
  EXPECT_EQ(begin(std::string(30, 'c')).code(), StatusCode::kNoSpace);
  // What nobody needs makes room.
  now_ = now_ + limits_.grace;
  EXPECT_TRUE(begin(std::string(30, 'c')).ok());
  EXPECT_FALSE(has(std::string(30, 'b')));
}

}  // namespace
}  // namespace fanfold::master
