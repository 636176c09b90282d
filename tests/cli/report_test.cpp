// The page and the trace of a job: complete, well formed, and safe to open whatever the log says.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "cli/report/measures.hpp"
#include "cli/report/report.hpp"
#include "cli/report/trace.hpp"
#include "common/report/assets.hpp"
#include "common/report/html.hpp"
#include "common/report/timeline.hpp"
#include "tests/cli/history_lines.hpp"

namespace fanfold::cli {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

const std::string kHostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)> \"'&";

/// Every text of the log is hostile.
JobHistory hostile_history() {
  return LogWriter(kHostile)
      .add(0, "job.planned", {{"notes", {kHostile}}, {"input_bytes", 10}})
      .add(0, "worker.joined", {{"worker", kHostile}, {"slots", 1}})
      .add(0, "stage.started", {{"stage", "map"}, {"tasks", 1}})
      .attempt({.task = "map-0", .worker = kHostile, .began = 0, .ended = 10, .outcome = "failed"},
               {{"cause", kHostile},
                {"message", kHostile},
                {"record_file", kHostile},
                {"key", kHostile},
                {"charged", true}})
      .add(5, "keys.measured",
           {{"bytes", 100},
            {"partition_bytes", {100}},
            {"keys", {{{"key", kHostile}, {"partition", 0}, {"bytes", 80}}}}})
      .attempt({.task = "map-0", .worker = kHostile, .began = 10, .ended = 900, .number = 2},
               {{"bytes_in", 5}})
      .add(900, "job.ended",
           {{"state", kHostile}, {"reason", kHostile}, {"counters", {{kHostile, 1}}}})
      .read();
}

std::string page_of(const JobHistory& history) { return report_html(history, analyse(history)); }

/// Two maps, of which one fails first and one has a backup, and a reduce.
JobHistory measured_history() {
  return LogWriter("words")
      .worker("w1", 2)
      .add(0, "stage.started", {{"stage", "map"}, {"tasks", 2}})
      .attempt({.task = "map-0", .began = 0, .ended = 10, .outcome = "failed"},
               {{"cause", "exception"}, {"charged", true}})
      .attempt({.task = "map-0", .began = 10, .ended = 30, .number = 2},
               {{"started", LogWriter::time(15)}, {"dead_letters", 3}, {"records_skipped", 2}})
      .attempt({.task = "map-1", .began = 0, .ended = 130}, {{"bytes_out", 2048}})
      .attempt({.task = "map-1", .began = 60, .ended = 140, .outcome = "abandoned", .number = 2},
               {{"speculative", true}})
      .add(140, "stage.ended", {{"stage", "map"}, {"tasks", 2}})
      .add(140, "stage.started", {{"stage", "reduce"}, {"tasks", 1}})
      .attempt({.task = "reduce-0", .began = 140, .ended = 300}, {{"records_in", 5}})
      .add(300, "stage.ended", {{"stage", "reduce"}, {"tasks", 1}})
      .add(340, "job.ended", {{"state", "succeeded"}, {"output_files", 1}, {"output_records", 4}})
      .read();
}

TEST(Report, NamesTheDeadLettersOfAJob) {
  const std::string page = page_of(measured_history());
  EXPECT_THAT(page, HasSubstr("<b>3</b><span>dead letters, 2 records skipped"));
  EXPECT_THAT(page, HasSubstr("Maps did without 5 records, and skipped 2 of them."));
  EXPECT_THAT(page, HasSubstr("fanfold dlq list"));
  EXPECT_THAT(page_of(LogWriter().read()), Not(HasSubstr("Dead letters")));
}

TEST(Measures, AreThoseOfTheLog) {
  const std::string text = measures_text(measured_history());
  for (const char* part :
       {"job       7 (words) succeeded, 340 ms\n", "map       2 tasks, 0 in flight, took 140 ms\n",
        "ran     p50 15 ms, p95 130 ms, p99 130 ms, longest 130 ms (map-1.1), 8.6 times the "
        "median\n",
        "waited  p50 0 ", "wrote   2.0 KiB, 0 records\n",
        "attempts 4: 1 failed and 0 lost (25 %), 1 again, 1 speculative, 1 discarded\n",
        "reduce    1 task,", "read    0 B, 5 records\n", "gather    200 ms\n",
        "output    0 B, 4 records\n", "records   3 dead letters, 2 skipped\n"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  const Json json = Json::parse(measures_json(measured_history()));
  EXPECT_EQ(json["elapsed_us"], 340'000);
  const Json& analysis = json["analysis"];
  EXPECT_EQ(analysis["gather_us"], 200'000);
  EXPECT_EQ(analysis["dead_letters"], 3);
  const Json& map = analysis["stages"][0];
  EXPECT_EQ(map["p99_us"], 130'000);
  EXPECT_EQ(map["straggling_percent"], 866);
  EXPECT_EQ(map["waited_p95_us"], 5'000);
  EXPECT_EQ(map["attempts"],
            Json::parse(R"({"all": 4, "running": 0, "again": 1, "speculative": 1, "failed": 1,
                            "lost": 0, "abandoned": 1})"));
}

TEST(Measures, OfNothingAreNone) {
  EXPECT_THAT(measures_text(LogWriter().read()), HasSubstr("running"));
  EXPECT_EQ(Json::parse(measures_json(LogWriter().read()))["analysis"]["stages"].size(), 0u);
  EXPECT_TRUE(Json::parse(measures_json(hostile_history())).is_object());
}

TEST(Measures, LetNoTextReachTheTerminalThatMovesItsCursor) {
  EXPECT_THAT(measures_text(LogWriter("\x1b[2J").read()), Not(HasSubstr("\x1b")));
}

TEST(Report, LetsNoTextOfTheLogBecomeMarkup) {
  const std::string page = page_of(hostile_history());
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, HasSubstr("&lt;img src=x onerror=alert(2)&gt;"));
  // Two scripts of ours, and the ends of both.
  const std::regex script("</?script");
  EXPECT_EQ(
      std::distance(std::sregex_iterator(page.begin(), page.end(), script), std::sregex_iterator()),
      4);
}

TEST(Report, AsksForNothingAndAllowsItsOwnScriptAlone) {
  const std::string page = page_of(hostile_history());
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, HasSubstr("script-src 'sha256-"));
  for (const char* word : {"http:", "https:", "url(", "@import", "src=\"", "href="}) {
    EXPECT_THAT(page, Not(HasSubstr(word))) << word;
  }
  for (const char* word : {"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval("}) {
    EXPECT_THAT(std::string(kTimelineScript), Not(HasSubstr(word))) << word;
  }
}

TEST(Report, ClosesEveryElementThatItOpens) {
  const std::string page = page_of(hostile_history());
  const std::string markup =
      page.substr(page.find("<body>"), page.find("<script type") - page.find("<body>"));
  const std::set<std::string> empty = {"br"};
  std::vector<std::string> open;
  const std::regex tag("<(/?)([a-z0-9]+)((?:[^<>\"]|\"[^\"]*\")*?)(/?)>");
  for (std::sregex_iterator one(markup.begin(), markup.end(), tag), end; one != end; ++one) {
    const std::string name = (*one)[2];
    if (empty.contains(name) || (*one)[4] == "/") continue;
    if ((*one)[1] != "/") {
      open.push_back(name);
      continue;
    }
    ASSERT_FALSE(open.empty()) << name;
    ASSERT_EQ(open.back(), name);
    open.pop_back();
  }
  EXPECT_EQ(open, std::vector<std::string>{"body"});
}

TEST(Report, SaysWhatHappened) {
  const std::string page = page_of(hostile_history());
  for (const char* text : {"What to change first", "Critical path", "Attempts by slot",
                           "Failures by cause", "map-0.2", "Slowest map tasks", "Counters"}) {
    EXPECT_THAT(page, HasSubstr(text));
  }
}

TEST(Report, OfAJobWithoutTasksIsAPageToo) {
  EXPECT_THAT(page_of(LogWriter().read()), HasSubstr("The log ends before the job does"));
}

TEST(Report, MakesScriptDataOfAnyJson) {
  const std::string json = Json({{kHostile, kHostile}}).dump();
  const std::string data = json_for_script(json);
  EXPECT_EQ(data.find('<'), std::string::npos);
  EXPECT_EQ(Json::parse(data), Json::parse(json));
}

TEST(Timeline, HasEachAttemptOnceSortedByLaneAndStart) {
  LogWriter log;
  log.worker("w1", 2).worker("w2", 1);
  for (std::uint64_t i = 0; i < 30; ++i) {
    log.attempt({.task = "map-" + std::to_string(i),
                 .worker = i % 3 == 0 ? "w2" : "w1",
                 .began = i / 3 * 10,
                 .ended = i / 3 * 10 + 10});
  }
  const Json data = Json::parse(timeline_json(log.read()));
  EXPECT_EQ(data["lanes"].size(), 3u);
  std::set<int> tasks;
  for (std::size_t i = 0; i < 30; ++i) {
    tasks.insert(data["index"][i].get<int>());
    if (i == 0) continue;
    const std::pair before(data["lane"][i - 1].get<int>(), data["start"][i - 1].get<int>());
    EXPECT_LE(before, std::pair(data["lane"][i].get<int>(), data["start"][i].get<int>()));
  }
  EXPECT_EQ(tasks.size(), 30u);
  for (const char* name : {"ran", "outcome", "stage", "number", "bytes", "cause"}) {
    EXPECT_EQ(data[name].size(), 30u) << name;
  }
}

TEST(Trace, IsWhatTraceViewersRead) {
  const Json trace = Json::parse(trace_json(hostile_history()));
  EXPECT_EQ(trace["displayTimeUnit"], "ms");
  std::set<std::pair<int, int>> named;
  std::size_t attempts = 0;
  for (const Json& event : trace["traceEvents"]) {
    const std::pair where(event["pid"].get<int>(), event["tid"].get<int>());
    if (event["ph"] == "M") {
      named.insert(where);
      EXPECT_TRUE(event["args"]["name"].is_string());
      continue;
    }
    EXPECT_EQ(event["ph"], "X");
    EXPECT_GE(event["ts"].get<std::int64_t>(), 0);
    EXPECT_GE(event["dur"].get<std::int64_t>(), 0);
    if (event["cat"] != "map") continue;
    ++attempts;
    EXPECT_TRUE(named.contains(where)) << event;
  }
  EXPECT_EQ(attempts, 2u);
}

TEST(Trace, SpansOfASlotDoNotOverlap) {
  LogWriter log;
  log.worker("w1", 2);
  for (std::uint64_t i = 0; i < 40; ++i) {
    log.attempt({.task = "map-" + std::to_string(i), .began = i * 7 % 50, .ended = i * 7 % 50 + 9});
  }
  std::map<std::pair<int, int>, std::int64_t> free_at;
  const Json trace = Json::parse(trace_json(log.read()));
  for (const Json& event : trace["traceEvents"]) {
    if (event["ph"] != "X" || event["cat"] != "map") continue;
    std::int64_t& free = free_at[{event["pid"], event["tid"]}];
    EXPECT_GE(event["ts"].get<std::int64_t>(), free);
    free = event["ts"].get<std::int64_t>() + event["dur"].get<std::int64_t>();
  }
  EXPECT_GT(free_at.size(), 2u);
}

}  // namespace
}  // namespace fanfold::cli
