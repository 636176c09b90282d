// Dead letters that are mapped once more: what comes of them is in the output as if it had never
// been otherwise.

#include "tests/e2e/redrive_fixture.hpp"

namespace fanfold::e2e {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST_F(RedriveTest, AddsWhatTheMendedPluginMakesOfDeadLetters) {
  std::string lines;
  for (int i = 0; i < 2000; ++i) {
    lines += i % 400 == 7 ? "bad " : i == 900 ? "crash " : "good ";
    lines += "w" + std::to_string(i % 37) + "\n";
  }
  workspace_.write("in.txt", lines);
  const Words shape = {"-r", "3", "--split-bytes", "2K", "--param", "mark=x y="};
  const Outcome first = run_job("counted", "in.txt", shape);
  ASSERT_EQ(first.exit_code, 0) << first.both();
  EXPECT_EQ(manifest()["dead_letters"], 6);
  expect_verified("1994 records mapped once each, 0 skipped, 6 dead-lettered, 2000 read");
  run_mended("counted", "in.txt", shape);
  EXPECT_NE(cat("out"), cat("whole"));

  const Outcome again = redrive();
  ASSERT_EQ(again.exit_code, 0) << again.both();
  EXPECT_THAT(again.out, HasSubstr("counted: generation 2"));
  EXPECT_THAT(again.out, HasSubstr("6 of 6 dead letters"));
  for (const char* part : {"part-00000-of-00003", "part-00001-of-00003", "part-00002-of-00003"}) {
    EXPECT_EQ(workspace_.read(std::string("out/") + part),
              workspace_.read(std::string("whole/") + part));
  }
  EXPECT_THAT(workspace_.list("out"),
              ElementsAre("_SUCCESS", "part-00000-of-00003", "part-00001-of-00003",
                          "part-00002-of-00003", "seen-map"));
  const Json now = manifest();
  EXPECT_EQ(now["generation"], 2);
  EXPECT_FALSE(now.contains("dead_letters"));
  EXPECT_FALSE(now.contains("kept"));
  // Counted once: by maps of both runs, and by reduces of the second.
  EXPECT_EQ(now["counters"], manifest("whole")["counters"]);
  EXPECT_EQ(now["inputs"], manifest("whole")["inputs"]);
  EXPECT_EQ(now["input_records"], 2000);
  EXPECT_EQ(now["records"], manifest("whole")["records"]);
  expect_verified("2000 records mapped once each, 2000 read");
  // What the maps of both wrote beside it.
  EXPECT_EQ(sorted_lines("out/seen-map"), sorted_lines("whole/seen-map"));
  expect_refused(redrive(), "has no dead letters, so there is nothing to do again");
}

TEST_F(RedriveTest, AddsToAHotPartitionThatWasShared) {
  std::string lines;
  for (int i = 0; i < 2000; ++i) {
    lines += (i % 400 == 7 ? "bad w" : "good w") + std::to_string(i % 37) + "\n";
  }
  workspace_.write("in.txt", lines);
  const Words shape = {"-r",      "1", "--split-bytes",    "2K", "--workers", "1",
                       "--slots", "2", "--hot-partitions", "1",  "--param",   "mark=x"};
  const Outcome first = run_job("counted", "in.txt", with(shape, {"--json"}));
  ASSERT_EQ(first.exit_code, 0) << first.both();
  EXPECT_EQ(Json::parse(first.out)["hot_partitions"][0]["shares"], 2);
  run_mended("counted", "in.txt", shape);
  const Outcome again = redrive();
  ASSERT_EQ(again.exit_code, 0) << again.both();
  EXPECT_EQ(cat("out"), cat("whole"));
  EXPECT_EQ(manifest()["records"], manifest("whole")["records"]);
  EXPECT_EQ(manifest()["counters"], manifest("whole")["counters"]);
  expect_verified("2000 records mapped once each, 2000 read");
}

TEST_F(RedriveTest, OfValuesThatCannotBeFoldedSeesThemAll) {
  workspace_.write("in.txt", "good 1\nbad 9\ngood 2\nbad 8\ngood 3\nbad 7\nbad 6\n");
  ASSERT_EQ(run_job("middle", "in.txt", {"-r", "1", "--split-bytes", "8"}).exit_code, 0);
  EXPECT_EQ(cat("out"), "all\t2\n");
  ASSERT_EQ(redrive().exit_code, 0);
  EXPECT_EQ(cat("out"), "all\t6\n");
}

TEST_F(RedriveTest, LeavesRangesInTheirOrder) {
  std::string lines;
  for (int i = 0; i < 600; ++i) {
    lines += (i % 50 == 3 ? "bad " : "good ") + std::to_string(1000 + i * 7919 % 5000) + "\n";
  }
  workspace_.write("in.txt", lines);
  ASSERT_EQ(run_job("ranged", "in.txt", {"-r", "4", "--split-bytes", "1K"}).exit_code, 0);
  const Outcome again = redrive();
  ASSERT_EQ(again.exit_code, 0) << again.both();
  run_mended("ranged", "in.txt", {"-r", "1"});
  std::string all;
  for (const char* part : {"0", "1", "2", "3"}) {
    all += workspace_.read(std::string("out/part-0000") + part + "-of-00004");
  }
  EXPECT_EQ(all, workspace_.read("whole/part-00000-of-00001"));
}

TEST_F(RedriveTest, ReadsRecordsOfCompressedFilesAndThoseThatNeedAHeader) {
  std::string rows = "name,what\n";
  for (int i = 0; i < 3000; ++i) {
    rows += "n" + std::to_string(i) + (i % 1000 == 5 ? ",\"bad, on\ntwo lines\"\n" : ",good\n");
  }
  workspace_.write("plain/rows.csv", rows);
  workspace_.write("packed/rows.csv", rows);
  CommandOptions gzip;
  gzip.program = "/bin/gzip";
  ASSERT_EQ(run(workspace_, {"packed/rows.csv"}, gzip).exit_code, 0);
  for (const char* input : {"plain", "packed"}) {
    const Outcome first =
        run_job("rows", input, {"-r", "2", "--split-bytes", "8K", "--on-exists", "replace"});
    ASSERT_EQ(first.exit_code, 0) << first.both();
    EXPECT_EQ(manifest()["dead_letters"], 3);
    const Outcome again = redrive({"--json"});
    ASSERT_EQ(again.exit_code, 0) << again.both();
    EXPECT_EQ(Json::parse(again.out)["redriven"], 3);
    run_mended("rows", input, {"-r", "2", "--on-exists", "replace"});
    EXPECT_EQ(cat("out"), cat("whole"));
  }
}

TEST_F(RedriveTest, LeavesAPartialOutputPartialAndACompressedOneCompressed) {
  // A map of its own.
  std::string lines;
  for (int i = 0; i < 140; ++i) lines += "good a\n";
  workspace_.write("many/1.txt", lines + "bad b\n");
  workspace_.write("many/2.txt.gz", std::string("\x1f\x8b\x08\x00", 4) + std::string(600, 'x'));
  const Outcome first = run_job("counted", "many",
                                {"-r", "1", "--split-bytes", "1K", "--attempts", "1", "--compress",
                                 "gzip", "--completion", "all-completed"});
  ASSERT_EQ(first.exit_code, 3) << first.both();
  const Outcome again = redrive();
  EXPECT_EQ(again.exit_code, 3) << again.both();
  EXPECT_THAT(again.err, HasSubstr("lacks some of its input as before"));
  EXPECT_THAT(workspace_.list("out"),
              ElementsAre("_PARTIAL", "part-00000-of-00001.gz", "seen-map.gz"));
  EXPECT_EQ(run(workspace_, {"cat", "out"}).out, "a\t140\nb\t1\n");
  CommandOptions gzip;
  gzip.program = "/bin/gzip";
  EXPECT_EQ(run(workspace_, {"-dc", "out/seen-map.gz"}, gzip).out, lines + "bad b\n");
  const Outcome verified = run(workspace_, {"verify", "out"});
  EXPECT_EQ(verified.exit_code, 3) << verified.both();
}

TEST_F(RedriveTest, KeepsWhatFailsAgainForTheNextGeneration) {
  workspace_.write("in.txt", "good a\nbad a\nworse b\nbad b\nworse a\n");
  // In one process as on a cluster.
  ASSERT_EQ(run_job("counted", "in.txt", {"-r", "1", "--in-process"}).exit_code, 0);
  EXPECT_EQ(manifest()["dead_letters"], 4);
  const Outcome again = redrive();
  EXPECT_EQ(again.exit_code, 3) << again.both();
  EXPECT_THAT(again.err, HasSubstr("2 records of"));
  EXPECT_EQ(cat("out"), "a\t2\nb\t1\n");
  EXPECT_EQ(manifest()["generation"], 2);
  EXPECT_EQ(manifest()["dead_letters"], 2);
  EXPECT_EQ(manifest()["counters"]["mapped"], 3);
  EXPECT_EQ(run(workspace_, {"dlq", "export", "out"}).out, "worse b\nworse a\n");
  EXPECT_EQ(run(workspace_, {"verify", "out"}).exit_code, 0);
  // With a plugin that does no better the output stays as it is.
  const std::string before = workspace_.read("out/_SUCCESS");
  const Outcome third = redrive();
  EXPECT_EQ(third.exit_code, 1) << third.both();
  EXPECT_THAT(third.err, HasSubstr("none of the 2 records could be mapped"));
  EXPECT_EQ(workspace_.read("out/_SUCCESS"), before);
}

TEST_F(RedriveTest, TakesAnEmptyFileForARecord) {
  workspace_.write("in/1", "good");
  workspace_.write("in/2", "");
  workspace_.write("in/3", "bad");
  workspace_.write("packed/1", "good");
  workspace_.write("packed/2", "");
  CommandOptions gzip;
  gzip.program = "/bin/gzip";
  ASSERT_EQ(run(workspace_, {"packed/2"}, gzip).exit_code, 0);
  for (const char* input : {"in", "packed"}) {
    ASSERT_EQ(run_job("files", input, {"-r", "1", "--on-exists", "replace"}).exit_code, 0);
    EXPECT_EQ(cat("out"), "full\t4\n");
    const Outcome again = redrive();
    EXPECT_EQ(again.exit_code, 0) << again.both();
    EXPECT_THAT(cat("out"), HasSubstr("empty\t0\n"));
  }
}

TEST_F(RedriveTest, MakesRangesOfNothingButWhatIsRedriven) {
  workspace_.write("in.txt", "bad 3\nbad 1\nbad 2\n");
  ASSERT_EQ(run_job("ranged", "in.txt", {"-r", "2"}).exit_code, 0);
  const Outcome again = redrive();
  ASSERT_EQ(again.exit_code, 0) << again.both();
  EXPECT_EQ(cat("out"), "1\t1\n2\t1\n3\t1\n");
}

TEST_F(RedriveTest, KeepsNothingWhereNothingIsMissing) {
  workspace_.write("in.txt", "good a\ngood b\n");
  ASSERT_EQ(run_job("counted", "in.txt", {"-r", "2"}).exit_code, 0);
  for (const std::string& name : workspace_.list("out")) {
    EXPECT_THAT(name, Not(HasSubstr("_PAIRS")));
  }
}

}  // namespace
}  // namespace fanfold::e2e
