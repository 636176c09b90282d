// Map states of the States Language, run as real jobs: what comes out for items that succeed, fail,
// crash, hang or are not reached.

#include "tests/e2e/item_jobs_test.hpp"

#include <signal.h>

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST_F(ItemJobsTest, RunsAProgramForEachItemAndKeepsTheirOrder) {
  const Json items = {3, {{"x", {1, 2}}}, nullptr};
  const Outcome outcome = run_map(map_of(command_of({"cat"})), items);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(Json::parse(outcome.out)["state"], "succeeded");
  EXPECT_EQ(results("SUCCEEDED"), Json::parse(R"([3, {"x": [1, 2]}, null])"));
  expect_clean();
}

TEST_F(ItemJobsTest, WritesEntriesAsTheResultWriterSays) {
  const Outcome outcome =
      run_map(map_of(command_of({"cat"}), {{"ResultWriter", Json::object()}, {"Label", "orders"}}),
              {{{"a", 1}}, {{"a", 2}}});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  const Json entries = results("SUCCEEDED");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1]["Name"], "orders-1");
  EXPECT_EQ(entries[1]["Status"], "SUCCEEDED");
  EXPECT_EQ(Json::parse(entries[1]["Input"].get<std::string>()), (Json{{"a", 2}}));
  EXPECT_EQ(Json::parse(entries[1]["Output"].get<std::string>()), (Json{{"a", 2}}));
  EXPECT_EQ(entries[1]["Attempts"], 1);
  const Json files = manifest()["ResultFiles"];
  EXPECT_EQ(files["SUCCEEDED"][0]["Key"], "SUCCEEDED_0.json");
  EXPECT_EQ(files["SUCCEEDED"][0]["Size"], workspace_.read("out/SUCCEEDED_0.json").size());
  EXPECT_EQ(files["FAILED"], Json::array());
  EXPECT_EQ(files["PENDING"], Json::array());
}

TEST_F(ItemJobsTest, FlattensListsAndWritesLines) {
  const Json config = {{"Transformation", "FLATTEN"}, {"OutputType", "JSONL"}};
  const Outcome outcome = run_map(
      map_of(command_of({"cat"}), {{"ResultWriter", {{"WriterConfig", config}}}}),
      Json::array({Json::array({1, 2}), 3, Json::array(), Json::array({Json::array({4})})}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(workspace_.read("out/SUCCEEDED_0.jsonl"), "1\n2\n3\n[4]\n");
}

TEST_F(ItemJobsTest, ToleratesAsManyFailuresAsItSays) {
  const Outcome outcome =
      run_map(map_of(script_of("test $item -ne 2 || { echo broken >&2; exit 7; }; echo $item"),
                     {{"ToleratedFailureCount", 1}}),
              {1, 2, 3});
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_EQ(results("SUCCEEDED"), (Json{1, 3}));
  const Json failed = results("FAILED");
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0]["Error"], "Task.Exit");
  EXPECT_EQ(failed[0]["Cause"], "exit status 7: broken");
  EXPECT_EQ(failed[0]["Input"], "2");
  EXPECT_EQ(failed[0]["History"].size(), 1u);
  EXPECT_EQ(manifest()["Status"], "PARTIAL");
  EXPECT_THAT(run(workspace_, {"dlq", "list", "out"}).out, HasSubstr("broken"));
  EXPECT_EQ(run(workspace_, {"dlq", "export", "out"}).out, "2");
  EXPECT_EQ(run(workspace_, {"verify", "out"}).exit_code, 3);
  EXPECT_TRUE(workspace_.exists("out/_PARTIAL"));
  expect_clean();
}

TEST_F(ItemJobsTest, StopsOnceMoreFailThanItTolerates) {
  Json items = Json::array();
  for (int i = 0; i < 40; ++i) items.push_back(i);
  const Outcome outcome =
      run_map(map_of(script_of("echo $item >> ran; test $item -ge 2 || exit 1; echo $item"),
                     {{"ToleratedFailureCount", 1}, {"MaxConcurrency", 1}}),
              items);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
  EXPECT_THAT(outcome.err, HasSubstr("FAILURE_TOLERANCE_EXCEEDED"));
  EXPECT_EQ(manifest()["Status"], "FAILED");
  EXPECT_EQ(manifest()["Reason"], "FAILURE_TOLERANCE_EXCEEDED");
  const Json counts = manifest()["Items"];
  EXPECT_EQ(counts["Total"], 40);
  EXPECT_EQ(counts["Failed"], 2);
  // What was given to workers in one go may run; the rest is not.
  EXPECT_GT(counts["Pending"], 20);
  EXPECT_EQ(counts["Pending"].get<int>() + counts["Succeeded"].get<int>() + 2, 40);
  EXPECT_EQ(results("PENDING").size(), counts["Pending"]);
  EXPECT_EQ(results("PENDING")[0]["Status"], "PENDING");
}

TEST_F(ItemJobsTest, CountsAFailedBatchByItsItems) {
  const Json task = command_of({"sh", "-c", "grep -v 5"});
  const Json batches = {{"MaxItemsPerBatch", 3}, {"BatchInput", {{"k", "v"}}}};
  const Json share = {{"ItemBatcher", batches}, {"ToleratedFailurePercentage", 30}};
  const Json items = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  Outcome outcome = run_map(map_of(task, share), items);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_EQ(manifest()["Items"]["Failed"], 3);
  EXPECT_EQ(results("SUCCEEDED")[0],
            Json::parse(R"({"BatchInput": {"k": "v"}, "Items": [1, 2, 3]})"));
  outcome = run_map(map_of(task, {{"ItemBatcher", batches}, {"ToleratedFailurePercentage", 29.9}}),
                    items, {"--on-exists", "replace"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
}

TEST_F(ItemJobsTest, TriesAgainAndCatchesByTheNameOfAnError) {
  Json task = script_of(
      "case $item in "
      "1) test $FANFOLD_ATTEMPT = 3 || exit 1;; "
      "2) echo '{\"Error\": \"Gone\", \"Cause\": \"no such order\"}' >&2; exit 1;; "
      "3) kill -9 $$;; "
      "esac; echo $item");
  task["Retry"] = {
      {{"ErrorEquals", {"Task.Exit"}}, {"IntervalSeconds", 1}, {"MaxDelaySeconds", 1}}};
  task["Catch"] = {{{"ErrorEquals", {"Gone"}}, {"Next", "skip"}}};
  const Outcome outcome = run_map(map_of(task, {{"ToleratedFailureCount", 1}}), {1, 2, 3, 4});
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_EQ(results("SUCCEEDED"), (Json{1, 4}));
  EXPECT_EQ(results("FAILED")[0]["Error"], "Task.Signal");
  EXPECT_EQ(manifest()["Items"]["Skipped"], 1);
  EXPECT_EQ(Json::parse(outcome.out)["retries"], 2);
}

TEST_F(ItemJobsTest, ACatchCanEndTheJobWhateverIsTolerated) {
  Json task = script_of("exit 1");
  task["Catch"] = {{{"ErrorEquals", {"States.ALL"}}, {"Next", "fail"}}};
  const Outcome outcome = run_map(map_of(task, {{"ToleratedFailurePercentage", 100}}), {1});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
  EXPECT_EQ(manifest()["Reason"], "FAILURE_TOLERANCE_EXCEEDED");
}

TEST_F(ItemJobsTest, EndsWhatTakesTooLongWithAllThatItStarted) {
  Json task = script_of("echo $item; test $item = 2 || exit 0; sleep 1000 & exec sleep 1000");
  task["TimeoutSeconds"] = 1;
  const Outcome outcome = run_map(map_of(task, {{"ToleratedFailureCount", 1}}), {1, 2, 3});
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_EQ(results("FAILED")[0]["Error"], "Task.Timeout");
  EXPECT_EQ(results("SUCCEEDED"), (Json{1, 3}));
  expect_clean();
}

TEST_F(ItemJobsTest, RunsNoMoreAtATimeThanMaxConcurrency) {
  workspace_.write("now/.keep", "");
  Json items = Json::array();
  for (int i = 0; i < 12; ++i) items.push_back(i);
  const std::string script =
      "touch now/$item; ls now | wc -l >> seen; "
      "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; ls now | wc -l >> seen; rm now/$item";
  const Outcome outcome =
      run_map(map_of(script_of("cd " + workspace_.root() + "; " + script), {{"MaxConcurrency", 2}}),
              items, {"--workers", "2", "--slots", "4"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  const std::vector<std::string> seen = lines_of("seen");
  ASSERT_EQ(seen.size(), 24u);
  EXPECT_LE(std::stoi(seen.back()), 2);
}

TEST_F(ItemJobsTest, RunsABundledJobOnEachFileOfADirectory) {
  workspace_.write("docs/a.txt", "x y x\n");
  workspace_.write("docs/b.txt", "z\n");
  Json map = map_of({{"Resource", "fanfold:job/word_count"},
                     {"Parameters", {{"File.$", "$.Key"}}},
                     {"ResultSelector", {{"words.$", "$.Records"}}}});
  map.erase("ItemsPath");
  map["ItemReader"] = {{"Resource", "arn:aws:states:::s3:listObjectsV2"},
                       {"Parameters", {{"Bucket", "texts"}}}};
  const Outcome outcome = run_map(map, Json::array(), {"--bucket", "texts=docs"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(results("SUCCEEDED"),
            Json::parse(R"([{"words": [{"key": "x", "value": 2}, {"key": "y", "value": 1}]},
                            {"words": [{"key": "z", "value": 1}]}])"));
}

TEST_F(ItemJobsTest, APluginThatGoesWrongCostsItsItem) {
  const Json items = {"fine", "segv", "throw", "exit", "also fine"};
  const Json task = {{"Resource", "fanfold:job/" + faulty_plugin("faulty")}};
  const Outcome outcome = run_map(map_of(task, {{"ToleratedFailureCount", 3}}), items);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_EQ(results("SUCCEEDED").size(), 2u);
  const Json failed = results("FAILED");
  ASSERT_EQ(failed.size(), 3u);
  EXPECT_EQ(failed[0]["Error"], "Task.Signal");
  EXPECT_EQ(failed[1]["Error"], "Task.Exception");
  EXPECT_THAT(failed[1]["Cause"].get<std::string>(), HasSubstr("this record is bad"));
  EXPECT_EQ(failed[2]["Error"], "Task.Exit");
}

TEST_F(ItemJobsTest, NoItemsAreNoFailure) {
  const Outcome outcome = run_map(map_of(command_of({"cat"})), Json::array());
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(manifest()["Items"]["Total"], 0);
  EXPECT_EQ(workspace_.list("out"),
            (std::vector<std::string>{"_SUCCESS", "item_job.json", "manifest.json"}));
  expect_clean();
}

TEST_F(ItemJobsTest, RefusesBeforeAnythingStarts) {
  struct Row {
    Json map;
    std::vector<std::string> more;
    const char* why;
  };
  const Json good = map_of(script_of("echo >> ran"));
  Json misspelt = good;
  misspelt["ToleratedFailureCont"] = 1;
  Json garbage = good;
  garbage["ItemReader"] = {{"Resource", "fanfold:file"},
                           {"Parameters", {{"Path", "garbage"}}},
                           {"ReaderConfig", {{"InputType", "JSONL"}}}};
  garbage.erase("ItemsPath");
  Json nowhere = good;
  nowhere["ItemsPath"] = "$.none";
  workspace_.write("garbage", "{\"good\": 1}\n\x01\x02\n");
  const std::vector<Row> rows = {
      {misspelt, {}, "Did you mean 'ToleratedFailureCount'?"},
      {garbage, {}, "garbage, line 2: it is no JSON"},
      {nowhere, {}, "there is no array"},
      {good, {"-r", "3"}, "--reducers makes no sense with a Map"},
      {good, {"--bucket", "x"}, "not of the form NAME=DIR"},
  };
  for (const Row& row : rows) {
    const Outcome outcome = run_map(row.map, {1, 2}, row.more);
    EXPECT_EQ(outcome.exit_code, 2) << row.why << "\n" << outcome.both();
    EXPECT_THAT(outcome.err, HasSubstr(row.why));
    EXPECT_FALSE(workspace_.exists("out"));
    expect_clean();
  }
  workspace_.write("out/precious", "");
  EXPECT_EQ(run_map(good, {1}).exit_code, 2);
  EXPECT_FALSE(workspace_.exists("ran"));
}

TEST_F(ItemJobsTest, AKeyIsTheSameInAllAttemptsAndOfNoOtherItem) {
  Json task = script_of("echo $FANFOLD_IDEMPOTENCY_KEY >> keys; test $FANFOLD_ATTEMPT = 2");
  task["Retry"] = {{{"ErrorEquals", {"States.ALL"}}}};
  const Outcome outcome = run_map(map_of(task), {7, 7, 8});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  std::vector<std::string> keys = lines_of("keys");
  ASSERT_EQ(keys.size(), 6u);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  EXPECT_EQ(keys.size(), 3u);
}

TEST_F(ItemJobsTest, AnInterruptEndsTheChildrenToo) {
  Running command(workspace_, words_for(map_of(script_of("touch begun; exec sleep 1000")), {1, 2}));
  ASSERT_TRUE(eventually([&] { return workspace_.exists("begun"); })) << command.err_so_far();
  command.signal(SIGINT);
  EXPECT_EQ(command.wait().exit_code, 130);
  EXPECT_FALSE(workspace_.exists("out"));
  EXPECT_THAT(workspace_.leftovers(), IsEmpty());
}

}  // namespace
}  // namespace fanfold::e2e
