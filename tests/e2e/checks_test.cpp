// `fanfold plan` and `fanfold doctor`: what is said before anything runs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
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
