// Which splits are near which hosts.

#include "master/planner/preferences.hpp"

#include <gmock/gmock.h>

#include "tests/planner/planner_fixture.hpp"

namespace fanfold::master {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Preferences, MeanFilesAndWhatIsBelowDirectories) {
  EXPECT_TRUE(is_below("/data/a.log", "/data/a.log"));
  EXPECT_TRUE(is_below("/data", "/data/a.log"));
  EXPECT_TRUE(is_below("/data/*.log", "/data/a.log"));
  EXPECT_TRUE(is_below("/data/brick[0-4]", "/data/brick3/x/y"));
  EXPECT_TRUE(is_below("s3://bucket/hot*", "s3://bucket/hot-1/part"));
  EXPECT_TRUE(is_below("/", "/data"));
  EXPECT_FALSE(is_below("/dat", "/data/a.log"));
  EXPECT_FALSE(is_below("/data/*.log", "/data/b/a.log"));
  EXPECT_FALSE(is_below("/data/a.log/b", "/data/a.log"));
}

TEST(Preferences, MeanWhatExistsWhateverItLooksLike) {
  EXPECT_TRUE(is_below("/data/a[1]", "/data/a[1]/x"));
  EXPECT_TRUE(is_below("/data/a[1]", "/data/a1/x"));
  EXPECT_TRUE(is_below("/data/why?", "/data/why?"));
  EXPECT_FALSE(is_below("/data/a[1]", "/data/a[2]/x"));
}

TEST(Preferences, MeetFilesOfListsThatAreSpelledOtherwise) {
  EXPECT_TRUE(is_below("/data/brick-1", "/data/./brick-1/x"));
  EXPECT_TRUE(is_below("/data/brick-1/*.gz", "/data//brick-1/./x.gz"));
  EXPECT_TRUE(is_below("/data/./brick-1/", "/data/brick-1/x"));
  EXPECT_TRUE(is_below("/data/**/x", "/data/b/./c/x"));
  EXPECT_FALSE(is_below("/data/*/x", "/data/./x"));
}

TEST(Preferences, MeanAnyDepthByTwoStars) {
  EXPECT_TRUE(is_below("/data/**/*.log", "/data/a.log"));
  EXPECT_TRUE(is_below("/data/**/*.log", "/data/b/c/a.log"));
  EXPECT_TRUE(is_below("/**/b/**/d", "/a/b/b/c/d"));
  EXPECT_TRUE(is_below("/data/**", "/data/b/c/a.log"));
  EXPECT_FALSE(is_below("/data/**/*.log", "/data/b/c/a.txt"));
  EXPECT_FALSE(is_below("/**/b/**/d", "/a/c/d"));
  // In no time.
  std::string pattern;
  std::string path;
  for (int i = 0; i < 30; ++i) pattern += "/**/a";
  for (int i = 0; i < 200; ++i) path += "/a";
  EXPECT_FALSE(is_below(pattern + "/b", path));
}

class PreferencePlans : public PlannerTest {
 protected:
  proto::Split split(std::vector<std::pair<std::string, std::uint64_t>> files) {
    proto::Split split;
    for (auto& [path, bytes] : files) {
      io::Piece& piece = split.pieces.emplace_back();
      piece.path = std::move(path);
      piece.end = bytes;
    }
    return split;
  }
  /// "0 2" for two splits of the first preference, "- 1" for one of none.
  std::vector<std::string> runs(const std::vector<proto::Split>& splits) {
    std::vector<std::string> texts;
    for (const PreferenceRun& run : find_preferences(prefer_, splits, &notes_)) {
      texts.push_back((run.preference ? std::to_string(*run.preference) : "-") + " " +
                      std::to_string(run.count));
    }
    return texts;
  }
  std::vector<proto::Preference> prefer_ = {{"/a", {"h1"}}, {"/b", {"h2", "h3"}}};
  std::vector<std::string> notes_;
};

TEST_F(PreferencePlans, HaveRunsOfNeighbours) {
  EXPECT_THAT(runs({split({{"/a/1", 1}}), split({{"/a/1", 1}}), split({{"/c", 1}}),
                    split({{"/b/1", 1}}), split({{"/a/2", 1}})}),
              ElementsAre("0 2", "- 1", "1 1", "0 1"));
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(PreferencePlans, TakeTheFirstThatMatches) {
  prefer_ = {{"/a/x", {"h1"}}, {"/a", {"h2"}}};
  EXPECT_THAT(runs({split({{"/a/x", 1}}), split({{"/a/y", 1}})}), ElementsAre("0 1", "1 1"));
}

TEST_F(PreferencePlans, GoByMostOfTheBytesOfASplit) {
  EXPECT_THAT(runs({split({{"/a/1", 5}, {"/b/1", 3}, {"/b/2", 3}})}), ElementsAre("1 1"));
}

TEST_F(PreferencePlans, SayWhatMatchesNothing) {
  EXPECT_THAT(runs({split({{"/c", 1}})}), IsEmpty());
  ASSERT_EQ(notes_.size(), 2u);
  EXPECT_THAT(notes_[1], HasSubstr("'/b'"));
}

TEST_F(PreferencePlans, LeaveAloneWhatLiesOnAHost) {
  prefer_ = {{"host:", {"h1"}}};
  EXPECT_THAT(runs({split({{"host://web1/a", 1}})}), IsEmpty());
}

TEST_F(PreferencePlans, ArePartOfAPlan) {
  spec_.prefer = {{directory_.path() + "/a", {"h1"}}};
  spec_.split_bytes = 10;
  write("a", std::string(30, 'x'));
  const auto made = plan({directory_.path() + "/a"});
  ASSERT_TRUE(made.ok()) << made.status().message();
  ASSERT_EQ(made->preferred.size(), 1u);
  EXPECT_EQ(made->preferred[0].count, made->splits.size());
}

}  // namespace
}  // namespace fanfold::master
