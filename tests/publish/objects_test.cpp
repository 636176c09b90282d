// Publishing to an object store, and what becomes of it when something comes in between.

#include "master/publish/publish_objects.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/io/unseen_part.hpp"
#include "common/s3/s3_file_system.hpp"
#include "tests/s3/upload_server.hpp"

namespace fanfold::master {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class PublishObjects : public testing::Test {
 protected:
  PublishObjects()
      : server_([this](const s3::Heard& heard) {
          const bool removal = heard.method == "DELETE";
          const bool refused = heard.path == (removal ? refuse_removal_ : refuse_).load();
          return refused ? s3::Reaction{s3::s3_error(403, "AccessDenied")} : store_.answer(heard);
        }),
        files_(
            s3::make_s3_file_system([this](const std::string& name) -> std::optional<std::string> {
              if (name == "AWS_ENDPOINT_URL") return server_.url();
              if (name.ends_with("_KEY_ID") || name.ends_with("_ACCESS_KEY")) return "key";
              return std::nullopt;
            })) {
    request_.job = JobId{3};
    request_.spec.job_name = "word_count";
    request_.spec.client_id = "submission-1";
    request_.spec.output = "s3://bucket/out";
    request_.partitions = 2;
    request_.staging = staging_directory(request_.spec.output, "1-3");
    EXPECT_TRUE(prepare_output(*files_, request_.spec, request_.staging).ok());
    request_.reduces = {reduce(11, "part-0", "a\t1\n"), reduce(14, "part-1", "b\t2\n")};
    reduce(12, "part-1", "of a late attempt");
  }

  std::string staged(std::uint64_t attempt, const std::string& name) const {
    return request_.staging + "/" + std::to_string(attempt) + "/" + name;
  }
  AttemptFiles finished(std::uint64_t id, Result<std::unique_ptr<io::PartWriter>> part,
                        const std::string& text) {
    EXPECT_TRUE(part.ok()) << part.status().message();
    EXPECT_TRUE((*part)->write(text, 1).ok());
    EXPECT_TRUE((*part)->finish().ok());
    return {AttemptId{id}, {(*part)->info()}};
  }
  AttemptFiles reduce(std::uint64_t id, const std::string& name, const std::string& text) {
    return finished(id,
                    io::create_unseen_part(*files_, staged(id, name), "s3://bucket/out/" + name,
                                           name, io::PartCompression::kNone),
                    text);
  }
  AttemptFiles map(std::uint64_t id, const std::string& name, const std::string& text) {
    return finished(
        id, io::create_part(*files_, staged(id, name), name, io::PartCompression::kNone), text);
  }
  Result<Published> publish_now() { return publish(*files_, request_); }

  std::atomic<const char*> refuse_ = "";          // A path.
  std::atomic<const char*> refuse_removal_ = "";  // The same, of one that can be read.
  s3::UploadServer store_;
  s3::ScriptedServer server_;
  std::unique_ptr<io::FileSystem> files_;
  PublishRequest request_;
};

TEST_F(PublishObjects, ShowsAllAndLeavesNothingElse) {
  const auto published = publish_now();
  ASSERT_TRUE(published.ok()) << published.status().message();
  EXPECT_EQ(published->files, 2u);
  EXPECT_THAT(store_.names(), ElementsAre("out/_SUCCESS", "out/part-0", "out/part-1"));
  EXPECT_EQ(store_.object("out/part-1"), "b\t2\n");
  EXPECT_EQ(store_.open_uploads(), 0u);
  EXPECT_EQ(store_.aborted(), 1);
  // The same request again: it had succeeded.
  EXPECT_TRUE(publish_now().ok());
}

TEST_F(PublishObjects, JoinsWhatMapsWroteInTheOrderOfTheirSplits) {
  request_.maps = {map(2, "log-map", "first\n"), map(1, "log-map", "second\n")};
  ASSERT_TRUE(publish_now().ok());
  EXPECT_EQ(store_.object("out/log-map"), "first\nsecond\n");
}

TEST_F(PublishObjects, GoesOnWhereAMasterDied) {
  store_.put("out/_COMMITTING", request_.staging + "\njob submission-1\npart-0\npart-1\n");
  ASSERT_TRUE(files_->reveal(staged(11, "part-0"), "s3://bucket/out/part-0").ok());
  const auto published = publish_now();
  ASSERT_TRUE(published.ok()) << published.status().message();
  EXPECT_THAT(store_.names(), ElementsAre("out/_SUCCESS", "out/part-0", "out/part-1"));
}

TEST_F(PublishObjects, LeavesAnotherJobItsPlace) {
  store_.put("out/_COMMITTING", "s3://bucket/.out.fanfold-other\n");
  const Status status = publish_now().status();
  EXPECT_EQ(status.code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(status.message(), HasSubstr("another job is writing to s3://bucket/out"));
  ASSERT_TRUE(remove_staging_directory(*files_, request_.staging).ok());
  EXPECT_THAT(store_.names(), ElementsAre("out/_COMMITTING"));
  EXPECT_EQ(store_.open_uploads(), 0u);
}

TEST_F(PublishObjects, LeavesAnotherJobItsPlaceThatHasTheSameStagingDirectory) {
  store_.put("out/_COMMITTING", request_.staging + "\njob submission-2\npart-0\npart-1\n");
  const Status status = publish_now().status();
  EXPECT_EQ(status.code(), StatusCode::kAlreadyExists);
  EXPECT_THAT(status.message(), HasSubstr("another job is writing to s3://bucket/out"));
  EXPECT_FALSE(store_.has("out/part-0"));
}

TEST_F(PublishObjects, TakesBackWhatItShowedAndNothingElse) {
  store_.allow_completions(1);
  EXPECT_FALSE(publish_now().ok());
  EXPECT_TRUE(store_.has("out/_COMMITTING"));
  EXPECT_FALSE(store_.has("out/_SUCCESS"));
  store_.put("out/of-somebody", "");
  ASSERT_TRUE(remove_staging_directory(*files_, request_.staging).ok());
  EXPECT_THAT(store_.names(), ElementsAre("out/of-somebody"));
  EXPECT_EQ(store_.open_uploads(), 0u);
}

TEST_F(PublishObjects, RemovesNoOutputThatIsComplete) {
  ASSERT_TRUE(publish_now().ok());
  // Its master died before it could let go.
  store_.put("out/_COMMITTING", request_.staging + "\njob submission-1\npart-0\npart-1\n");
  ASSERT_TRUE(remove_staging_directory(*files_, request_.staging).ok());
  EXPECT_THAT(store_.names(), ElementsAre("out/_SUCCESS", "out/part-0", "out/part-1"));
}

TEST_F(PublishObjects, CallsNoOutputMissingThatItCouldNotLookFor) {
  refuse_.store("/bucket/out/_SUCCESS");
  EXPECT_FALSE(publish_now().ok());
  EXPECT_FALSE(store_.has("out/part-0"));
  EXPECT_FALSE(store_.has("out/_COMMITTING"));
}

TEST_F(PublishObjects, HasSucceededWhenOnlyItsClaimCannotBeRemoved) {
  refuse_removal_.store("/bucket/out/_COMMITTING");
  const auto published = publish_now();
  EXPECT_TRUE(published.ok()) << published.status().message();
  EXPECT_TRUE(store_.has("out/_SUCCESS"));
}

TEST_F(PublishObjects, NamesAFileThatIsNotAsItWasWritten) {
  request_.reduces[0].files[0].bytes += 1;
  const Status status = publish_now().status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("s3://bucket/out/part-0 is not what attempt 11 wrote"));
  EXPECT_FALSE(store_.has("out/_SUCCESS"));
}

TEST_F(PublishObjects, KeepsTheOldOutputWhenTheNewOneIsNotWhole) {
  ASSERT_TRUE(publish_now().ok());
  request_.spec.client_id = "submission-2";
  request_.spec.on_exists = proto::OnExists::kReplace;
  request_.reduces = {reduce(21, "part-0", "new\n")};
  store_.forget_uploads();
  EXPECT_THAT(publish_now().status().message(), HasSubstr("the upload of s3://bucket/out/part-0"));
  ASSERT_TRUE(remove_staging_directory(*files_, request_.staging).ok());
  EXPECT_THAT(store_.names(), ElementsAre("out/_SUCCESS", "out/part-0", "out/part-1"));
  EXPECT_EQ(store_.object("out/part-0"), "a\t1\n");
}

TEST_F(PublishObjects, TakesTheOldManifestAwayBeforeItReplacesAnOutput) {
  ASSERT_TRUE(publish_now().ok());
  request_.spec.client_id = "submission-2";
  request_.spec.on_exists = proto::OnExists::kReplace;
  request_.reduces = {reduce(21, "part-0", "new\n")};
  store_.allow_completions(0);
  EXPECT_FALSE(publish_now().ok());
  EXPECT_THAT(store_.names(), testing::Not(testing::Contains("out/_SUCCESS")));
  store_.allow_completions(10);
  ASSERT_TRUE(publish_now().ok());
  EXPECT_THAT(store_.names(), ElementsAre("out/_SUCCESS", "out/part-0"));
  EXPECT_EQ(store_.object("out/part-0"), "new\n");
}

}  // namespace
}  // namespace fanfold::master
