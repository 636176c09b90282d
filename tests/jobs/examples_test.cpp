// The examples that docs/job_guide.md quotes do what it says.

#include "tests/jobs/examples/cereal_averages.cpp"
#include "tests/jobs/examples/csv_totals.cpp"
#include "tests/jobs/examples/first_job.cpp"
#include "tests/jobs/examples/json_sessions.cpp"
#include "tests/jobs/examples/longest_line.cpp"
#include "tests/jobs/examples/stop_words.cpp"
#include "tests/jobs/examples/testing_a_job.cpp"
#include "tests/jobs/running.hpp"
#include "tests/jobs/texts.hpp"

namespace fanfold::jobs_test {
namespace {

TEST(GuideExample, CsvTotalsAddsUpAndRejects) {
  const std::string csv =
      "price,customer,pieces\r\n250,\"Smith, "
      "\"\"Joe\"\"\",2\r\n100,Ann,1\r\n1.5,Ann,1\r\n100,Ann,3\n";
  for (const Layout& layout : kLayouts) {
    const Outcome outcome = run<CsvTotals>({{"f", csv, ""}}, {}, layout);
    EXPECT_EQ(sorted(outcome.lines()),
              (std::vector<std::string>{"Ann\t400", "Smith, \"Joe\"\t500"}))
        << layout;
    EXPECT_EQ(outcome.outputs.at("rejects"), "1.5,Ann,1\n");
    EXPECT_EQ(outcome.counters.at("bad_rows"), 1);
  }
}

TEST(GuideExample, JsonSessionsOrdersVisitsByTime) {
  const std::string json =
      "{\"session\":\"s\",\"time\":10,\"page\":\"/b\"}\n\n"
      "{\"session\":\"t\",\"time\":1,\"page\":\"/\"}\n{\"page\":\"/"
      "a\",\"time\":-2,\"session\":\"s\"}\n";
  for (const Layout& layout : kLayouts) {
    const Outcome outcome = run<JsonSessions>({{"f", json, ""}}, {}, layout);
    EXPECT_EQ(sorted(outcome.lines()), (std::vector<std::string>{"s\t/a", "s\t/b", "t\t/"}));
    EXPECT_LT(outcome.all().find("/a"), outcome.all().find("/b"));
  }
}

TEST(GuideExample, CerealAveragesDividesSumsByCounts) {
  for (const Layout& layout : kLayouts) {
    const Outcome outcome = run<CerealAverages>({{"f", "a\t1\nb\t4\na\t2\n", ""}}, {}, layout);
    EXPECT_EQ(sorted(outcome.lines()), (std::vector<std::string>{"a\t1.5", "b\t4"}));
  }
  EXPECT_THROW(run<CerealAverages>({{"f", "a\tx\n", ""}}, {}, {}), std::runtime_error);
}

TEST(GuideExample, LongestLineFindsTheFirstOfTheLongest) {
  for (const Layout& layout : kLayouts) {
    EXPECT_EQ(run<LongestLine>({{"f", "a\nbbb\nccc\n\n", ""}}, {}, layout).all(), "bbb\n");
    EXPECT_EQ(run<LongestLine>({{"f", "", ""}}, {}, layout).all(), "");
  }
  EXPECT_EQ(testing::check_partitioner<LongestLine>({0, 1, 99}), "");
}

}  // namespace
}  // namespace fanfold::jobs_test
