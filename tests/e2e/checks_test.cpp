// `fanfold plan` and `fanfold doctor`: what is said before anything runs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

class Checks : public testing::Test {
 protected:
  void SetUp() override { workspace_.write("in.txt", make_text(1, 2000)); }

  Workspace workspace_;
};

TEST_F(Checks, PlanSaysWhatTheRunThenDoes) {
  const std::vector<std::string> words = {"word_count", "in.txt", "--split-bytes", "7K", "-r", "3"};
  const auto with = [&](std::vector<std::string> first, std::vector<std::string> last) {
    first.insert(first.end(), words.begin(), words.end());
    first.insert(first.end(), last.begin(), last.end());
    return run(workspace_, first);
  };
  const Outcome plan = with({"plan"}, {"--json"});
  ASSERT_EQ(plan.exit_code, 0) << plan.both();
  EXPECT_EQ(workspace_.remains(), "");
  ASSERT_EQ(with({"run"}, {"-o", "out", "--quiet"}).exit_code, 0);
  const Json planned = Json::parse(plan.out);
  const Json manifest = Json::parse(workspace_.read("out/_SUCCESS"));
  EXPECT_EQ(planned["maps"], manifest["run"]["map_tasks"]);
  EXPECT_EQ(planned["reduces"], 3);
  EXPECT_EQ(planned["splits"].size(), planned["maps"].get<std::size_t>());
  EXPECT_THAT(with({"plan"}, {"-o", "out"}).out, HasSubstr("WARNING  the output"));
}

TEST_F(Checks, PlanAsksTheClusterForItsSlots) {
  const Cluster cluster(workspace_, 2, 3);
  const Outcome plan = cluster.run({"plan", "word_count", "in.txt"});
  EXPECT_EQ(plan.exit_code, 0) << plan.both();
  EXPECT_THAT(plan.out, HasSubstr("2 workers, 6 slots"));
}

TEST_F(Checks, PlanRefusesWhatRunWouldRefuse) {
  EXPECT_EQ(run(workspace_, {"plan", "word_count", "missing.txt"}).exit_code, 2);
  EXPECT_EQ(run(workspace_, {"plan", "word_cuont", "in.txt"}).exit_code, 2);
  EXPECT_THAT(run(workspace_, {"plan", "word_count", "-"}).err, HasSubstr("standard input"));
  const std::vector<std::string> never = {"word_count", "in.txt", "--completion",
                                          "min-successful=1000"};
  for (const std::string command : {"plan", "run"}) {
    std::vector<std::string> words = {command};
    words.insert(words.end(), never.begin(), never.end());
    if (command == "run") words.insert(words.end(), {"-o", "out"});
    const Outcome refused = run(workspace_, words);
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_THAT(refused.err, HasSubstr("min-successful=1000 can never be met")) << command;
  }
}

TEST_F(Checks, DryRunMapsAndReducesAsManyRecordsAsItIsTold) {
  workspace_.write("lines.txt", "b\n\na b\nc\nd\n");
  for (int limit = 1; limit <= 6; ++limit) {
    const Outcome plan = run(workspace_, {"plan", "word_count", "lines.txt", "--json", "--limit",
                                          std::to_string(limit)});
    ASSERT_EQ(plan.exit_code, 0) << plan.both();
    EXPECT_EQ(Json::parse(plan.out)["dry_run"]["records"], std::min(limit, 5));
  }
  const Outcome text = run(workspace_, {"plan", "word_count", "lines.txt", "--limit", "3"});
  EXPECT_THAT(text.out, HasSubstr("3 records gave 3 pairs"));
  EXPECT_THAT(text.out, HasSubstr("output   a 1"));
  EXPECT_THAT(text.out, HasSubstr("output   b 2"));
  EXPECT_THAT(text.out, Not(HasSubstr("output   c")));
  EXPECT_EQ(workspace_.remains(), "");
}

TEST_F(Checks, DryRunGoesOverTheFilesOfTheInputUntilItHasEnough) {
  for (const char* name : {"in/1", "in/2", "in/3"}) workspace_.write(name, "word\nword\n");
  const Outcome plan =
      run(workspace_, {"plan", "word_count", "in", "--json", "--limit", "5", "--split-bytes", "1"});
  EXPECT_EQ(Json::parse(plan.out)["dry_run"]["output"], Json({"word 5"})) << plan.both();
}

TEST_F(Checks, DryRunFailsAtARecordThatUserCodeDoesNotLike) {
  workspace_.write("bad.txt", "fine\nsegv\n");
  const auto limited = [&](const std::string& limit) {
    return run(workspace_, {"plan", faulty_plugin("faulty"), "bad.txt", "--limit", limit});
  };
  EXPECT_EQ(limited("1").exit_code, 0);
  const Outcome failed = limited("2");
  EXPECT_EQ(failed.exit_code, 1);
  EXPECT_THAT(failed.out, HasSubstr("FAILED   in map-0: signal: SIGSEGV"));
  EXPECT_THAT(failed.err, HasSubstr("write_to_null_pointer"));
  EXPECT_THAT(failed.err, HasSubstr("bad.txt, byte 5: \"segv\""));
  EXPECT_TRUE(eventually([this] { return workspace_.remains().empty(); }));
}

TEST_F(Checks, DryRunSaysWhenNothingIsEmitted) {
  const Outcome plan = run(
      workspace_, {"plan", "grep", "in.txt", "--param", "pattern=no such words", "--limit", "10"});
  EXPECT_EQ(plan.exit_code, 0) << plan.both();
  EXPECT_THAT(plan.out, HasSubstr("WARNING  nothing was emitted for 10 records"));
}

/// What a profile of a job with enough to do has, wherever it ran.
class Profiles : public Checks {
 protected:
  void expect_profile(std::vector<std::string> more, const CommandOptions& options = {}) {
    workspace_.write("large.txt", make_text(2, 300'000));
    std::vector<std::string> words = {
        "run", faulty_plugin("faulty"), "large.txt", "-o", "out", "--quiet", "--profile", "p.svg"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome ran = run(workspace_, words, options);
    EXPECT_EQ(ran.exit_code, 0) << ran.both();
    EXPECT_EQ(ran.err, "");
    EXPECT_TRUE(workspace_.exists("out/_SUCCESS"));
    const std::string svg = workspace_.read("p.svg");
    EXPECT_THAT(svg, HasSubstr(">map: "));
    EXPECT_THAT(svg, HasSubstr("Faulty"));
    EXPECT_TRUE(svg.ends_with("</svg>\n"));
    // Samples lie beside the picture only while the job runs.
    EXPECT_TRUE(eventually([this] {
      const std::vector<std::string> names = workspace_.list(".");
      return std::none_of(names.begin(), names.end(),
                          [](const std::string& name) { return name.starts_with("p.svg."); });
    }));
  }
};

TEST_F(Profiles, OfAPrivateClusterHaveAGraphOfEachStage) {
  expect_profile({"--workers", "2", "--slots", "1", "--split-bytes", "1M"});
  EXPECT_EQ(workspace_.remains(), "");
}

TEST_F(Profiles, OfAStandingClusterComeFromItsExecutors) {
  const Cluster cluster(workspace_, 1, 2);
  expect_profile({"--split-bytes", "1M"}, cluster.options());
}

TEST_F(Profiles, OfASubmittedJobAreDrawnWhenSomebodyAsks) {
  const Cluster cluster(workspace_, 2, 1);
  workspace_.write("large.txt", make_text(2, 300'000));
  const std::vector<std::string> submit = {
      "submit",  faulty_plugin("faulty"), "large.txt", "-o",
      "out",     "--split-bytes",         "1M",        "--profile",
      "samples", "--client-id",           "one"};
  const Outcome submitted = cluster.run(submit);
  ASSERT_EQ(submitted.exit_code, 0) << submitted.both();
  ASSERT_EQ(cluster.run({"wait", "1", "--quiet"}).exit_code, 0);
  const Outcome drawn = cluster.run({"profile", "1", "-o", "p.svg"});
  EXPECT_EQ(drawn.exit_code, 0) << drawn.both();
  EXPECT_EQ(drawn.both(), "");
  EXPECT_THAT(workspace_.read("p.svg"), AllOf(HasSubstr(">map: "), HasSubstr("Faulty")));
  // Saying it again is no second job.
  EXPECT_EQ(cluster.run(submit).out, "1\n");
  // Samples of two jobs in one picture would be of neither.
  const Outcome other =
      cluster.run({"submit", "word_count", "in.txt", "-o", "other", "--profile", "samples"});
  EXPECT_EQ(other.exit_code, 2) << other.both();
  EXPECT_THAT(other.err, HasSubstr("has samples of another job"));
  std::filesystem::remove_all(workspace_.path("samples"));
  const Outcome gone = cluster.run({"profile", "1", "-o", "again.svg"});
  EXPECT_NE(gone.exit_code, 0);
  EXPECT_THAT(gone.err, HasSubstr("It was removed, or is on another host"));
}

TEST_F(Profiles, ThatNobodyAskedForAreToldOf) {
  const Cluster cluster(workspace_, 1, 1);
  ASSERT_EQ(cluster.run({"submit", "word_count", "in.txt", "-o", "out"}).exit_code, 0);
  EXPECT_THAT(cluster.run({"profile", "1"}).err, HasSubstr("job 1 was not sampled"));
  // Refused: nothing stays of what was made for it.
  workspace_.write("there/file", "");
  const Outcome refused =
      cluster.run({"submit", "word_count", "in.txt", "-o", "there", "--profile", "samples"});
  EXPECT_NE(refused.exit_code, 0);
  EXPECT_FALSE(workspace_.exists("samples"));
}

TEST_F(Profiles, OfThisProcessSeeItsTasksOneAfterTheOther) {
  expect_profile({"--in-process"});
  EXPECT_EQ(workspace_.remains(), "");
}

TEST_F(Profiles, OfAJobThatFailsAreWrittenAllTheSame) {
  workspace_.write("bad.txt", make_text(2, 300'000) + "throw\n");
  const Outcome ran = run(workspace_, {"run", faulty_plugin("faulty"), "bad.txt", "-o", "out",
                                       "--attempts", "1", "--profile", "p.svg"});
  EXPECT_EQ(ran.exit_code, 1) << ran.both();
  EXPECT_THAT(workspace_.read("p.svg"), HasSubstr(">map: "));
}

TEST_F(Profiles, OfAJobThatIsRefusedLeaveAnEarlierOneAlone) {
  workspace_.write("p.svg", "earlier");
  workspace_.write("out/file", "");
  const Outcome ran =
      run(workspace_, {"run", "word_count", "in.txt", "-o", "out", "--profile", "p.svg"});
  EXPECT_NE(ran.exit_code, 0) << ran.both();
  EXPECT_THAT(ran.err, Not(HasSubstr("WARNING")));
  EXPECT_EQ(workspace_.read("p.svg"), "earlier");
}

TEST_F(Profiles, ThatCannotBeHadAreToldOfBeforeTheJobRuns) {
  const Outcome ran = run(workspace_, {"run", "word_count", "in.txt", "-o", "out", "--quiet",
                                       "--profile", "no/such/place.svg"});
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.err, HasSubstr("cannot make a directory for samples beside no/such/place.svg"));
  EXPECT_FALSE(workspace_.exists("out"));
  workspace_.write("large.txt", make_text(2, 300'000));
  const Outcome here =
      run(workspace_, {"run", faulty_plugin("faulty"), "large.txt", "-o", "there", "--quiet",
                       "--in-process", "--profile", "no/such/place.svg"});
  EXPECT_EQ(here.exit_code, 0);
  EXPECT_THAT(here.err, HasSubstr("WARNING: cannot write the profile to no/such/place.svg"));
}

TEST_F(Checks, DoctorStartsTheProgramsAndLeavesNothingBehind) {
  const Outcome doctor = run(workspace_, {"doctor", "--json"});
  EXPECT_EQ(doctor.exit_code, 0) << doctor.both();
  EXPECT_THAT(doctor.out, HasSubstr("fanfold-worker starts"));
  EXPECT_EQ(workspace_.leftovers(), "");
}

TEST_F(Checks, DoctorFailsWhereJobsCannotRun) {
  const Outcome doctor = run(workspace_, {"doctor", "--scratch", workspace_.path("nowhere")});
  EXPECT_EQ(doctor.exit_code, 1);
  EXPECT_THAT(doctor.out, HasSubstr("BROKEN   scratch: " + workspace_.path("nowhere")));
}

}  // namespace
}  // namespace fanfold::e2e
