// An output directory is absent or complete at every instant, and says what is in it.

#include <sys/stat.h>

#include <functional>
#include <map>

#include "common/io/manifest.hpp"
#include "tests/io/child.hpp"
#include "tests/publish/failing_file_system.hpp"
#include "tests/publish/publish_fixture.hpp"

namespace fanfold::master {
namespace {

class Publish : public PublishFixture {
 protected:
  std::vector<std::string> names(const std::string& directory) {
    return *io::posix_file_system().list(directory_.path(directory));
  }

  void expect_refused(const Status& status, StatusCode code,
                      const std::vector<std::string>& words) {
    EXPECT_EQ(status.code(), code) << status.message();
    for (const std::string& word : words) {
      EXPECT_NE(status.message().find(word), std::string::npos)
          << word << " is missing in: " << status.message();
    }
    EXPECT_FALSE(std::filesystem::exists(request_.staging)) << "nothing may be left behind";
  }
};

TEST_F(Publish, StagesBesideTheOutput) {
  EXPECT_EQ(staging_directory("/data/out", "7"), "/data/.out.fanfold-7");
  EXPECT_EQ(staging_directory("/data/out/", "7"), "/data/.out.fanfold-7");
  EXPECT_EQ(staging_directory("/out", "7"), "/.out.fanfold-7");
}

TEST_F(Publish, ShowsCommittedFilesAndNothingElse) {
  ASSERT_TRUE(prepare().ok());
  commit_two_parts();
  const auto published = publish_now();
  ASSERT_TRUE(published.ok()) << published.status().message();
  EXPECT_EQ(published->files, 2u);
  EXPECT_EQ(published->records, 2u);
  EXPECT_EQ(published->bytes, 8u);
  EXPECT_EQ(names("out"),
            (std::vector<std::string>{"_SUCCESS", "part-00000-of-00002", "part-00001-of-00002"}));
  EXPECT_EQ(directory_.read("out/part-00001-of-00002"), "b\t2\n");
  EXPECT_EQ(names(""), std::vector<std::string>{"out"});
}

TEST_F(Publish, WritesAManifestThatDescribesEveryFile) {
  ASSERT_TRUE(prepare().ok());
  commit_two_parts();
  request_.spec.parameters = {{"pattern", "x"}};
  request_.spec.key_order = "bytes";
  request_.status.counters = {{"bad lines", 5}};
  request_.status.failed_attempts = 2;
  proto::StageStatus map;
  map.stage = Stage::kMap;
  map.tasks = 9;
  map.records_in = 77;
  request_.status.stages = {map};
  ASSERT_TRUE(publish_now().ok());
  const auto manifest = io::read_manifest(io::posix_file_system(), directory_.path("out"));
  ASSERT_TRUE(manifest.ok()) << manifest.status().message();
  EXPECT_EQ(manifest->job_name, "word_count");
  EXPECT_EQ(manifest->partitions, 2u);
  EXPECT_EQ(manifest->key_order, "bytes");
  EXPECT_EQ(manifest->parameters.at("pattern"), "x");
  EXPECT_EQ(manifest->counters.at("bad lines"), 5);
  EXPECT_EQ(manifest->input_records, 77u);
  EXPECT_EQ(manifest->run.map_tasks, 9u);
  EXPECT_EQ(manifest->run.failed_attempts, 2u);
  ASSERT_EQ(manifest->files.size(), 2u);
  for (const io::PartInfo& file : manifest->files) {
    const auto digest =
        io::digest_file(io::posix_file_system(), directory_.path("out/" + file.name));
    EXPECT_EQ(file.bytes, digest->bytes);
    EXPECT_EQ(file.checksum, digest->checksum);
  }
}

TEST_F(Publish, JoinsNamedOutputsOfMappersInTheOrderOfSplits) {
  ASSERT_TRUE(prepare().ok());
  commit_two_parts();
  request_.maps = {attempt(8, {{"rejects-map", "first\n"}, {"only-map", "once\n"}}),
                   attempt(5, {{"rejects-map", "second\n"}}), attempt(6, {}),
                   attempt(7, {{"rejects-map", "third\n"}})};
  const auto published = publish_now();
  ASSERT_TRUE(published.ok()) << published.status().message();
  EXPECT_EQ(directory_.read("out/rejects-map"), "first\nsecond\nthird\n");
  EXPECT_EQ(directory_.read("out/only-map"), "once\n");
  EXPECT_EQ(published->records, 6u);
}

TEST_F(Publish, VerifiesEveryFile) {
  for (const char* damage : {"size", "bytes", "gone", "joined"}) {
    ASSERT_TRUE(prepare().ok());
    commit_two_parts();
    request_.maps = {attempt(8, {{"n-map", "first\n"}}), attempt(9, {{"n-map", "second\n"}})};
    const std::string staging = request_.staging.substr(directory_.path().size() + 1);
    const std::string part = staging + "/14/part-00001-of-00002";
    const std::string what = damage;
    if (what == "size") directory_.write(part, "b\t22\n");
    if (what == "bytes") directory_.write(part, "b\t3\n");
    if (what == "gone") std::filesystem::remove(directory_.path(part));
    if (what == "joined") directory_.write(staging + "/9/n-map", "Second\n");
    const auto published = publish_now();
    EXPECT_EQ(published.status().code(),
              what == "gone" ? StatusCode::kNotFound : StatusCode::kCorruption)
        << what << ": " << published.status().message();
    EXPECT_FALSE(directory_.contains("out"));
    std::filesystem::remove_all(request_.staging);
  }
}

TEST_F(Publish, RefusesTwoOutputsOfOneName) {
  ASSERT_TRUE(prepare().ok());
  request_.reduces = {attempt(1, {{"same", "x"}}), attempt(2, {{"same", "y"}})};
  const auto published = publish_now();
  EXPECT_EQ(published.status().code(), StatusCode::kInvalidArgument);
  EXPECT_NE(published.status().message().find("same"), std::string::npos);
  request_.maps = request_.reduces;
  request_.reduces.pop_back();
  EXPECT_EQ(publish_now().status().code(), StatusCode::kInvalidArgument);
}

TEST_F(Publish, RefusesNamesThatLeaveTheDirectory) {
  ASSERT_TRUE(prepare().ok());
  for (const char* name : {"../escape", "_SUCCESS", ".hidden", "a b", ""}) {
    request_.reduces = {AttemptFiles{AttemptId{1}, {io::PartInfo{name, 0, 0, 0}}}};
    EXPECT_EQ(publish_now().status().code(), StatusCode::kInvalidArgument) << name;
  }
  EXPECT_FALSE(directory_.contains("out"));
}

TEST_F(Publish, NeverReplacesAnOutputThatAppearedMeanwhile) {
  ASSERT_TRUE(prepare().ok());
  commit_two_parts();
  directory_.write("out/precious", "data");
  const auto published = publish_now();
  EXPECT_EQ(published.status().code(), StatusCode::kAlreadyExists);
  EXPECT_NE(published.status().message().find("appeared while the job ran"), std::string::npos);
  EXPECT_EQ(names("out"), std::vector<std::string>{"precious"});
}

TEST_F(Publish, ReplacesAnEarlierOutputWhenAsked) {
  ASSERT_TRUE(prepare().ok());
  commit_two_parts();
  ASSERT_TRUE(publish_now().ok());
  request_.job = JobId{4};
  request_.spec.client_id = "submission-2";
  request_.spec.on_exists = proto::OnExists::kReplace;
  ASSERT_TRUE(prepare().ok());
  request_.reduces = {attempt(21, {{"part-00000-of-00001", "new\n"}})};
  const auto published = publish_now();
  ASSERT_TRUE(published.ok()) << published.status().message();
  EXPECT_EQ(names("out"), (std::vector<std::string>{"_SUCCESS", "part-00000-of-00001"}));
  EXPECT_EQ(names(""), std::vector<std::string>{"out"});
}

TEST_F(Publish, TakesWhatAnotherMasterPublishedForItsOwn) {
  ASSERT_TRUE(prepare().ok());
  commit_two_parts();
  request_.epoch = 2;
  // The master before it was paused just before its rename; here it wakes up after the next one's.
  io::TemporaryDirectory kept;
  std::filesystem::copy(request_.staging, kept.path("staging"),
                        std::filesystem::copy_options::recursive);
  ASSERT_TRUE(publish_now().ok());
  std::filesystem::copy(kept.path("staging"), request_.staging,
                        std::filesystem::copy_options::recursive);
  request_.epoch = 1;
  const auto again = publish_now();
  ASSERT_TRUE(again.ok()) << again.status().message();
  EXPECT_EQ(again->records, 2u);
  EXPECT_EQ(names(""), std::vector<std::string>{"out"});
}

/// Publishes with the file system failing at every change in turn.  After each failure the output
/// is what it was or what it was to be; calling again then succeeds.
class PublishInterrupted : public Publish {
 protected:
  bool complete() {
    const auto manifest = io::read_manifest(io::posix_file_system(), request_.spec.output);
    if (!manifest.ok()) return false;
    for (const io::PartInfo& file : manifest->files) {
      const auto digest =
          io::digest_file(io::posix_file_system(), request_.spec.output + "/" + file.name);
      EXPECT_TRUE(digest.ok() && digest->checksum == file.checksum);
    }
    return manifest->run.client_id == request_.spec.client_id;
  }

  /// `set_up` makes what lies at the output path before; `is_as_before` finds it there.
  void interrupt_everywhere(const std::function<void()>& set_up,
                            const std::function<bool()>& is_as_before) {
    int changes = 0;
    int unpublished = 0;
    for (int failing = 1; changes == 0 || failing <= changes; ++failing) {
      SCOPED_TRACE("interrupted at change " + std::to_string(failing));
      std::filesystem::remove_all(request_.spec.output);
      set_up();
      ASSERT_TRUE(prepare().ok());
      commit_two_parts();
      request_.maps = {attempt(8, {{"n-map", "first\n"}}), attempt(9, {{"n-map", "second\n"}})};
      io::FailingFileSystem files(io::posix_file_system(), failing);
      const auto first = publish(files, request_);
      EXPECT_TRUE(complete() || is_as_before());
      EXPECT_TRUE(complete() || !first.ok());
      unpublished += is_as_before() ? 1 : 0;
      if (!files.failed()) changes = files.changes();
      const auto again = publish_now();
      ASSERT_TRUE(again.ok()) << again.status().message();
      EXPECT_TRUE(complete());
      EXPECT_EQ(again->files, 3u);
      EXPECT_EQ(names(""), std::vector<std::string>{"out"});
      ASSERT_LT(failing, 100);
    }
    // Publishing is near the end: two parts, a joined file, a manifest and their syncs come first.
    EXPECT_GT(unpublished, 10);
    EXPECT_LT(unpublished, changes);
  }
};

TEST_F(PublishInterrupted, LeavesNoOutputOrAWholeOne) {
  interrupt_everywhere([] {}, [&] { return !directory_.contains("out"); });
}

TEST_F(PublishInterrupted, LeavesTheOldOutputOrTheWholeNewOne) {
  request_.spec.on_exists = proto::OnExists::kReplace;
  interrupt_everywhere(
      [&] {
        directory_.write("out/_SUCCESS", "{}");
        directory_.write("out/old", "old");
      },
      [&] { return directory_.contains("out/old"); });
}

class PrepareOutput : public Publish {};

TEST_F(PrepareOutput, CreatesTheStagingDirectory) {
  ASSERT_TRUE(prepare().ok());
  EXPECT_TRUE(std::filesystem::is_directory(request_.staging));
  EXPECT_TRUE(prepare().ok()) << "a restarted master prepares again";
}

TEST_F(PrepareOutput, RefusesAnOutputThatExistsAndNamesTheFlag) {
  std::filesystem::create_directory(directory_.path("out"));
  expect_refused(prepare(), StatusCode::kAlreadyExists,
                 {directory_.path("out"), "--on-exists replace"});
}

TEST_F(PrepareOutput, RefusesAFileEvenToReplace) {
  directory_.write("out", "x");
  expect_refused(prepare(), StatusCode::kAlreadyExists, {"not a directory"});
  request_.spec.on_exists = proto::OnExists::kReplace;
  expect_refused(prepare(), StatusCode::kAlreadyExists, {"not a directory"});
}

TEST_F(PrepareOutput, ReplacesOnlyOutputsAndEmptyDirectories) {
  request_.spec.on_exists = proto::OnExists::kReplace;
  directory_.write("out/thesis.tex", "x");
  expect_refused(prepare(), StatusCode::kInvalidArgument, {"_SUCCESS", "will not replace"});
  directory_.write("out/_SUCCESS", "{}");
  EXPECT_TRUE(prepare().ok());
  std::filesystem::remove_all(directory_.path("out"));
  std::filesystem::create_directory(directory_.path("out"));
  EXPECT_TRUE(prepare().ok());
}

/// Directories do not change places, as on NFS, GlusterFS or MooseFS.
class WithoutExchange final : public io::FailingFileSystem {
 public:
  WithoutExchange() : FailingFileSystem(io::posix_file_system(), 0) {}
  Status publish(const std::string& from, const std::string& to, io::Replace replace) override {
    if (replace == io::Replace::kExchange) return {StatusCode::kIoError, "cannot exchange " + to};
    return FailingFileSystem::publish(from, to, replace);
  }
};

TEST_F(PrepareOutput, RefusesToReplaceWhereItCouldNotBeDoneInTheEnd) {
  WithoutExchange files;
  EXPECT_TRUE(prepare_output(files, request_.spec, request_.staging).ok());
  EXPECT_TRUE(std::filesystem::is_empty(request_.staging));
  request_.spec.on_exists = proto::OnExists::kReplace;
  directory_.write("out/_SUCCESS", "{}");
  expect_refused(prepare_output(files, request_.spec, request_.staging), StatusCode::kIoError,
                 {"cannot replace output " + directory_.path("out"), "cannot exchange"});
  EXPECT_FALSE(std::filesystem::exists(request_.staging));
  // Where it can be done, nothing is left of the trial.
  EXPECT_TRUE(prepare().ok());
  EXPECT_TRUE(std::filesystem::is_empty(request_.staging));
}

TEST_F(PrepareOutput, NeverReplacesItsOwnInput) {
  request_.spec.on_exists = proto::OnExists::kReplace;
  directory_.write("out/_SUCCESS", "{}");
  request_.spec.inputs = {directory_.path("out/part-*")};
  expect_refused(prepare(), StatusCode::kInvalidArgument, {"input", directory_.path("out")});
  request_.spec.inputs = {"left=" + directory_.path("out")};
  request_.spec.input_tags = {"left"};
  expect_refused(prepare(), StatusCode::kInvalidArgument, {"input", directory_.path("out")});
}

TEST_F(PrepareOutput, NamesAMissingParent) {
  request_.spec.output = directory_.path("no/such/out");
  request_.staging = staging_directory(request_.spec.output, "1");
  expect_refused(prepare(), StatusCode::kNotFound, {directory_.path("no/such"), "create it"});
  directory_.write("file", "x");
  request_.spec.output = directory_.path("file/out");
  request_.staging = staging_directory(request_.spec.output, "1");
  EXPECT_FALSE(prepare().ok());
}

TEST_F(PrepareOutput, NamesAParentThatMayNotBeWritten) {
  ::chmod(directory_.path().c_str(), 0755);
  io::run_unprivileged([&]() -> std::string {
    const Status status = prepare();
    if (status.ok()) return "prepared";
    const bool clear = status.message().find("Permission denied") != std::string::npos &&
                       status.message().find(request_.spec.output) != std::string::npos;
    return clear ? "" : "unclear: " + status.message();
  });
}

TEST_F(PrepareOutput, RefusesNoOutputAtAll) {
  for (const char* output : {"", "/", "//"}) {
    request_.spec.output = output;
    EXPECT_EQ(prepare().code(), StatusCode::kInvalidArgument);
  }
}

TEST_F(Publish, CallsAPartialOutputPartial) {
  ASSERT_TRUE(prepare().ok());
  commit_two_parts();
  io::Coverage& coverage = request_.coverage.emplace();
  coverage.map_tasks = 2;
  coverage.covered = 1;
  coverage.missing = {{1, "stopped", "", 0, {}}};
  ASSERT_TRUE(publish_now().ok());
  EXPECT_EQ(names("out"),
            (std::vector<std::string>{"_PARTIAL", "part-00000-of-00002", "part-00001-of-00002"}));
  // A crash came after the rename: it is found to be there.
  EXPECT_TRUE(publish_now().ok());
  // And it may be replaced as any output.
  request_.spec.on_exists = proto::OnExists::kReplace;
  EXPECT_TRUE(prepare().ok());
}

}  // namespace
}  // namespace fanfold::master
