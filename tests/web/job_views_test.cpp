// Jobs as their logs tell of them, while the logs grow, end, begin anew and go.

#include "master/web/job_views.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <functional>

#include "common/core/clock.hpp"
#include "tests/web/web_logs.hpp"

namespace fanfold::master::web {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class JobViewsTest : public testing::Test {
 protected:
  /// Looks until `holds`: what goes on is not shown anew at every look.
  JobLook look_until(const std::function<bool(const JobLook&)>& holds, JobId job = {1}) {
    const Instant deadline = steady_clock().now() + 20s;
    while (steady_clock().now() < deadline) {
      const Result<JobLook> look = views_.look(job);
      if (look.ok() && holds(*look)) return *look;
    }
    ADD_FAILURE() << "never";
    return {};
  }

  Logs logs_;
  JobViews views_{logs_.directory(), {.bytes_per_look = 300, .attempts_kept = 3}};
};

TEST_F(JobViewsTest, ReadALongLogPieceByPiece) {
  std::string log = Logs::begin();
  for (int i = 0; i < 20; ++i) log += Logs::attempt("map-" + std::to_string(i), i, i + 10);
  logs_.append(1, log + Logs::end());
  std::uint64_t before = 0;
  int looks = 0;
  while (true) {
    const Result<JobLook> look = views_.look({1});
    ASSERT_TRUE(look.ok());
    ++looks;
    EXPECT_LE(look->bytes_read - before, 300u);
    EXPECT_EQ(look->view != nullptr, look->bytes_read == look->bytes);
    if (look->view) break;
    before = look->bytes_read;
  }
  EXPECT_GT(looks, 10);
  EXPECT_EQ(views_.look({1})->view->history.attempts.size(), 20u);
}

TEST_F(JobViewsTest, FollowALogThatGrows) {
  logs_.append(1, Logs::begin());
  EXPECT_EQ(views_.look({1})->view->history.state, "running");
  logs_.append(1, Logs::attempt("map-0", 5, 10).substr(0, 50));
  EXPECT_EQ(views_.look({1})->view->history.attempts.size(), 0u);
  logs_.append(1, Logs::attempt("map-0", 5, 10).substr(50));
  look_until([](const JobLook& look) { return look.view->history.attempts.size() == 1; });
  logs_.append(1, Logs::end());
  const JobLook over =
      look_until([](const JobLook& look) { return look.view->history.state == "succeeded"; });
  EXPECT_EQ(over.bytes_read, over.bytes);
  // What does not change is not made again.
  EXPECT_EQ(views_.look({1})->view, over.view);
}

TEST_F(JobViewsTest, WaitForALogThatIsBegun) {
  logs_.append(1, "");
  ASSERT_TRUE(views_.look({1}).ok());
  EXPECT_EQ(views_.look({1})->view, nullptr);
  // A line that is not whole is none.
  logs_.append(1, Logs::begin().substr(0, 20));
  EXPECT_EQ(views_.look({1})->view, nullptr);
  logs_.append(1, Logs::begin().substr(20));
  EXPECT_EQ(views_.look({1})->view->history.state, "running");
}

TEST_F(JobViewsTest, BeginAnewWithALogThatDoes) {
  logs_.append(1, Logs::begin("earlier") + Logs::end());
  look_until([](const JobLook& look) { return look.view != nullptr; });
  logs_.replace(1, Logs::begin("later"));
  const JobLook later = look_until([](const JobLook& look) { return look.view != nullptr; });
  EXPECT_EQ(later.view->history.name, "later");
}

TEST_F(JobViewsTest, OutliveTheirLogForThoseWhoHoldThem) {
  logs_.append(1, Logs::begin("held") + Logs::end());
  const JobLook held = look_until([](const JobLook& look) { return look.view != nullptr; });
  std::filesystem::remove(logs_.directory() + "/job-1.jsonl");
  EXPECT_EQ(views_.look({1}).status().code(), StatusCode::kNotFound);
  EXPECT_EQ(held.view->history.name, "held");
  EXPECT_THAT(held.view->timeline(), HasSubstr("\"lanes\""));
}

TEST_F(JobViewsTest, ForgetJobsThatWereLookedAtBeforeOthers) {
  for (int job = 1; job <= 3; ++job) {
    logs_.append(job, Logs::begin() + Logs::attempt("map-0", 1, 2) + Logs::attempt("map-1", 1, 2) +
                          Logs::end());
    const auto id = static_cast<std::uint64_t>(job);
    look_until([](const JobLook& look) { return look.view != nullptr; }, {id});
  }
  // Two attempts each: three may be kept beside the last one, so the others are read again.
  EXPECT_NE(views_.look({3})->view, nullptr);
  EXPECT_EQ(views_.look({1})->view, nullptr);
}

TEST_F(JobViewsTest, SayWhyThereIsNone) {
  EXPECT_THAT(views_.look({7}).status().message(), HasSubstr("no event log of job 7"));
  EXPECT_THAT(JobViews("").look({1}).status().message(), HasSubstr("--events"));
  logs_.append(2, "rubbish\n");
  EXPECT_THAT(views_.look({2}).status().message(), HasSubstr("no event log of a job"));
}

}  // namespace
}  // namespace fanfold::master::web
