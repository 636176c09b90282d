// What tasks produce beside their records: named outputs, counters; and the side files they use.

#include <filesystem>

#include "tests/exec/exec_fixture.hpp"
#include "worker/exec/side_files.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::worker {
namespace {

class TaskOutputs : public ExecFixture {
 protected:
  Run map(const std::string& text) {
    return run({.job = &job_info<Demanding>(), .inputs = {input("a", text)}, .partitions = 1});
  }
  Plan reduce_of(const Run& map) {
    EXPECT_TRUE(map.ok()) << map.failure().message;
    return {.job = &job_info<Demanding>(),
            .stage = Stage::kReduce,
            .segments = {local(map, 0)},
            .partitions = 1};
  }
};

TEST_F(TaskOutputs, AMapWritesItsNamedOutputs) {
  const Run done = map("write rejects\nx\nwrite rejects\nwrite others\n");
  ASSERT_TRUE(done.ok()) << done.failure().message;
  EXPECT_EQ(staged(done.attempt, "rejects-map"), "written by a map\nwritten by a map\n");
  EXPECT_EQ(staged(done.attempt, "others-map"), "written by a map\n");
  ASSERT_EQ(done.report().files.size(), 2u);
  EXPECT_EQ(done.report().files[0].name, "others-map");
  EXPECT_EQ(done.report().files[1].name, "rejects-map");
  EXPECT_EQ(done.report().files[1].records, 2u);
  EXPECT_EQ(done.report().files[1].bytes, 34u);
}

TEST_F(TaskOutputs, AReduceWritesItsNamedOutputsBesideItsPart) {
  const Run done = run(reduce_of(map("write rejects\nx\n")));
  ASSERT_TRUE(done.ok()) << done.failure().message;
  EXPECT_EQ(staged(done.attempt, "part-00000-of-00001"), "write rejects\t1\nx\t1\n");
  EXPECT_EQ(staged(done.attempt, "rejects-00000-of-00001"), "write rejects\t1\n");
  EXPECT_EQ(done.report().files.size(), 2u);
  EXPECT_EQ(done.report().records_out, 3u);
}

TEST_F(TaskOutputs, DoNotComeBackAfterTheirJobWasCleanedUp) {
  std::filesystem::remove(directory_.path("staging"));
  const Run late = map("write rejects\n");
  ASSERT_FALSE(late.ok());
  EXPECT_EQ(late.failure().kind, FailureKind::kIo);
  EXPECT_NE(late.failure().message.find("staging"), std::string::npos) << late.failure().message;
  EXPECT_FALSE(std::filesystem::exists(directory_.path("staging")));
}

TEST_F(TaskOutputs, CompressedOutputsSayItInTheirNames) {
  Plan plan = reduce_of(map("write rejects\nx\n"));
  plan.spec.output_compression = io::PartCompression::kGzip;
  const Run done = run(plan);
  ASSERT_TRUE(done.ok()) << done.failure().message;
  const std::string bytes = staged(done.attempt, "part-00000-of-00001.gz");
  EXPECT_EQ(bytes.substr(0, 2), "\x1f\x8b");
  EXPECT_TRUE(is_staged(done.attempt, "rejects-00000-of-00001.gz"));
}

TEST_F(TaskOutputs, NamesThatAreNoFileNamesAreRefused) {
  for (const std::string name : {"../escape", "a/b", ".hidden", "_SUCCESS", "a b"}) {
    const Run done = map("write " + name + "\n");
    EXPECT_FALSE(done.ok()) << name;
    EXPECT_EQ(done.failure().kind, FailureKind::kException) << name;
    EXPECT_NE(done.failure().message.find(name), std::string::npos) << done.failure().message;
  }
  EXPECT_FALSE(directory_.contains("escape-map"));
}

TEST_F(TaskOutputs, TheNameOfThePartsIsTaken) {
  const Run done = map("write part\n");
  EXPECT_EQ(done.failure().kind, FailureKind::kException);
  EXPECT_NE(done.failure().message.find("'part'"), std::string::npos) << done.failure().message;
}

TEST_F(TaskOutputs, HasNoMoreNamedOutputsThanItMay) {
  const Run done = map("write much\n");
  EXPECT_EQ(done.failure().kind, FailureKind::kException);
  EXPECT_NE(done.failure().message.find("100"), std::string::npos) << done.failure().message;
}

TEST_F(TaskOutputs, AddsUpItsCounters) {
  const Run done = map("count\nx\ncount\ncount down\n");
  ASSERT_TRUE(done.ok());
  const std::map<std::string, std::int64_t> expected = {{"lines that count", 3}};
  EXPECT_EQ(done.report().counters, expected);
  const Run reduce = run(reduce_of(done));
  ASSERT_TRUE(reduce.ok());
  EXPECT_EQ(reduce.report().counters.at("keys"), 3);
}

TEST_F(TaskOutputs, HasNoMoreCountersThanItMay) {
  const Run done = map("count much\n");
  EXPECT_EQ(done.failure().kind, FailureKind::kException);
  EXPECT_NE(done.failure().message.find("1000 counters"), std::string::npos)
      << done.failure().message;
}

class SideFileUse : public TaskOutputs {
 protected:
  proto::FileReference side_file(const std::string& name, const std::string& contents) {
    const std::string path = directory_.write("side/" + name, contents);
    return {name, path, sha256_of_bytes(contents)};
  }
  Run map_with(const proto::FileReference& reference, const std::string& text,
               SideFiles* side_files = nullptr) {
    Plan plan{.job = &job_info<Demanding>(),
              .inputs = {input("a", text)},
              .partitions = 1,
              .side_files = side_files};
    plan.spec.side_files = {reference};
    return run(plan);
  }
  void expect_input_failure(const Run& done, const std::string& words) {
    EXPECT_FALSE(done.ok());
    EXPECT_EQ(done.failure().kind, FailureKind::kInput);
    EXPECT_NE(done.failure().message.find(words), std::string::npos) << done.failure().message;
  }
};

TEST_F(SideFileUse, GivesTheJobItsContents) {
  const Run done = map_with(side_file("stop", "the contents"), "read stop\n");
  ASSERT_TRUE(done.ok()) << done.failure().message;
  EXPECT_EQ(records_of(output_path(done.attempt), 0)[1].first, "the contents");
}

TEST_F(SideFileUse, AnEmptyFileIsFine) {
  const Run done = map_with(side_file("stop", ""), "read stop\n");
  ASSERT_TRUE(done.ok()) << done.failure().message;
  EXPECT_EQ(records_of(output_path(done.attempt), 0)[0].first, "");
}

TEST_F(SideFileUse, RefusesAFileThatChangedSinceItWasSubmitted) {
  const proto::FileReference reference = side_file("stop", "the contents");
  directory_.write("side/stop", "other things");
  const Run done = map_with(reference, "read stop\n");
  expect_input_failure(done, "is not the file that was submitted");
  EXPECT_NE(done.failure().message.find(reference.path), std::string::npos);
}

TEST_F(SideFileUse, NamesAFileThatIsGone) {
  const proto::FileReference reference = side_file("stop", "the contents");
  std::filesystem::remove(reference.path);
  expect_input_failure(map_with(reference, "read stop\n"), reference.path);
}

TEST_F(SideFileUse, SaysHowToGiveAFileThatTheJobWants) {
  expect_input_failure(map_with(side_file("stop", "x"), "read words\n"), "--file words=PATH");
}

TEST_F(SideFileUse, IsReadOnceForAllTasksOfAnExecutor) {
  SideFiles kept;
  const proto::FileReference reference = side_file("stop", "the contents");
  ASSERT_TRUE(map_with(reference, "read stop\n", &kept).ok());
  std::filesystem::remove(reference.path);
  EXPECT_TRUE(map_with(reference, "read stop\n", &kept).ok());
  EXPECT_FALSE(map_with(reference, "read stop\n").ok());
}

TEST_F(SideFileUse, TwoFilesOfOneNameAreToldApartByTheirContents) {
  SideFiles kept;
  const auto first = kept.contents(side_file("stop", "of one job"));
  ASSERT_TRUE(first.ok());
  const proto::FileReference other{"stop", directory_.write("side/other", "of another"),
                                   sha256_of_bytes("of another")};
  const auto second = kept.contents(other);
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(*first, "of one job");
  EXPECT_EQ(*second, "of another");
}

}  // namespace
}  // namespace fanfold::worker
