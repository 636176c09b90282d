// Redrives that cannot be, that meet what was changed or damaged, and that are killed: the output
// is what it was.

#include <signal.h>

#include <filesystem>
#include <memory>

#include "tests/e2e/redrive_fixture.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;

class RedriveTrouble : public RedriveTest {};

TEST_F(RedriveTrouble, RefusesWhatCannotBeAdded) {
  workspace_.write("in.txt", "good a\nbad b\n");
  expect_refused(redrive(), "there is no directory");
  workspace_.write("out/other", "");
  expect_refused(redrive(), "is not a finished output");
  std::filesystem::remove_all(workspace_.path("out"));

  ASSERT_EQ(run_job("counted", "in.txt", {"-r", "2", "--gather", "concat"}).exit_code, 0);
  expect_refused(redrive(), "its parts were gathered into one file");
  const Words again = {"-r", "1", "--on-exists", "replace"};
  ASSERT_EQ(run_job("typed", "in.txt", again).exit_code, 0);
  expect_refused(redrive(), "has keys of another type");
  ASSERT_EQ(run_job("counted", "in.txt", again).exit_code, 0);
  expect_refused(run(workspace_, {"redrive", "out"}), "name the plugin");
  expect_refused(run(workspace_, {"redrive", "out", "--plugin", faulty_plugin("faulty")}),
                 "counted");
  expect_refused(redrive({"--work", workspace_.path("in.txt")}), "is no work directory");
  workspace_.write("in.txt", "good a\nbaD b\n");
  expect_refused(redrive(), "than the record that was put aside: it was changed, so what it would");
  std::filesystem::remove(workspace_.path("in.txt"));
  expect_refused(redrive(), "cannot be mapped once more");
  EXPECT_EQ(cat("out"), "a\t1\n");
  EXPECT_EQ(run(workspace_, {"verify", "out"}).exit_code, 0);
}

TEST_F(RedriveTrouble, FindsWhatItGoesOnFromDamaged) {
  workspace_.write("in.txt", "good a\nbad b\n");
  ASSERT_EQ(run_job("counted", "in.txt", {"-r", "1"}).exit_code, 0);
  const std::string name = "out/_PAIRS-00000-of-00001";
  std::string pairs = workspace_.read(name);
  pairs[pairs.size() / 3] ^= 1;
  workspace_.write(name, pairs);
  const Outcome verified = run(workspace_, {"verify", "out"});
  EXPECT_EQ(verified.exit_code, 1);
  EXPECT_THAT(verified.out, HasSubstr("_PAIRS-00000-of-00001 has other bytes"));
  expect_refused(redrive(), "is not what the job wrote");
}

TEST_F(RedriveTrouble, GivesNothingThatWasDamagedAChecksumOfItsOwn) {
  workspace_.write("in.txt", "good a\nbad b\n");
  const Words shape = {"-r", "1", "--on-exists", "replace"};
  ASSERT_EQ(run_job("counted", "in.txt", shape).exit_code, 0);
  damage("out/seen-map", "good", "gooD");
  const Outcome joined = redrive();
  EXPECT_EQ(joined.exit_code, 2) << joined.both();
  EXPECT_THAT(joined.err, HasSubstr("seen-map"));
  EXPECT_EQ(run(workspace_, {"verify", "out"}).exit_code, 1);
  EXPECT_FALSE(manifest().contains("generation"));

  ASSERT_EQ(run_job("counted", "in.txt", shape).exit_code, 0);
  damage("out/_DEAD_LETTERS", "\"tag\":\"\"", "\"tag\":\"left\"");
  expect_refused(redrive(), "_DEAD_LETTERS is not what the job wrote");
}

TEST_F(RedriveTrouble, MapsNothingThatWasChangedWhileItRan) {
  const std::string first = "good a\nbad and wait " + workspace_.path("go") + "\n";
  workspace_.write("in.txt", first + "bad b\n");
  ASSERT_EQ(run_job("counted", "in.txt", {"-r", "1"}).exit_code, 0);
  const std::string before = workspace_.fingerprint("out");
  Running redriving(workspace_, {"redrive", "out", "--plugin", after_});
  ASSERT_TRUE(eventually([this] { return waiting_for("go") == 1; }));
  workspace_.write("in.txt", first + "bad c\n");
  workspace_.write("go", "");
  const Outcome outcome = redriving.wait();
  EXPECT_NE(outcome.exit_code, 0) << outcome.both();
  EXPECT_THAT(outcome.err, HasSubstr("than the record that was put aside"));
  EXPECT_EQ(workspace_.fingerprint("out"), before);
}

TEST_F(RedriveTrouble, WorksOnWhatALinkLeadsToAndNotInTheWorkOfOthers) {
  workspace_.write("in.txt", "good a\nbad b\n");
  ASSERT_EQ(run_job("counted", "in.txt", {"-r", "1"}).exit_code, 0);
  workspace_.write("others/.pipeline", "finished");
  workspace_.write("others/stage/1.json", "{}");
  const Outcome other = redrive({"--work", "others"});
  EXPECT_EQ(other.exit_code, 2) << other.both();
  EXPECT_THAT(other.err, HasSubstr("holds 'stage', which is of something else"));
  EXPECT_TRUE(workspace_.exists("others/stage/1.json"));
  std::filesystem::rename(workspace_.path("out"), workspace_.path("real"));
  std::filesystem::create_symlink("real", workspace_.path("out"));
  ASSERT_EQ(redrive().exit_code, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(workspace_.path("out")));
  EXPECT_EQ(cat("real"), "a\t1\nb\t1\n");
}

TEST_F(RedriveTrouble, OfTwoInOtherPlacesOneIsPublished) {
  workspace_.write("in.txt", "good a\nbad and wait " + workspace_.path("go") + "\n");
  ASSERT_EQ(run_job("counted", "in.txt", {"-r", "1"}).exit_code, 0);
  const auto start = [this](const std::string& work) {
    return std::make_unique<Running>(
        workspace_, Words{"redrive", "out", "--plugin", after_, "--quiet", "--work", work});
  };
  const auto one = start("work1");
  const auto two = start("work2");
  ASSERT_TRUE(eventually([this] { return waiting_for("go") == 2; }));
  workspace_.write("go", "");
  const Outcome first = one->wait();
  const Outcome second = two->wait();
  EXPECT_EQ((first.exit_code == 0) + (second.exit_code == 0), 1) << first.both() << second.both();
  // The other says so, or that what it was reading has gone, whichever it notices first.
  EXPECT_THAT(first.err + second.err, HasSubstr("out"));
  EXPECT_EQ(manifest()["generation"], 2);
  EXPECT_EQ(run(workspace_, {"verify", "out"}).exit_code, 0);
}

TEST_F(RedriveTrouble, OfAJobIsForOneThatHasEnded) {
  const Cluster cluster(workspace_, 1, 1);
  workspace_.write("in.txt", "good a\nbad b\n");
  const std::string wait = "bad and wait " + workspace_.path("go");
  workspace_.write("waits.txt", wait + "\n");
  const auto submit = [&](const std::string& plugin, const std::string& input) {
    const Outcome outcome =
        cluster.run({"submit", plugin + ":counted", input, "-o", "out", "-r", "1",
                     "--on-bad-record", "dead-letter", "--on-exists", "replace"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
    return outcome.out.substr(0, outcome.out.find('\n'));
  };
  const std::string waiting = submit(after_, "waits.txt");
  const Outcome early = cluster.run({"redrive", waiting, "--plugin", after_});
  expect_refused(early, "job " + waiting + " cannot be redriven: it is running");
  workspace_.write("go", "");
  ASSERT_EQ(cluster.run({"wait", waiting}).exit_code, 0);
  const std::string job = submit(before_, "in.txt");
  ASSERT_EQ(cluster.run({"wait", job}).exit_code, 0);
  const Outcome done = cluster.run({"redrive", job, "--plugin", after_});
  EXPECT_EQ(done.exit_code, 0) << done.both();
  EXPECT_EQ(cat("out"), "a\t1\nb\t1\n");
  const Outcome verified = cluster.run({"verify", job});
  EXPECT_EQ(verified.exit_code, 0) << verified.both();
  EXPECT_THAT(verified.out, HasSubstr("it is generation 2 of the output of job " + job));
  // Another job has written there since.
  const std::string later = submit(before_, "in.txt");
  ASSERT_EQ(cluster.run({"wait", later}).exit_code, 0);
  expect_refused(cluster.run({"redrive", job, "--plugin", after_}),
                 "is not the output of job " + job + " any more");
}

TEST_F(RedriveTrouble, IsDoneByOneAtATimeAndKilledLeavesWhatThereWas) {
  workspace_.write("in.txt", "good a\nbad and wait " + workspace_.path("go") + "\n");
  ASSERT_EQ(run_job("counted", "in.txt", {"-r", "1"}).exit_code, 0);
  const std::string before = workspace_.fingerprint("out");
  const Words words = {"redrive", "out", "--plugin", after_, "--quiet"};
  const auto waits = [this] { return waiting_for("go") > 0; };
  {
    Running first(workspace_, words);
    ASSERT_TRUE(eventually(waits));
    const Outcome second = redrive();
    EXPECT_EQ(second.exit_code, 2) << second.both();
    EXPECT_THAT(second.err, HasSubstr("uses " + workspace_.path("out.work")));
    EXPECT_EQ(workspace_.fingerprint("out"), before);
    first.signal(SIGKILL);
    first.wait();
  }
  ASSERT_TRUE(eventually([this] { return workspace_.leftovers().empty(); }))
      << workspace_.leftovers();
  EXPECT_EQ(workspace_.fingerprint("out"), before);
  EXPECT_EQ(run(workspace_, {"verify", "out"}).exit_code, 0);
  workspace_.write("go", "");
  const Outcome again = redrive();
  EXPECT_EQ(again.exit_code, 0) << again.both();
  EXPECT_FALSE(workspace_.exists("out.work"));
  EXPECT_EQ(manifest()["generation"], 2);
}

TEST_F(RedriveTrouble, OfOneThatWasKilledEndsTheJobThatItLeft) {
  const Cluster cluster(workspace_, 1, 2);
  workspace_.write("in.txt", "good a\nbad and wait " + workspace_.path("go") + "\n");
  ASSERT_EQ(run_job("counted", "in.txt", {"-r", "1"}).exit_code, 0);
  const Words words = {"redrive", "out", "--plugin", after_, "--quiet"};
  {
    Running first(workspace_, words, cluster.options());
    ASSERT_TRUE(eventually(
        [this] { return waiting_for("go") == 1 && workspace_.exists("out.work/redrive/job"); }));
    first.signal(SIGKILL);
    first.wait();
  }
  Running second(workspace_, words, cluster.options());
  ASSERT_TRUE(eventually([this] { return waiting_for("go") == 2; }));
  workspace_.write("go", "");
  const Outcome outcome = second.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(manifest()["generation"], 2);
  EXPECT_EQ(run(workspace_, {"verify", "out"}).exit_code, 0);
  EXPECT_EQ(Json::parse(cluster.run({"status", "1", "--json"}).out)["state"], "cancelled");
  EXPECT_FALSE(workspace_.exists("out.work"));
}

TEST_F(RedriveTrouble, InterruptedLeavesWhatThereWas) {
  workspace_.write("in.txt", "good a\nbad and wait " + workspace_.path("never") + "\n");
  ASSERT_EQ(run_job("counted", "in.txt", {"-r", "1"}).exit_code, 0);
  const std::string before = workspace_.fingerprint("out");
  Running redriving(workspace_, {"redrive", "out", "--plugin", after_});
  ASSERT_TRUE(eventually([this] { return waiting_for("never") > 0; }));
  redriving.signal(SIGINT);
  const Outcome outcome = redriving.wait();
  EXPECT_EQ(outcome.exit_code, 130) << outcome.both();
  EXPECT_THAT(outcome.err, HasSubstr("is as it was"));
  EXPECT_EQ(workspace_.fingerprint("out"), before);
  EXPECT_FALSE(workspace_.exists("out.work"));
}

TEST_F(RedriveTrouble, LeavesAnOutputThatWasReplacedMeanwhileAlone) {
  workspace_.write("in.txt", "good a\nbad and wait " + workspace_.path("go") + "\n");
  ASSERT_EQ(run_job("counted", "in.txt", {"-r", "1"}).exit_code, 0);
  Running redriving(workspace_, {"redrive", "out", "--plugin", after_});
  ASSERT_TRUE(eventually([this] { return waiting_for("go") > 0; }));
  workspace_.write("other.txt", "good z\n");
  ASSERT_EQ(run_job("counted", "other.txt", {"-r", "1", "--on-exists", "replace"}).exit_code, 0);
  workspace_.write("go", "");
  const Outcome outcome = redriving.wait();
  EXPECT_NE(outcome.exit_code, 0) << outcome.both();
  EXPECT_THAT(outcome.err, HasSubstr("was replaced while the redrive ran"));
  EXPECT_EQ(cat("out"), "z\t1\n");
}

}  // namespace
}  // namespace fanfold::e2e
