#include "jobs/log_stats.cpp"

#include <gtest/gtest.h>

#include <map>
#include <regex>

#include "tests/jobs/running.hpp"
#include "tests/jobs/texts.hpp"

namespace fanfold::jobs_test {
namespace {

// What a log adds up to, read with a regular expression.
struct Totals {
  std::map<std::string, int> statuses;
  std::map<std::string, int> paths;
  std::uint64_t bytes = 0;
  int requests = 0;
  int without_path = 0;
  std::string rejects;
};

Totals totals_of(const std::string& log, bool keep_query) {
  static const std::regex kLine(
      R"re(^[^ ]+ [^ ]+ [^ ]+ \[[^\]]*\] "((?:[^"\\]|\\.)*)" ([1-9][0-9][0-9]) ([0-9]+|-)( ".*)?$)re");
  Totals totals;
  for (const std::string& line : lines_of(log)) {
    std::smatch match;
    if (!std::regex_match(line, match, kLine)) {
      totals.rejects += line + "\n";
      continue;
    }
    ++totals.requests;
    ++totals.statuses[match[2]];
    if (match[3] != "-") totals.bytes += std::stoull(match[3]);
    const std::vector<std::string> words = words_of(match[1]);
    if (words.size() < 2) {
      ++totals.without_path;
    } else {
      ++totals.paths[keep_query ? words[1] : words[1].substr(0, words[1].find('?'))];
    }
  }
  return totals;
}

std::string shown(const Totals& totals, std::size_t top) {
  std::string text = "bytes total\t" + std::to_string(totals.bytes) + "\n" + "requests total\t" +
                     std::to_string(totals.requests) + "\n";
  for (const auto& [status, count] : totals.statuses) {
    text += "status " + status + "\t" + std::to_string(count) + "\n";
  }
  std::vector<std::pair<std::string, int>> ranking(totals.paths.begin(), totals.paths.end());
  std::stable_sort(ranking.begin(), ranking.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  ranking.resize(std::min(top, ranking.size()));
  for (const auto& [path, count] : ranking) {
    text += "path " + path + "\t" + std::to_string(count) + "\n";
  }
  return text;
}

std::string generated_log(std::uint64_t seed, int lines) {
  std::mt19937_64 random(seed);
  std::string log;
  for (int i = 0; i < lines; ++i) {
    if (random() % 20 == 0) {
      log += "this is no log line " + std::to_string(i) + "\n";
      continue;
    }
    log += "10.0.0." + std::to_string(random() % 256) + " - user [10/Oct/2000:13:55:36 -0700] ";
    log += random() % 30 == 0 ? "\"-\""
                              : "\"GET /page" + std::to_string(random() % 40) +
                                    (random() % 3 == 0 ? "?q=a b" : "") + " HTTP/1.0\"";
    log += " " + std::to_string(200 + random() % 3 * 102) + " ";
    log += random() % 5 == 0 ? "-" : std::to_string(random() % 100'000);
    if (random() % 2 == 0) log += " \"http://example.com/\" \"Agent \\\"x\\\" 1.0\"";
    log += random() % 2 == 0 ? "\r\n" : "\n";
  }
  return log;
}

TEST(LogStats, AddsUpALogInAnyLayout) {
  const std::string log = generated_log(50, 600);
  const Totals totals = totals_of(log, false);
  for (const Layout& layout : kLayouts) {
    const Outcome outcome = run<LogStats>({{"access.log", log, ""}}, {}, layout);
    ASSERT_EQ(outcome.all(), shown(totals, 10)) << layout;
    ASSERT_EQ(sorted(lines_of(outcome.outputs.at("rejects"))), sorted(lines_of(totals.rejects)));
    ASSERT_EQ(outcome.counters.at("malformed_lines"),
              static_cast<std::int64_t>(lines_of(totals.rejects).size()));
    ASSERT_EQ(outcome.counters.at("requests_without_path"), totals.without_path);
  }
}

TEST(LogStats, KeepsQueriesAndMorePathsWhenAsked) {
  const std::string log = generated_log(51, 400);
  const Outcome outcome =
      run<LogStats>({{"access.log", log, ""}}, {{"query", "true"}, {"top", "50"}}, {2, 500});
  EXPECT_EQ(outcome.all(), shown(totals_of(log, true), 50));
}

TEST(LogStats, LeavesPathsOutWhenAsked) {
  const std::string log = generated_log(52, 100);
  const Outcome outcome = run<LogStats>({{"access.log", log, ""}}, {{"top", "0"}}, {2, 500});
  EXPECT_EQ(outcome.all(), shown(totals_of(log, false), 0));
}

TEST(LogStats, RejectsLinesOfAnotherShapeAsTheyAre) {
  const std::string good = R"(::1 - - [t] "GET /a\"b HTTP/1.1" 200 5)"
                           "\n";
  const std::vector<std::string> bad = {
      "",
      "::1 - - [t] \"GET / HTTP/1.1\" 200",
      "::1 - - [t] \"GET / HTTP/1.1\" 20 5",
      "::1 - - [t] \"GET / HTTP/1.1\" 2000 5",
      "::1 - - [t] \"GET / HTTP/1.1\" 099 5",
      "::1 - - [t] \"GET / HTTP/1.1\" 200 5x",
      "::1 - - [t] \"GET / HTTP/1.1\" 200 -5",
      "::1 - - [t] \"GET / HTTP/1.1\" 200 99999999999999999999999",
      "::1 - - [t] \"GET / HTTP/1.1 200 5",
      "::1 - - t \"GET / HTTP/1.1\" 200 5",
      "::1 - [t] \"GET / HTTP/1.1\" 200 5",
      "a tab\tand a \\ backslash",
  };
  const Outcome outcome = run<LogStats>({{"f", good + joined(bad), ""}}, {}, {1, 1000});
  EXPECT_EQ(outcome.outputs.at("rejects"), joined(bad));
  EXPECT_EQ(outcome.all(), "bytes total\t5\nrequests total\t1\nstatus 200\t1\npath /a\\\\\"b\t1\n");
}

TEST(LogStats, SumsNothingOverAnEmptyLog) {
  const Outcome outcome = run<LogStats>({{"f", "", ""}}, {}, {2, 10});
  EXPECT_TRUE(outcome.all().empty() || outcome.all() == "bytes total\t0\nrequests total\t0\n");
}

TEST(LogStats, AddsInAnyOrder) { expect_combiner_laws<LogStats>({1, 2, 3}); }

}  // namespace
}  // namespace fanfold::jobs_test
