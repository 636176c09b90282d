// What a trace for a collector is made of: ids, parents, times, whatever became of an attempt.

#include "cli/otlp/spans.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "common/text/trace_context.hpp"
#include "tests/cli/history_lines.hpp"

namespace fanfold::cli {
namespace {

using Json = nlohmann::json;
using testing::UnorderedElementsAre;

constexpr const char* kTraceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::vector<Json> spans_of(const TraceRequests& requests) {
  std::vector<Json> spans;
  for (const std::string& body : requests.bodies) {
    const Json request = Json::parse(body);
    for (const Json& resource : request["resourceSpans"]) {
      for (const Json& scope : resource["scopeSpans"]) {
        for (const Json& span : scope["spans"]) spans.push_back(span);
      }
    }
  }
  return spans;
}

std::map<std::string, Json> by_name(const TraceRequests& requests) {
  std::map<std::string, Json> named;
  for (const Json& span : spans_of(requests)) {
    EXPECT_TRUE(named.emplace(span["name"], span).second) << span["name"];
  }
  return named;
}

std::string value(const Json& span, const std::string& key) {
  for (const Json& attribute : span["attributes"]) {
    if (attribute["key"] == key) return attribute["value"].front().dump();
  }
  return "";
}

/// Two attempts at one task side by side, one that fails, one whose worker is lost.
LogWriter eventful_log() {
  LogWriter log;
  log.worker("w1", 2).worker("w2", 2);
  log.add(10, "stage.started", {{"stage", "map"}, {"tasks", 2}});
  log.attempt({"map-0", "w1", 10, 40, "failed"}, {{"cause", "exception"}, {"message", "bad"}});
  log.attempt({"map-0", "w2", 50, 90, "lost", 2}, {{"cause", "worker-lost"}, {"message", "gone"}});
  log.attempt({"map-1", "w1", 10, 100}, {{"records_in", 5}});
  log.attempt({"map-1", "w2", 60, 120, "abandoned", 2}, {{"speculative", true}});
  log.attempt({"map-0", "w1", 90, 110, "committed", 3});
  log.add(110, "stage.ended", {{"stage", "map"}, {"tasks", 2}});
  log.attempt({"reduce-0", "w1", 110, 130, "cancelled"});
  log.add(130, "job.ended", {{"state", "cancelled"}});
  return log;
}

TEST(Otlp, GivesEachAttemptASpanBelowItsStage) {
  const auto spans = by_name(trace_requests(eventful_log().read()));
  const std::string job = spans.at("job word_count")["spanId"];
  EXPECT_FALSE(spans.at("job word_count").contains("parentSpanId"));
  for (const char* stage : {"planning", "map", "reduce"}) {
    EXPECT_EQ(spans.at(stage)["parentSpanId"], job) << stage;
  }
  for (const char* attempt : {"map-0.1", "map-0.2", "map-0.3", "map-1.1", "map-1.2"}) {
    EXPECT_EQ(spans.at(attempt)["parentSpanId"], spans.at("map")["spanId"]) << attempt;
  }
  EXPECT_EQ(spans.at("reduce-0.1")["parentSpanId"], spans.at("reduce")["spanId"]);
}

TEST(Otlp, SaysWhatBecameOfAnAttempt) {
  const auto spans = by_name(trace_requests(eventful_log().read()));
  const Json& failed = spans.at("map-0.1");
  EXPECT_EQ(failed["status"]["code"], 2);
  EXPECT_EQ(failed["status"]["message"], "exception: bad");
  EXPECT_EQ(failed["events"][0]["name"], "exception");
  EXPECT_EQ(spans.at("map-0.2")["status"]["code"], 2);
  EXPECT_EQ(value(spans.at("map-0.2"), "fanfold.outcome"), "\"lost\"");
  EXPECT_EQ(value(spans.at("map-1.2"), "fanfold.speculative"), "true");
  EXPECT_FALSE(spans.at("map-1.2").contains("status"));
  EXPECT_EQ(value(spans.at("reduce-0.1"), "fanfold.outcome"), "\"cancelled\"");
  EXPECT_EQ(spans.at("map-1.1")["status"]["code"], 1);
  EXPECT_EQ(value(spans.at("map-1.1"), "fanfold.input.records"), "\"5\"");
}

TEST(Otlp, StageHoldsAnAttemptThatEndsAfterIt) {
  const auto spans = by_name(trace_requests(eventful_log().read()));
  EXPECT_EQ(spans.at("map")["endTimeUnixNano"], spans.at("map-1.2")["endTimeUnixNano"]);
}

TEST(Otlp, SameLogGivesTheSameIdsAndAnotherLogOthers) {
  const TraceRequests first = trace_requests(eventful_log().read());
  EXPECT_EQ(first.bodies, trace_requests(eventful_log().read()).bodies);
  JobHistory other = eventful_log().read();
  ++other.submitted_unix_us;
  EXPECT_NE(trace_requests(other).trace, first.trace);
}

TEST(Otlp, JobOfACallerIsBelowTheCallersSpan) {
  JobHistory history = eventful_log().read();
  history.traceparent = kTraceparent;
  const TraceRequests requests = trace_requests(history);
  EXPECT_EQ(requests.trace, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(by_name(requests).at("job word_count")["parentSpanId"], "00f067aa0ba902b7");
}

TEST(Otlp, IsCutIntoRequestsOfALimitedNumberOfSpans) {
  const TraceRequests requests = trace_requests(eventful_log().read(), 4);
  EXPECT_EQ(requests.spans, 10u);
  EXPECT_EQ(requests.bodies.size(), 3u);
  EXPECT_EQ(spans_of(requests).size(), 10u);
}

TEST(Otlp, AttemptsThatARestartedMasterCountsAnewHaveIdsOfTheirOwn) {
  LogWriter log;
  log.worker("w1", 1);
  log.attempt({"map-0", "w1", 0, 10, "lost"}).attempt({"map-0", "w1", 20, 30});
  std::set<std::string> ids;
  for (const Json& span : spans_of(trace_requests(log.read()))) ids.insert(span["spanId"]);
  EXPECT_EQ(ids.size(), spans_of(trace_requests(log.read())).size());
}

TEST(Traceparent, IsReadAsTheStandardSays) {
  const auto context = parse_traceparent(kTraceparent);
  ASSERT_TRUE(context.has_value());
  EXPECT_EQ(context->trace, "4bf92f3577b34da6a3ce929d0e0e4736");
  EXPECT_EQ(context->parent, "00f067aa0ba902b7");
  EXPECT_EQ(context->flags, 1);
  // A later version may say more.
  EXPECT_TRUE(parse_traceparent(std::string("01") + (kTraceparent + 2) + "-more").has_value());
}

TEST(Traceparent, ThatIsNoneIsRefused) {
  const std::string good = kTraceparent;
  for (const std::string& wrong : std::vector<std::string>{
           std::string(), good.substr(1), good + "-more", good + "0", "ff" + good.substr(2),
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g", std::string(10'000, '0')}) {
    EXPECT_FALSE(parse_traceparent(wrong).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace fanfold::cli
