// How tasks fail: one clear cause each, charged to the right account.

#include <filesystem>

#include "tests/exec/exec_fixture.hpp"
#include "tests/exec/wrapped_file_system.hpp"

namespace fanfold::worker {
namespace {

class FailingTask : public ExecFixture {
 protected:
  Run demanding(const std::string& text, const std::string& when = "") {
    Plan plan{.job = &job_info<Demanding>(), .inputs = {input("a", text)}};
    plan.spec.parameters["when"] = when;
    return run(plan);
  }
  void expect_failure(const Run& done, FailureKind kind, const std::string& words) {
    EXPECT_FALSE(done.ok());
    EXPECT_EQ(done.failure().kind, kind) << done.failure().message;
    EXPECT_NE(done.failure().message.find(words), std::string::npos) << done.failure().message;
    EXPECT_EQ(done.report().records_in, 0u);  // A failed attempt has nothing to report.
    EXPECT_TRUE(done.report().files.empty());
  }
};

TEST_F(FailingTask, NamesAMissingInput) {
  const std::string path = directory_.path("in/not here");
  const Run done = run({.inputs = {input("a", "x\n"), path}});
  expect_failure(done, FailureKind::kInput, path);
  EXPECT_TRUE(done.failure().record_file.empty());
}

TEST_F(FailingTask, NamesAnInputThatBecameADirectory) {
  const std::string path = directory_.path("in/folder");
  std::filesystem::create_directories(path);
  expect_failure(run({.inputs = {path}}), FailureKind::kInput, path);
}

TEST_F(FailingTask, NamesADamagedCompressedInput) {
  const std::string path =
      input("a.gz", std::string("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10) +
                        "this is no deflated data at all");
  expect_failure(run({.inputs = {path}}), FailureKind::kInput, path);
}

TEST_F(FailingTask, NamesARecordThatIsTooLong) {
  Plan plan{.inputs = {input("a", "short\n" + std::string(5000, 'x') + "\n")}};
  plan.spec.record_bytes_max = 1000;
  const Run done = run(plan);
  expect_failure(done, FailureKind::kInput, plan.inputs[0]);
  EXPECT_NE(done.failure().message.find("1000"), std::string::npos) << done.failure().message;
}

TEST_F(FailingTask, NamesTheRecordOnWhichUserCodeThrew) {
  const Run done =
      run({.job = &job_info<Demanding>(),
           .inputs = {input("a", "throw nothing\n"), input("b", "one\ntwo\nthrow\n")}});
  expect_failure(done, FailureKind::kException, "std::runtime_error: a bad record");
  EXPECT_EQ(done.failure().record_file, directory_.path("in/b"));
  EXPECT_EQ(done.failure().record_offset, 8u);
}

TEST_F(FailingTask, CountsOffsetsFromTheStartOfTheFile) {
  // The record lies in a later block of the file.
  const std::string before = text_of(1, 60'000, 1000);
  const Run done = demanding(before + "throw\n");
  expect_failure(done, FailureKind::kException, "a bad record");
  EXPECT_GT(before.size(), 2u << 20);
  EXPECT_EQ(done.failure().record_offset, before.size());
}

TEST_F(FailingTask, ExplainsAnExceptionThatIsNone) {
  expect_failure(demanding("throw an int\n"), FailureKind::kException, "int");
}

TEST_F(FailingTask, AHostFailureOfTheJobsOwnIsAnException) {
  expect_failure(demanding("throw a host failure\n"), FailureKind::kException, "HostFailure");
}

TEST_F(FailingTask, ExhaustedMemoryIsAKindOfItsOwn) {
  const Run done = demanding("x\nexhaust memory\n");
  expect_failure(done, FailureKind::kOutOfMemory, "--memory");
  EXPECT_EQ(done.failure().record_offset, 2u);
}

TEST_F(FailingTask, NamesNoRecordOutsideOfRecords) {
  const Run setup = demanding("x\n", "setup");
  expect_failure(setup, FailureKind::kException, "setup went wrong");
  EXPECT_TRUE(setup.failure().record_file.empty());
  const Run finish = demanding("x\n", "finish");
  expect_failure(finish, FailureKind::kException, "finish went wrong");
  EXPECT_TRUE(finish.failure().record_file.empty());
}

TEST_F(FailingTask, ReportsAnExceptionOfReduce) {
  const Run map = demanding("x\n");
  Plan plan{.job = &job_info<Demanding>(),
            .stage = Stage::kReduce,
            .segments = {local(map, 0)},
            .partitions = 1};
  plan.spec.parameters["when"] = "reduce";
  // The map had three partitions; take the one that holds the record.
  for (plan.index = 0; records_of(output_path(map.attempt), plan.index).empty();) ++plan.index;
  plan.partitions = 3;
  const Run done = run(plan);
  expect_failure(done, FailureKind::kException, "reduce went wrong");
  EXPECT_TRUE(done.failure().record_file.empty());
  EXPECT_EQ(done.failure().key, "\"x\"");
}

// ---- a disk that becomes full ------------------------------------------------------------------

class FullDisk : public FailingTask {
 protected:
  /// Runs it on disks of many sizes: too small ones fail for lack of space, large ones do not.
  void expect_no_space_until_it_suffices(const Plan& plan) {
    SmallDisk large(1ull << 40);
    const Run alone = run(large, plan);
    ASSERT_TRUE(alone.ok()) << alone.failure().message;
    const std::uint64_t needed = large.written();
    ASSERT_GT(needed, 0u);
    for (std::uint64_t step = 0; step < 16; ++step) {
      SmallDisk disk((needed - 1) * step / 15);
      const Run done = run(disk, plan);
      expect_failure(done, FailureKind::kNoSpace, "no space left");
      EXPECT_FALSE(proto::charged_to_task(done.failure().kind));
    }
    SmallDisk enough(needed);
    EXPECT_TRUE(run(enough, plan).ok());
  }
};

TEST_F(FullDisk, FailsAMapForLackOfSpace) {
  expect_no_space_until_it_suffices({.inputs = {input("a", text_of(1, 5000, 5000))}});
}

TEST_F(FullDisk, FailsAMapThatSpillsForLackOfSpace) {
  expect_no_space_until_it_suffices(
      {.inputs = {input("a", text_of(1, 20'000, 150'000))}, .memory_bytes = kTiny});
  expect_no_space_until_it_suffices({.job = &job_info<ListLines>(),
                                     .inputs = {input("b", text_of(1, 60'000, 1000))},
                                     .memory_bytes = kTiny});
}

TEST_F(FullDisk, FailsAReduceForLackOfSpace) {
  const Run map = run({.job = &job_info<ListLines>(),
                       .inputs = {input("a", text_of(1, 20'000, 5000))},
                       .partitions = 1});
  expect_no_space_until_it_suffices({.job = &job_info<ListLines>(),
                                     .stage = Stage::kReduce,
                                     .segments = std::vector<LocalSegment>(12, local(map, 0)),
                                     .partitions = 1,
                                     .memory_bytes = kTiny});
}

TEST_F(FullDisk, IsToldEvenWhenUserCodeSwallowsEverything) {
  const std::string file = input("a", text_of(1, 60'000, 1000));
  const Plan map_plan{
      .job = &job_info<Swallowing>(), .inputs = {file}, .partitions = 1, .memory_bytes = kTiny};
  expect_no_space_until_it_suffices(map_plan);
  const Run map = run(map_plan);
  ASSERT_TRUE(map.ok());
  expect_no_space_until_it_suffices({.job = &job_info<Swallowing>(),
                                     .stage = Stage::kReduce,
                                     .segments = {local(map, 0)},
                                     .partitions = 1});
}

TEST_F(FailingTask, ALostInputIsToldEvenWhenUserCodeSwallowsEverything) {
  const Run map = run({.job = &job_info<Swallowing>(),
                       .inputs = {input("a", text_of(1, 60'000, 1000))},
                       .partitions = 1});
  ASSERT_TRUE(map.ok());
  const auto segment = io::find_segment(io::posix_file_system(), output_path(map.attempt), 0);
  ASSERT_TRUE(segment.ok());
  std::string bytes = bytes_of(output_path(map.attempt));
  bytes[segment->offset + segment->stored_bytes / 2] ^= 1;
  directory_.write("scratch/" + std::to_string(map.attempt.value) + "/output.run", bytes);
  const Run done = run({.job = &job_info<Swallowing>(),
                        .stage = Stage::kReduce,
                        .segments = {local(map, 0)},
                        .partitions = 1});
  expect_failure(done, FailureKind::kFetch, "cannot read a map output");
}

}  // namespace
}  // namespace fanfold::worker
