// Which files the inputs of a job mean, and what is said of inputs that mean none.

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/inputs/glob.hpp"
#include "tests/io/child.hpp"
#include "tests/planner/planner_fixture.hpp"

namespace fanfold::master {
namespace {

using Names = std::vector<std::string>;

class Inputs : public PlannerTest {};

TEST_F(Inputs, AreReadInTheOrderGiven) {
  write("b", "x");
  write("a", "x");
  EXPECT_EQ(files_of({path("b"), path("a"), path("b")}), (Names{"b", "a", "b"}));
}

TEST_F(Inputs, OfADirectoryAreAllFilesBelowItByPath) {
  for (const char* name : {"d/b", "d/a/z", "d/a.txt", "d/c/1/2", "d/B"}) write(name, "x");
  EXPECT_EQ(files_of({path("d/")}), (Names{"d/B", "d/a.txt", "d/a/z", "d/b", "d/c/1/2"}));
}

TEST_F(Inputs, OfADirectoryLeaveOutHiddenNamesAndMarkers) {
  for (const char* name : {"d/_SUCCESS", "d/.x", "d/_logs/a", "d/.git/b", "d/part"})
    write(name, "x");
  EXPECT_EQ(files_of({path("d")}), (Names{"d/part"}));
  EXPECT_EQ(files_of({path("d/_SUCCESS")}), (Names{"d/_SUCCESS"}));
}

TEST_F(Inputs, FollowPatterns) {
  for (const char* name :
       {"a1.txt", "a2.txt", "b1.txt", "a1.csv", "s/a1.txt", "s/t/a9.txt", ".a.txt"}) {
    write(name, "x");
  }
  EXPECT_EQ(files_of({path("a*.txt")}), (Names{"a1.txt", "a2.txt"}));
  EXPECT_EQ(files_of({path("?1.*")}), (Names{"a1.csv", "a1.txt", "b1.txt"}));
  EXPECT_EQ(files_of({path("[!a]*.txt")}), (Names{"b1.txt"}));
  EXPECT_EQ(files_of({path("*/a1.txt")}), (Names{"s/a1.txt"}));
  EXPECT_EQ(files_of({path("**/a[0-9].txt")}),
            (Names{"a1.txt", "a2.txt", "s/a1.txt", "s/t/a9.txt"}));
  EXPECT_EQ(files_of({path("s/**")}), (Names{"s/a1.txt", "s/t/a9.txt"}));
  EXPECT_EQ(files_of({path("**/t/*")}), (Names{"s/t/a9.txt"}));
  EXPECT_EQ(files_of({path(".a*")}), (Names{".a.txt"}));
}

TEST_F(Inputs, OfAPatternThatMatchesADirectoryAreTheFilesBelowItOnce) {
  write("s/a", "x");
  write("s/t/b", "x");
  EXPECT_EQ(files_of({path("s*")}), (Names{"s/a", "s/t/b"}));
  EXPECT_EQ(files_of({path("s/**/*")}), (Names{"s/a", "s/t/b"}));
}

TEST_F(Inputs, WithPatternCharactersInTheirNamesAreFound) {
  write("a[1].txt", "x");
  write("a1.txt", "x");
  EXPECT_EQ(files_of({path("a[1].txt")}), (Names{"a[1].txt"}));
  EXPECT_EQ(files_of({path("a\\[?].txt")}), (Names{"a[1].txt"}));
}

TEST_F(Inputs, ComeFromListsRelativeToTheList) {
  write("d/a", "x");
  write("d/b", "x");
  write("c", "x");
  write("d/list", "# the inputs\n\na\r\n" + path("c") + "\nb*");
  EXPECT_EQ(files_of({"@" + path("d/list")}), (Names{"d/a", "c", "d/b"}));
}

TEST_F(Inputs, CarryTheirTags) {
  spec_.input_tags = {"left", "right"};
  write("l/a=b", "x");
  write("r", "x");
  write("list", "left=r\n");
  const auto planned = plan({"right=" + path("r"), "left=" + path("l/a=b"), "@" + path("list"),
                             "left=@" + path("list2")});
  EXPECT_FALSE(planned.ok());
  write("list2", "r\n");
  const auto again = plan(
      {"right=" + path("r"), "left=" + path("l/*"), "@" + path("list"), "left=@" + path("list2")});
  ASSERT_TRUE(again.ok()) << again.status().message();
  Names tags;
  for (const io::Piece& piece : again->splits.front().pieces) tags.push_back(piece.tag);
  EXPECT_EQ(tags, (Names{"right", "left", "left", "left"}));
}

TEST_F(Inputs, WithoutOrWithUnknownOrMissingTagsAreRefusedWithTheTags) {
  spec_.input_tags = {"left", "right"};
  const std::string file = write("a", "x");
  expect_refused({file}, StatusCode::kInvalidArgument, {file, "no tag", "left, right"});
  expect_refused({"lfet=" + file}, StatusCode::kInvalidArgument, {"lfet", "left, right"});
  expect_refused({"left=" + file}, StatusCode::kInvalidArgument, {"right=PATH"});
}

TEST_F(Inputs, WithAnEqualsSignNeedNoTagWhenTheJobHasNone) {
  write("x=y", "x");
  EXPECT_EQ(files_of({path("x=y")}), (Names{"x=y"}));
}

TEST_F(Inputs, ThatAreMissingAreNamed) {
  expect_refused({path("gone")}, StatusCode::kNotFound, {"not found", path("gone")});
  expect_refused({path("gone*")}, StatusCode::kNotFound, {"no file matches", path("gone*")});
  expect_refused({"@" + path("gone")}, StatusCode::kNotFound, {path("gone")});
  expect_refused({}, StatusCode::kInvalidArgument, {"no input"});
  expect_refused({""}, StatusCode::kInvalidArgument, {"empty"});
  const std::string empty = write("list", "\n# nothing\n");
  expect_refused({"@" + empty}, StatusCode::kInvalidArgument, {"no files"});
  const std::string nested = write("nested", "@" + empty + "\n");
  expect_refused({"@" + nested}, StatusCode::kInvalidArgument, {"do not nest", nested});
  const std::string bad = write("bad", "gone.txt\n");
  expect_refused({"@" + bad}, StatusCode::kNotFound, {bad, "gone.txt"});
}

TEST_F(Inputs, OfAnEmptyDirectoryAreNone) {
  write("d/.hidden", "x");
  expect_refused({path("d")}, StatusCode::kNotFound, {"holds no files", path("d")});
}

TEST_F(Inputs, ThatLeadInCirclesAreNamed) {
  write("d/e/a", "x");
  std::filesystem::create_symlink(path("d"), path("d/e/up"));
  expect_refused({path("d")}, StatusCode::kInvalidArgument, {"loop", path("d/e/up")});
  expect_refused({path("**/a")}, StatusCode::kInvalidArgument, {"loop"});
  std::filesystem::create_symlink(path("self"), path("self"));
  expect_refused({path("self")}, StatusCode::kIoError, {"circle", path("self")});
}

TEST_F(Inputs, MayBeReachedThroughLinksThatLeadNowhereBack) {
  write("data/a", "x");
  std::filesystem::create_directory(path("d"));
  std::filesystem::create_symlink(path("data"), path("d/one"));
  std::filesystem::create_symlink(path("data"), path("d/two"));
  EXPECT_EQ(files_of({path("d")}), (Names{"d/one/a", "d/two/a"}));
}

TEST_F(Inputs, ThatAreLinksToNothingAreNamed) {
  write("d/a", "x");
  std::filesystem::create_symlink(path("gone"), path("d/broken"));
  expect_refused({path("d")}, StatusCode::kNotFound, {path("d/broken"), "link"});
}

TEST_F(Inputs, ThatAreNoFilesAreNamed) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  expect_refused({path("pipe")}, StatusCode::kInvalidArgument, {path("pipe"), "neither a file"});
  expect_refused({"/dev/null"}, StatusCode::kInvalidArgument, {"/dev/null"});
}

TEST_F(Inputs, ThatMayNotBeReadAreNamed) {
  write("secret", "x");
  write("closed/a", "x");
  ::chmod(path("secret").c_str(), 0);
  ::chmod(path("closed").c_str(), 0);
  ::chmod(directory_.path().c_str(), 0755);
  io::run_unprivileged([&]() -> std::string {
    for (const std::string& input : {path("secret"), path("closed"), path("closed/a")}) {
      const auto planned = plan({input});
      if (planned.ok()) return input + " was planned";
      const std::string message = planned.status().message();
      const bool clear = message.find("Permission denied") != std::string::npos &&
                         message.find(input) != std::string::npos;
      if (!clear) return "unclear: " + message;
    }
    return "";
  });
  ::chmod(path("closed").c_str(), 0755);
}

TEST(Glob, MatchesNamesAsTheShellDoes) {
  const struct {
    const char* pattern;
    const char* name;
    bool matches;
  } cases[] = {
      {"", "", true},          {"*", "", true},          {"*", "abc", true},
      {"a*c", "abc", true},    {"a*c", "abcd", false},   {"*a*b*", "xxaxxbxx", true},
      {"a?c", "abc", true},    {"a?c", "ac", false},     {"[abc]x", "bx", true},
      {"[a-c]x", "dx", false}, {"[!a-c]x", "dx", true},  {"[^a-c]x", "ax", false},
      {"[]]", "]", true},      {"[a-]", "-", true},      {"[", "[", true},
      {"[abc", "[abc", true},  {"\\*", "*", true},       {"\\*", "a", false},
      {"a\\", "a\\", true},    {"[\\]]", "]", true},     {"**", "a", true},
      {"*.*.*", "a.b", false}, {"[\xff]", "\xff", true}, {"a*a*a*a*b", "aaaaaaaaaa", false},
  };
  for (const auto& row : cases) {
    EXPECT_EQ(inputs::matches(row.pattern, row.name), row.matches)
        << row.pattern << " and " << row.name;
  }
}

}  // namespace
}  // namespace fanfold::master
