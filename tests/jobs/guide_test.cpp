// More of the examples that docs/job_guide.md and README.md quote.  (A program of its own: names
// of jobs repeat.)

#include "tests/jobs/examples/shortest_job.cpp"
#include "tests/jobs/examples/versions.cpp"
#include "tests/jobs/running.hpp"

namespace fanfold::jobs_test {
namespace {

TEST(GuideExample, ShortestJobWritesFoldedValues) {
  for (const Layout& layout : kLayouts) {
    EXPECT_EQ(run<::WordCount>({{"f", "to be or not to be\n", ""}}, {}, layout).lines().size(), 4u);
  }
  EXPECT_EQ(run<::WordCount>({{"f", "to be or not to be\n", ""}}, {}, {}).all(),
            "be\t2\nnot\t1\nor\t1\nto\t2\n");
}

TEST(GuideExample, VersionsComeNewestFirst) {
  const std::string text = "1.2\n10.0\n1.10\n1.2\nx\n2.\n0.9\n";
  for (const Layout& layout : kLayouts) {
    const Outcome outcome = run<::Versions>({{"f", text, ""}}, {}, layout);
    EXPECT_EQ(outcome.all(), "10.0\t1\n1.10\t1\n1.2\t2\n0.9\t1\n") << layout;
    EXPECT_EQ(outcome.outputs.at("rejects"), "f\t18,x\nf\t20,2.\n") << layout;
  }
}

}  // namespace
}  // namespace fanfold::jobs_test
