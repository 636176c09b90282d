#include "jobs/grep.cpp"

#include <gtest/gtest.h>

#include <functional>
#include <regex>

#include "tests/jobs/running.hpp"
#include "tests/jobs/texts.hpp"

namespace fanfold::jobs_test {
namespace {

using Matches = std::function<bool(const std::string&)>;

Matches contains(const std::string& piece) {
  return [piece](const std::string& line) { return line.find(piece) != std::string::npos; };
}

Matches matches(const std::string& pattern, bool ignore_case = false) {
  const auto flags =
      std::regex::extended | (ignore_case ? std::regex::icase : std::regex::extended);
  return [expression = std::regex(pattern, flags)](const std::string& line) {
    return std::regex_search(line, expression);
  };
}

// What `grep -H` prints, file by file.
std::string found(const std::vector<Source>& sources, const Matches& matches) {
  std::string text;
  for (const Source& source : sources) {
    for (const std::string& line : lines_of(source.text)) {
      if (matches(line)) text += source.file + ":" + line + "\n";
    }
  }
  return text;
}

std::vector<Source> two_files() {
  return {{"a/one.txt", generated_text(5, 300), ""}, {"b.txt", generated_text(6, 100), ""}};
}

TEST(Grep, FindsPlainTextInAnyLayout) {
  std::vector<std::string> texts = all_texts();
  for (const std::string pattern : {"a1", "the", "\xc3\xa9", " ", "xxxxx", "not there"}) {
    for (const std::string& text : texts) {
      for (const Layout& layout : kLayouts) {
        const std::vector<Source> sources = {{"f", text, ""}};
        const Outcome outcome = run<Grep>(sources, {{"pattern", pattern}}, layout);
        ASSERT_EQ(outcome.all(), found(sources, contains(pattern))) << layout << pattern;
      }
    }
  }
}

TEST(Grep, WritesFilesAndLinesInOrderOverAllParts) {
  for (const Layout& layout : kLayouts) {
    const Outcome outcome = run<Grep>(two_files(), {{"pattern", "a"}}, layout);
    EXPECT_EQ(outcome.all(), found(two_files(), contains("a"))) << layout;
  }
}

TEST(Grep, ReadsExtendedRegularExpressions) {
  for (const std::string pattern :
       {"^a", "1$", "^$", "a1|b2", "a(1|2) ", "(a|b)+1", "b[0-9]+ *c", "a.b", "ab?", "b1*2", "a{2}",
        "c{1,2}1", "[[:upper:]][[:digit:]]$", "a1 +b", "(a1)?b1 c", "x*", "b\\.|c$", "1 a1 ?"}) {
    const Outcome outcome = run<Grep>(two_files(), {{"pattern", pattern}}, {3, 200});
    EXPECT_EQ(outcome.all(), found(two_files(), matches(pattern))) << pattern;
  }
}

TEST(Grep, TakesARepetitionOfARepetitionForAnOptionalOne) {
  const std::vector<Source> sources = {{"f", "a1\nab1\nabb1\nb1\n", ""}};
  EXPECT_EQ(run<Grep>(sources, {{"pattern", "ab+?1"}}, {1, 100}).all(), "f:a1\nf:ab1\nf:abb1\n");
}

TEST(Grep, IgnoresCaseOfPlainTextAndOfExpressions) {
  for (const std::string pattern : {"A B", "a b", "C1", "^A+", "b [A-C]", "(A|b)2? C"}) {
    const Outcome outcome =
        run<Grep>(two_files(), {{"pattern", pattern}, {"ignore_case", "true"}}, {2, 100});
    EXPECT_EQ(outcome.all(), found(two_files(), matches(pattern, true))) << pattern;
    EXPECT_FALSE(outcome.all().empty()) << pattern;
  }
}

TEST(Grep, ChoosesTheOtherLinesWhenInverted) {
  const Matches match = matches("a|b");
  const Outcome outcome = run<Grep>(two_files(), {{"pattern", "a|b"}, {"invert", "true"}}, {3, 50});
  EXPECT_EQ(outcome.all(), found(two_files(), [&](const auto& line) { return !match(line); }));
}

TEST(Grep, TakesFixedPatternsLiterally) {
  const std::vector<Source> sources = {{"f", "a.c\nabc\n(x|y)\n[z]*\n", ""}};
  for (const std::string pattern : {"a.c", "(x|y)", "[z]*", "("}) {
    const Outcome outcome = run<Grep>(sources, {{"pattern", pattern}, {"fixed", "true"}}, {1, 5});
    EXPECT_EQ(outcome.all(), found(sources, contains(pattern))) << pattern;
  }
}

TEST(Grep, MatchesEveryLineWithAnEmptyPattern) {
  const std::vector<Source> sources = {{"f", "a\n\nb", ""}};
  EXPECT_EQ(run<Grep>(sources, {{"pattern", ""}}, {1, 2}).all(), "f:a\nf:\nf:b\n");
}

TEST(Grep, CountsPerFileAndNamesFilesWithoutMatch) {
  std::vector<Source> sources = two_files();
  sources.push_back({"c.txt", "nothing of it\n", ""});
  for (const Layout& layout : kLayouts) {
    const Outcome outcome = run<Grep>(sources, {{"pattern", "a1"}, {"mode", "count"}}, layout);
    std::string expected;
    for (const Source& source : sources) {
      const auto lines = lines_of(source.text);
      expected += source.file + ":" +
                  std::to_string(std::count_if(lines.begin(), lines.end(), contains("a1"))) + "\n";
    }
    EXPECT_EQ(sorted(outcome.lines()), lines_of(expected)) << layout;
  }
}

TEST(Grep, WritesOffsetsThatPointAtTheLine) {
  const std::string text = generated_text(7, 200);
  const Outcome outcome =
      run<Grep>({{"f", text, ""}}, {{"pattern", "b"}, {"prefix", "offset"}}, {3, 30});
  std::size_t lines = 0;
  for (const std::string& line : lines_of(outcome.all())) {
    ASSERT_TRUE(line.starts_with("f:"));
    const std::size_t colon = line.find(':', 2);
    const std::size_t offset = std::stoul(line.substr(2, colon - 2));
    const std::string shown = line.substr(colon + 1);
    EXPECT_EQ(text.substr(offset, shown.size()), shown);
    EXPECT_TRUE(offset == 0 || text[offset - 1] == '\n');
    ++lines;
  }
  EXPECT_EQ(lines, lines_of(found({{"f", text, ""}}, contains("b"))).size());
}

TEST(Grep, LeavesTheFileOutWhenAsked) {
  const Outcome outcome =
      run<Grep>({{"f", "a:b\nc\n", ""}}, {{"pattern", "a"}, {"prefix", "none"}}, {1, 100});
  EXPECT_EQ(outcome.all(), "a:b\n");
}

TEST(Grep, RefusesABadPatternAndSaysWhy) {
  try {
    run<Grep>({{"f", "a\n", ""}}, {{"pattern", "a(b"}}, {1, 100});
    FAIL() << "no exception";
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("'a(b' is no regular expression: "), std::string::npos)
        << error.what();
  }
}

TEST(Grep, SearchesFirstForWhatEveryMatchMustContain) {
  EXPECT_EQ(required_piece("error: [0-9]+"), "error: ");
  EXPECT_EQ(required_piece("^GET /index\\.html"), "GET /index.html");
  EXPECT_EQ(required_piece("abc*de"), "ab");
  EXPECT_EQ(required_piece("ab{0}cde"), "cde");
  EXPECT_EQ(required_piece("a+bcd"), "bcd");
  EXPECT_EQ(required_piece("abc+?d"), "ab");
  EXPECT_EQ(required_piece("abc+{0}d"), "ab");
  EXPECT_EQ(required_piece("(abcdef)?gh"), "gh");
  EXPECT_EQ(required_piece("abc|d"), "");
  EXPECT_EQ(required_piece("[abc]defg"), "");
  EXPECT_EQ(required_piece("\\wfoo\\1"), "foo");
}

}  // namespace
}  // namespace fanfold::jobs_test
