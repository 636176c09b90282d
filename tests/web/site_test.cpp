// Paths, what is behind them, and what is not.

#include "master/web/site.hpp"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "master/web/attempt_table.hpp"
#include "master/web/estimate.hpp"
#include "master/web/output_view.hpp"
#include "tests/web/web_logs.hpp"

namespace fanfold::master::web {
namespace {

using Json = nlohmann::json;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class SiteTest : public testing::Test {
 protected:
  void SetUp() override {
    Snapshot snapshot;
    snapshot.address = kHostile;
    proto::WorkerStatus worker;
    worker.name = kHostile;
    worker.slots = 2;
    worker.busy = 9;  // More than it may have: the books will catch up.
    worker.room = {.memory_bytes = 24ull << 30,
                   .memory_bytes_free = 18ull << 30,
                   .executor_bytes = 2ull << 30,
                   .scratch_bytes = 100ull << 30,
                   .scratch_bytes_free = 1ull << 30};
    proto::WorkerStatus silent;  // It has not said yet what it has.
    silent.name = "silent";
    snapshot.workers = {worker, silent};
    proto::JobStatus running;
    running.job = {1};
    running.job_name = kHostile;
    running.submitted_by = kHostile;
    running.stages = {
        {.stage = Stage::kMap, .tasks = 10, .running = 1, .done = 4, .elapsed_ms = 40'000}};
    proto::JobStatus ended = running;
    ended.job = {2};
    ended.state = proto::JobState::kFailed;
    ended.reason = kHostile;
    snapshot.active = {std::make_shared<const proto::JobStatus>(running)};
    snapshot.ended = {std::make_shared<const proto::JobStatus>(ended)};
    board_.post(std::make_shared<const Snapshot>(snapshot));
    logs_.append(1, Logs::begin());
    logs_.append(1, Logs::attempt("map-10", 10, 500));
    logs_.append(1, Logs::attempt("map-2", 20, 30, "\"outcome\":\"failed\",\"cause\":\"signal\""));
    logs_.append(1, Logs::attempt("reduce-0", 600, 900));
  }
  HttpResponse get(const std::string& path, std::map<std::string, std::string> query = {}) {
    return site_.respond({.path = path, .query = std::move(query)});
  }
  std::vector<std::string> tasks(std::map<std::string, std::string> query) {
    const HttpResponse answer = get("/api/jobs/1/attempts", std::move(query));
    EXPECT_EQ(answer.status, 200) << answer.body;
    std::vector<std::string> names;
    const Json page = Json::parse(answer.body);
    for (const Json& row : page["attempts"]) names.push_back(row["task"]);
    return names;
  }

  Logs logs_;
  Board board_;
  Questions questions_{[] {}};
  Site site_{board_, questions_, logs_.directory()};
};

TEST_F(SiteTest, ShowsTheClusterAndItsJobs) {
  const HttpResponse page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, AllOf(HasSubstr("href=\"/jobs/1\""), HasSubstr("map 4 of 10 tasks"),
                               HasSubstr("2 of 2</b><span>slots in use"), HasSubstr("failed")));
  EXPECT_THAT(page.body, HasSubstr("about 1 min 00 s left (30.0 s to 1 min 30 s)"));
  EXPECT_THAT(page.body,
              HasSubstr(">18.0 GiB of 24.0 GiB <span class=\"faint\">executors 2.0 GiB"));
  EXPECT_THAT(page.body, HasSubstr("<b class=\"bad\">1.0 GiB of 100.0 GiB</b>"));
  EXPECT_THAT(page.body, Not(HasSubstr("0 B of 0 B")));
}

TEST_F(SiteTest, LetsNoNameBecomeMarkup) {
  for (const char* path : {"/", "/jobs/1", "/jobs/<script>alert(1)</script>", "/<script>alert"}) {
    EXPECT_THAT(get(path).body, Not(HasSubstr("<script>alert"))) << path;
  }
  EXPECT_THAT(get("/").body, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

TEST_F(SiteTest, NeedsNoInlineStylesOrScripts) {
  for (const char* path : {"/", "/jobs/1", "/nothing"}) {
    const std::string body = get(path).body;
    EXPECT_THAT(body, AllOf(Not(HasSubstr("style=")), Not(HasSubstr("<style")),
                            Not(HasSubstr(" onclick")), Not(HasSubstr("<script>"))));
  }
}

TEST_F(SiteTest, ServesWhatItsPagesRefer) {
  for (const char* path :
       {"/style.css", "/page.js", "/attempts.js", "/output.js", "/timeline.js", "/icon.svg"}) {
    EXPECT_EQ(get(path).status, 200) << path;
    EXPECT_THAT(get(path).body, Not(HasSubstr("://cdn"))) << path;
  }
}

TEST_F(SiteTest, ShowsStagesHotKeysAndTheJobsOfAPipeline) {
  logs_.append(1, Logs::line("job.planned", 5, "\"maps\":3,\"reduces\":1,\"input_bytes\":10"));
  logs_.append(1, Logs::line("keys.measured", 950,
                             "\"bytes\":200,\"partition_bytes\":[150,50],\"keys\":[{\"key\":"
                             "\"<script>alert(1)</script>\",\"partition\":0,\"bytes\":100}]"));
  Snapshot snapshot = *board_.latest();
  snapshot.sources[{2}] = {{1}};
  board_.post(std::make_shared<const Snapshot>(snapshot));
  const std::string page = get("/jobs/1").body;
  EXPECT_THAT(page,
              AllOf(HasSubstr("<b>map</b>"), HasSubstr("1 of 3 tasks"),
                    HasSubstr("1 attempt failed or lost"), HasSubstr("<b>shuffle</b>"),
                    HasSubstr("read by"), HasSubstr("<a href=\"/jobs/2\">job 2, &lt;script")));
  EXPECT_THAT(page,
              AllOf(HasSubstr("Hot keys"), HasSubstr("&lt;script&gt;alert(1)"), HasSubstr("50.0 %"),
                    HasSubstr("66.6 %"), Not(HasSubstr("<script>alert"))));
  logs_.append(2, Logs::begin());
  EXPECT_THAT(get("/jobs/2").body, AllOf(HasSubstr("made by"), HasSubstr("href=\"/jobs/1\"")));
}

TEST_F(SiteTest, ShowsHotKeysOfAJobThatRunsBeforeItsLogDoes) {
  Snapshot snapshot = *board_.latest();
  proto::JobStatus running = *snapshot.active.front();
  running.emission = {.bytes = 10,
                      .partition_bytes = {},
                      .hot_keys = {{.key = kHostile, .hash = 1, .partition = 7, .bytes = 5}}};
  snapshot.active = {std::make_shared<const proto::JobStatus>(running)};
  board_.post(std::make_shared<const Snapshot>(snapshot));
  const std::string page = get("/jobs/1").body;
  EXPECT_THAT(page, AllOf(HasSubstr("Hot keys"), HasSubstr("&lt;script&gt;alert(1)"),
                          Not(HasSubstr("<script>alert"))));
  const Json job = Json::parse(get("/api/jobs/1").body);
  EXPECT_EQ(job["emitted"]["hot_keys"][0]["partition"], 7);
}

TEST_F(SiteTest, AsksTheMasterForWhatAnAttemptWrites) {
  // Nobody answers here: the page is told to ask again.
  const Json later = Json::parse(get("/api/jobs/1/output", {{"attempt", "5"}, {"from", "3"}}).body);
  EXPECT_EQ(later, Json({{"attempt", "5"}, {"from", 3}, {"later", true}}));
  for (const std::map<std::string, std::string>& query :
       {std::map<std::string, std::string>{},
        {{"attempt", "x"}, {"from", "0"}},
        {{"attempt", "5"}, {"from", "-1"}},
        {{"attempt", "0"}, {"from", "0"}},
        {{"attempt", "5"}, {"from", "0"}, {"<script>alert", "1"}}}) {
    EXPECT_EQ(get("/api/jobs/1/output", query).status, 400);
  }
  EXPECT_EQ(get("/jobs/1/output").status, 404);
}

class AnsweringTest : public testing::Test {
 protected:
  /// What a page gets when the master answers so.
  Json answer_to(const proto::GetOutput& expected, const std::string& frame) {
    Questions questions([&] {
      const std::vector<Questions::Question> asked = questions.take();
      ASSERT_EQ(asked.size(), 1u);
      EXPECT_EQ(asked.front().message.attempt, expected.attempt);
      EXPECT_EQ(asked.front().message.offset, expected.offset);
      EXPECT_FALSE(questions.answer("somebody else", "x"));
      EXPECT_TRUE(questions.answer(asked.front().peer, frame));
    });
    const auto json = output_json(questions, expected.job,
                                  {{"attempt", std::to_string(expected.attempt.value)},
                                   {"from", std::to_string(expected.offset)}},
                                  std::chrono::minutes(1));
    EXPECT_TRUE(json.ok());
    return Json::parse(*json);
  }
};

TEST_F(AnsweringTest, CutsNoCharacterInTwo) {
  const proto::GetOutput question{.job = {1}, .attempt = {5}, .offset = 2};
  proto::Output output{.attempt = {5}, .offset = 2, .bytes = "na\xc3\xafve \xe2\x82"};
  Json part = answer_to(question, proto::encode(output));
  EXPECT_EQ(part["text"], "na\u00efve ");
  EXPECT_EQ(part["next"], 2 + 7);
  EXPECT_EQ(part["ended"], false);
  // What never ends, or is no text at all, is shown as it is.
  output.ended = true;
  output.left_out = 10;
  part = answer_to(question, proto::encode(output));
  EXPECT_EQ(part["next"], 2 + 10 + 9);
  EXPECT_EQ(part["left_out"], 10);
  output = {.attempt = {5}, .offset = 2, .bytes = "\xff\xff\xff\xff"};
  EXPECT_EQ(answer_to(question, proto::encode(output))["next"], 2 + 4);
}

TEST_F(AnsweringTest, LetsOnePageWaitAtATime) {
  proto::Output output{.attempt = {5}, .offset = 0, .bytes = "x"};
  int wakes = 0;
  Questions questions([&] {
    ++wakes;
    // Another page, while this one waits: it shall not wait as well, nor wake anybody.
    const auto json =
        output_json(questions, {1}, {{"attempt", "6"}, {"from", "0"}}, std::chrono::hours(1));
    EXPECT_TRUE(json.ok() && Json::parse(*json)["later"] == true);
    for (const Questions::Question& asked : questions.take()) {
      questions.answer(asked.peer, proto::encode(output));
    }
  });
  const auto json =
      output_json(questions, {1}, {{"attempt", "5"}, {"from", "0"}}, std::chrono::minutes(1));
  EXPECT_TRUE(json.ok() && Json::parse(*json)["text"] == "x");
  EXPECT_EQ(wakes, 1);
}

TEST_F(AnsweringTest, SaysThatOutputIsGone) {
  proto::Answer refusal;
  refusal.code = static_cast<std::uint8_t>(StatusCode::kNotFound);
  refusal.message = "not kept";
  EXPECT_EQ(answer_to({.job = {1}, .attempt = {5}}, proto::encode(refusal))["gone"], "not kept");
  EXPECT_EQ(answer_to({.job = {1}, .attempt = {5}}, "rubbish")["later"], true);
}

TEST_F(SiteTest, KnowsWhatIsNotThere) {
  for (const char* path :
       {"/nothing", "/jobs", "/jobs/", "/jobs/x", "/jobs/1/", "/jobs/1/attempts", "/jobs/3", "/api",
        "/api/jobs/1/nothing", "/jobs/-1", "/../etc/passwd", "/jobs/99999999999999999999999"}) {
    EXPECT_EQ(get(path).status, 404) << path;
  }
}

TEST_F(SiteTest, SaysThatAMasterIsStarting) {
  Board empty;
  Site starting(empty, questions_, "");
  EXPECT_EQ(starting.respond({.path = "/", .query = {}}).status, 503);
}

TEST_F(SiteTest, LetsPagesWaitForALogThatIsEmpty) {
  logs_.append(3, "");
  const HttpResponse page = get("/jobs/3");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, AllOf(HasSubstr("data-state=\"waiting\""), HasSubstr("Nothing is in")));
  EXPECT_EQ(get("/api/jobs/3/timeline").status, 503);
  logs_.append(3, Logs::begin());
  EXPECT_THAT(get("/jobs/3").body, HasSubstr("data-state=\"live\""));
}

TEST_F(SiteTest, LooksForJobsThatReadAnotherAfterItsEnd) {
  // It ended 1.009 s after the origin of its log's clock.
  logs_.append(3, Logs::begin() + Logs::end());
  const auto state_at = [this](std::int64_t unix_us) {
    Snapshot snapshot;
    snapshot.unix_us = unix_us;
    board_.post(std::make_shared<const Snapshot>(snapshot));
    const std::string body = get("/jobs/3").body;
    const std::size_t begin = body.find("data-state=\"") + 12;
    return body.substr(begin, body.find('"', begin) - begin);
  };
  EXPECT_EQ(state_at(900'000), "live");  // The master has not listed it yet.
  EXPECT_EQ(state_at(3'000'000), "live");
  EXPECT_EQ(state_at(7'000'000), "over");
  // By the clock of another master it ends tomorrow: nobody waits for that.
  EXPECT_EQ(state_at(-86'400'000'000), "over");
}

TEST_F(SiteTest, TellsProgramsTheSame) {
  const Json cluster = Json::parse(get("/api/cluster").body);
  EXPECT_EQ(cluster["workers"][0]["name"], kHostile);
  EXPECT_EQ(cluster["workers"][0]["scratch_bytes_free"], 1ull << 30);
  EXPECT_FALSE(cluster["workers"][1].contains("scratch_bytes"));
  const Json jobs = Json::parse(get("/api/jobs").body)["jobs"];
  ASSERT_EQ(jobs.size(), 2u);
  EXPECT_EQ(jobs[0]["state"], "running");
  EXPECT_EQ(jobs[1]["reason"], kHostile);
  const Json job = Json::parse(get("/api/jobs/1").body);
  EXPECT_EQ(job["stages"][0]["left_ms"]["likely"], 60'000);
  EXPECT_EQ(job["analysis"]["failures"][0]["cause"], "signal");
  EXPECT_EQ(job["analysis"]["attempts"], 3);
  EXPECT_EQ(Json::parse(get("/api/jobs/1/timeline").body)["lane"].size(), 3u);
}

TEST_F(SiteTest, SortsFiltersAndCutsAttempts) {
  EXPECT_THAT(tasks({}), ElementsAre("map-10", "map-2", "reduce-0"));
  EXPECT_THAT(tasks({{"sort", "task"}}), ElementsAre("map-2", "map-10", "reduce-0"));
  EXPECT_THAT(tasks({{"sort", "-ran"}}), ElementsAre("map-10", "reduce-0", "map-2"));
  EXPECT_THAT(tasks({{"stage", "reduce"}}), ElementsAre("reduce-0"));
  EXPECT_THAT(tasks({{"outcome", "failed"}, {"stage", ""}}), ElementsAre("map-2"));
  EXPECT_THAT(tasks({{"find", "sign"}}), ElementsAre("map-2"));
  EXPECT_THAT(tasks({{"from", "1"}, {"count", "1"}}), ElementsAre("map-2"));
  EXPECT_THAT(tasks({{"from", "4000000"}}), ElementsAre());
  EXPECT_EQ(Json::parse(get("/api/jobs/1/attempts", {{"count", "0"}}).body)["total"], 3);
}

TEST_F(SiteTest, SaysWhichParameterIsWrong) {
  const std::map<std::string, std::string> wrong = {{"from", "-1"},     {"count", "501"},
                                                    {"sort", "name"},   {"stage", "shuffle"},
                                                    {"outcome", "bad"}, {"other", ""}};
  for (const auto& one : wrong) {
    const HttpResponse answer = get("/api/jobs/1/attempts", {one});
    EXPECT_EQ(answer.status, 400) << one.first;
    EXPECT_THAT(answer.body, HasSubstr(one.first));
  }
}

TEST_F(SiteTest, SaysOfAnOpenJobWhatItWasFedSoFar) {
  Snapshot snapshot = *board_.latest();
  proto::JobStatus open = *snapshot.active.front();
  open.queue.open = true;
  open.stages[0].done = open.stages[0].tasks;
  snapshot.active = {std::make_shared<const proto::JobStatus>(open)};
  board_.post(std::make_shared<const Snapshot>(snapshot));
  EXPECT_THAT(get("/").body, HasSubstr("map: open, 10 of 10 tasks fed so far"));
  EXPECT_THAT(get("/").body, Not(HasSubstr("100 %")));
  const Json jobs = Json::parse(get("/api/jobs/1").body);
  EXPECT_THAT(jobs.dump(), AllOf(HasSubstr("\"open\":true"), HasSubstr("\"progress\":null")));
}

TEST(Estimate, IsWiderWhenLittleIsDone) {
  proto::StageStatus stage;
  stage.tasks = 1000;
  stage.done = 4;
  stage.bytes_total = 100;
  stage.bytes_done = 10;
  stage.elapsed_ms = 1000;
  const auto early = estimate(stage);
  ASSERT_TRUE(early);
  EXPECT_EQ(early->likely_ms, 9000u);
  EXPECT_EQ(early->least_ms, 4500u);
  EXPECT_EQ(early->most_ms, 13'500u);
  stage.done = 400;
  EXPECT_LT(estimate(stage)->most_ms, early->most_ms);
}

TEST(Estimate, IsNoneBeforeAnythingIsKnownAndAtTheEnd) {
  proto::StageStatus stage;
  EXPECT_FALSE(estimate(stage));
  stage.tasks = 10;
  stage.done = 1;
  EXPECT_FALSE(estimate(stage));
  stage.done = 10;
  EXPECT_FALSE(estimate(stage));
  EXPECT_EQ(progress(stage), 1);
  // Bytes may be more than there were: a task ran again.
  stage.done = 9;
  stage.bytes_total = 5;
  stage.bytes_done = 50;
  EXPECT_LT(progress(stage), 1);
}

}  // namespace
}  // namespace fanfold::master::web
