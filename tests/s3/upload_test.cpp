// Objects being written: in parts, unseen until they are revealed, gone when they are dropped.

#include "common/s3/upload.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/s3/removal.hpp"
#include "common/s3/s3_file_system.hpp"
#include "tests/s3/upload_server.hpp"

namespace fanfold::s3 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class S3Writing : public testing::Test {
 protected:
  S3Writing()
      : server_([this](const Heard& heard) { return uploads_.answer(heard); }),
        files_(make_s3_file_system([this](const std::string& name) -> std::optional<std::string> {
          if (name == "AWS_ENDPOINT_URL") return server_.url();
          if (name.ends_with("_KEY_ID") || name.ends_with("_ACCESS_KEY")) return "key";
          if (name == "FANFOLD_S3_PAYLOAD_SIGNING" && !signing_.empty()) return signing_;
          return std::nullopt;
        })) {}

  std::unique_ptr<io::WritableFile> begin_unseen() {
    auto file = files_->create_unseen("s3://bucket/stage/part", "s3://bucket/out/part");
    EXPECT_TRUE(file.ok()) << file.status().message();
    return *std::move(file);
  }
  Status reveal() { return files_->reveal("s3://bucket/stage/part", "s3://bucket/out/part"); }

  /// What is said of the contents of each part, in its signature.
  std::set<std::string> digests_of_parts() const {
    std::set<std::string> digests;
    for (const Heard& heard : server_.heard()) {
      const bool part = heard.query.contains("partNumber");
      const std::string& digest = heard.headers.at("x-amz-content-sha256");
      if (part) digests.insert(digest);
      EXPECT_TRUE(part || digest.size() == 64) << heard.method << " " << heard.path;
    }
    return digests;
  }

  std::string signing_;
  UploadServer uploads_;
  ScriptedServer server_;
  std::unique_ptr<io::FileSystem> files_;
};

TEST_F(S3Writing, ShowsNothingBeforeItIsRevealed) {
  const auto file = begin_unseen();
  ASSERT_TRUE(file->append("some").ok());
  ASSERT_TRUE(file->append(" bytes").ok());
  EXPECT_EQ(reveal().code(), StatusCode::kCorruption);  // It is not whole.
  ASSERT_TRUE(file->close().ok());
  EXPECT_FALSE(uploads_.has("out/part"));
  ASSERT_TRUE(reveal().ok());
  EXPECT_EQ(uploads_.object("out/part"), "some bytes");
}

TEST_F(S3Writing, JoinsPartsInTheirOrder) {
  const auto file = begin_unseen();
  std::string whole;
  for (int i = 0; whole.size() < 3 * kPartBytes + 1000; ++i) {
    const std::string piece = std::to_string(i) + std::string(100'000, 'x');
    ASSERT_TRUE(file->append(piece).ok());
    whole += piece;
  }
  ASSERT_TRUE(file->close().ok());
  ASSERT_TRUE(reveal().ok());
  EXPECT_TRUE(uploads_.object("out/part") == whole);
}

TEST_F(S3Writing, SignsWhatIsInPartsUnlessItIsTold) {
  ASSERT_TRUE(begin_unseen()->close().ok());
  EXPECT_THAT(digests_of_parts(), ElementsAre(testing::SizeIs(64)));
}

TEST_F(S3Writing, LeavesPartsUnsignedWhereThatIsSaid) {
  signing_ = "false";
  const auto file = begin_unseen();
  ASSERT_TRUE(file->append("some bytes").ok());
  ASSERT_TRUE(file->close().ok());
  ASSERT_TRUE(reveal().ok());
  EXPECT_EQ(uploads_.object("out/part"), "some bytes");
  EXPECT_THAT(digests_of_parts(), ElementsAre("UNSIGNED-PAYLOAD"));
}

TEST_F(S3Writing, RevealsTheEmpty) {
  ASSERT_TRUE(begin_unseen()->close().ok());
  ASSERT_TRUE(reveal().ok());
  EXPECT_EQ(uploads_.object("out/part"), "");
}

TEST_F(S3Writing, RevealsTwiceWhenAnAnswerWasLost) {
  ASSERT_TRUE(begin_unseen()->close().ok());
  uploads_.lose_the_answer_to_completion();
  EXPECT_TRUE(reveal().ok());
  EXPECT_TRUE(reveal().ok());
}

TEST_F(S3Writing, SaysThatAnUploadIsGone) {
  ASSERT_TRUE(begin_unseen()->close().ok());
  uploads_.forget_uploads();
  const Status status = reveal();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("the upload of s3://bucket/out/part is gone"));
}

TEST_F(S3Writing, AbortsWhatIsDropped) {
  ASSERT_TRUE(begin_unseen()->append("some").ok());
  EXPECT_EQ(uploads_.aborted(), 1);
}

TEST_F(S3Writing, AbortsWithItsRecordWhatNobodyRevealed) {
  ASSERT_TRUE(begin_unseen()->close().ok());
  ASSERT_TRUE(files_->remove_tree("s3://bucket/stage").ok());
  EXPECT_EQ(uploads_.aborted(), 1);
  EXPECT_FALSE(uploads_.has("stage/part.upload"));
}

TEST_F(S3Writing, CreatesNothingTwice) {
  const auto first = files_->create("s3://bucket/a");
  const auto second = files_->create("s3://bucket/a");
  ASSERT_TRUE((*first)->append("first").ok());
  ASSERT_TRUE((*first)->close().ok());
  ASSERT_TRUE((*second)->append("second").ok());
  EXPECT_EQ((*second)->close().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(files_->create("s3://bucket/a").status().code(), StatusCode::kAlreadyExists);
  EXPECT_EQ(uploads_.object("a"), "first");
}

TEST_F(S3Writing, KnowsItsOwnObjectWhenTheAnswerWasLost) {
  const auto file = files_->create("s3://bucket/a");
  ASSERT_TRUE((*file)->append("bytes").ok());
  uploads_.lose_the_answer_to_put();
  EXPECT_TRUE((*file)->close().ok());
  EXPECT_EQ(uploads_.object("a"), "bytes");
}

TEST_F(S3Writing, RemovesNoWholeBucket) {
  EXPECT_THAT(files_->remove_tree("s3://bucket/").message(), HasSubstr("will not remove all"));
}

TEST(S3UploadRecord, IsReadAsItWasWritten) {
  UploadRecord record;
  record.key = "a b/\n\xc3\xbc";
  record.id = "2~x/+=";
  record.tag = "0123";
  record.bytes = 77;
  record.parts = {"\"one\"", "\"two\""};
  record.whole = true;
  const auto read = parse_upload_record(to_text(record));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->key, record.key);
  EXPECT_EQ(read->id, record.id);
  EXPECT_EQ(read->tag, record.tag);
  EXPECT_EQ(read->bytes, record.bytes);
  EXPECT_EQ(read->parts, record.parts);
  EXPECT_TRUE(read->whole);
  for (const char* text : {"", "x", "fanfold-upload 1\n", "fanfold-upload 2\nkey a\nid b\n"}) {
    EXPECT_EQ(parse_upload_record(text).status().code(), StatusCode::kCorruption) << text;
  }
}

}  // namespace
}  // namespace fanfold::s3
