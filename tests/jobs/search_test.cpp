#include "jobs/search.cpp"

#include <gtest/gtest.h>

#include "tests/jobs/running.hpp"

namespace fanfold::jobs_test {
namespace {

constexpr const char* kIndex =
    "hamlet\tbe\t0.5\n"
    "hamlet\tnot\t0.25\n"
    "a\tname\twith tabs\t0.5\n"
    "macbeth\tbe\t0.125\n"
    "lear\tbe\t0.5\n"
    "lear\tnothing\t4\n";

std::string searched(const std::map<std::string, std::string>& parameters, const Layout& layout) {
  return run<Search>({{"index", kIndex, ""}}, parameters, layout).all();
}

TEST(Search, RanksDocumentsByTheSumOfTheirScoresInAnyLayout) {
  for (const Layout& layout : kLayouts) {
    EXPECT_EQ(searched({{"query", "be not"}}, layout), "hamlet\t0.75\nlear\t0.5\nmacbeth\t0.125\n")
        << layout;
  }
}

TEST(Search, WritesNoMoreThanTheTop) {
  EXPECT_EQ(searched({{"query", "be"}, {"top", "2"}}, kLayouts[0]), "hamlet\t0.5\nlear\t0.5\n");
}

TEST(Search, FindsDocumentsWithEveryWordOnly) {
  EXPECT_EQ(searched({{"query", "be not"}, {"all", "true"}}, kLayouts[0]), "hamlet\t0.75\n");
  EXPECT_EQ(searched({{"query", "be be"}, {"all", "true"}, {"top", "1"}}, kLayouts[0]),
            "hamlet\t0.5\n");
}

TEST(Search, TakesTheLastTwoColumnsOfALine) {
  EXPECT_EQ(searched({{"query", "with"}}, kLayouts[0]), "");
  EXPECT_EQ(run<Search>({{"index", "a\tname\tbe\t0.5\n", ""}}, {{"query", "be"}}, {}).all(),
            "a\\tname\t0.5\n");
}

TEST(Search, RefusesWhatIsNoIndexAndAQueryOfNothing) {
  const auto search = [](const char* text, const char* query) {
    run<Search>({{"index", text, ""}}, {{"query", query}}, {});
  };
  EXPECT_ANY_THROW(search("some words\n", "some words"));
  EXPECT_ANY_THROW(search("document\tbe\tmuch\n", "be"));
  // Whatever is asked: such a shard has not answered.
  EXPECT_ANY_THROW(search("be\t1\nbe or not\n", "be"));
  EXPECT_ANY_THROW(search("document\tnot\tmuch\n", "be"));
  EXPECT_ANY_THROW(search("document\tbe\tinf\n", "be"));
  EXPECT_ANY_THROW(search("document\tbe\t1e308\ndocument\tor\t1e308\n", "be or"));
  EXPECT_ANY_THROW(search(kIndex, " "));
}

}  // namespace
}  // namespace fanfold::jobs_test
