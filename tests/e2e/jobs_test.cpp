// Every bundled job on a real local cluster against an oracle that knows nothing of Fanfold.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <tuple>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::IsEmpty;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string counted(const std::map<std::string, std::uint64_t>& counts) {
  std::string text;
  for (const auto& [key, count] : counts) text += key + "\t" + std::to_string(count) + "\n";
  return text;
}

class BundledJob : public testing::Test {
 protected:
  void SetUp() override {
    first_ = workspace_.write("in/first.txt", make_text(1, 3000));
    second_ = workspace_.write("in/second.txt", make_text(2, 2000));
  }

  // Runs the job with three reducers and many small splits and returns what `cat` prints.
  std::string result(std::vector<std::string> job) {
    std::vector<std::string> arguments = {"run"};
    arguments.insert(arguments.end(), job.begin(), job.end());
    for (const char* word : {"-o", "out", "-r", "3", "--split-bytes", "7K", "--workers", "2",
                             "--slots", "1", "--quiet"}) {
      arguments.emplace_back(word);
    }
    const Outcome outcome = run(workspace_, arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
    EXPECT_THAT(workspace_.remains(), IsEmpty());
    const Outcome cat = run(workspace_, {"cat", "out"});
    EXPECT_EQ(cat.exit_code, 0) << cat.err;
    return cat.out;
  }

  std::string text() const {
    return workspace_.read("in/first.txt") + workspace_.read("in/second.txt");
  }

  Workspace workspace_;
  std::string first_;
  std::string second_;
};

TEST_F(BundledJob, WordCountCountsEveryWord) {
  std::map<std::string, std::uint64_t> counts;
  for (const std::string& word : words_of(text())) ++counts[word];
  EXPECT_EQ(result({"word_count", "in"}), counted(counts));
}

TEST_F(BundledJob, DistinctKeepsEveryLineOnce) {
  std::set<std::string> lines;
  for (const std::string& line : lines_of(text())) lines.insert(line);
  EXPECT_EQ(result({"distinct", "in"}), joined({lines.begin(), lines.end()}));
}

TEST_F(BundledJob, GrepFindsLinesInOrderOfFileAndPosition) {
  std::vector<std::string> found;
  for (const std::string& file : {first_, second_}) {
    const std::string name = file.substr(workspace_.root().size() + 1);
    for (const std::string& line : lines_of(workspace_.read(name))) {
      if (line.find("w17") != std::string::npos) found.push_back(file + ":" + line);
    }
  }
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(result({"grep", "in", "--param", "pattern=w17"}), joined(found));
}

TEST_F(BundledJob, GrepCountsLinesPerFile) {
  std::vector<std::string> counts;
  for (const std::string& file : {first_, second_}) {
    const auto lines = lines_of(workspace_.read(file.substr(workspace_.root().size() + 1)));
    const auto count = std::count_if(lines.begin(), lines.end(), [](const std::string& line) {
      return line.find("w9") != std::string::npos;
    });
    counts.push_back(file + ":" + std::to_string(count));
  }
  EXPECT_EQ(result({"grep", "in", "--param", "pattern=w9", "--param", "mode=count"}),
            joined(counts));
}

TEST_F(BundledJob, SortIsOneTotalOrder) {
  std::vector<std::string> lines = lines_of(text());
  std::sort(lines.begin(), lines.end());
  EXPECT_EQ(result({"sort", "in"}), joined(lines));
}

TEST_F(BundledJob, SortComparesNumbersAndKeepsEqualLinesInInputOrder) {
  std::string numbers;
  for (int i = 0; i < 4000; ++i) {
    numbers += "x\t" + std::to_string((i * 7919) % 1000 - 500) + "\t" + std::to_string(i) + "\n";
  }
  workspace_.write("numbers.tsv", numbers);
  std::vector<std::string> lines = lines_of(numbers);
  std::stable_sort(lines.begin(), lines.end(), [](const std::string& a, const std::string& b) {
    return std::stoi(a.substr(2)) < std::stoi(b.substr(2));
  });
  EXPECT_EQ(result({"sort", "numbers.tsv", "--param", "field=2", "--param", "numeric=true"}),
            joined(lines));
}

TEST_F(BundledJob, InvertedIndexListsTheFilesOfEachWord) {
  std::map<std::string, std::set<std::string>> index;
  for (const std::string& file : {first_, second_}) {
    for (const std::string& word :
         words_of(workspace_.read(file.substr(workspace_.root().size() + 1)))) {
      index[word].insert(file);
    }
  }
  std::string expected;
  for (const auto& [word, files] : index) {
    expected += word;
    for (const std::string& file : files) expected += "\t" + file;
    expected += "\n";
  }
  EXPECT_EQ(result({"inverted_index", "in"}), expected);
}

TEST_F(BundledJob, JoinPairsLinesOfOneKey) {
  std::string left;
  std::string right;
  std::multimap<std::string, std::string> lefts;
  std::vector<std::tuple<std::string, std::string, std::string>> rows;
  for (int i = 0; i < 1500; ++i) {
    const std::string key = "k" + std::to_string(i % 700);
    left += key + "\tl" + std::to_string(i) + "\n";
    lefts.emplace(key, "l" + std::to_string(i));
  }
  for (int i = 0; i < 900; ++i) {
    const std::string key = "k" + std::to_string(i % 900);
    const std::string value = "r" + std::to_string(i);
    right += key + "\t" + value + "\n";
    const auto [begin, end] = lefts.equal_range(key);
    for (auto match = begin; match != end; ++match) rows.emplace_back(key, value, match->second);
  }
  std::sort(rows.begin(), rows.end());
  std::string expected;
  for (const auto& [key, right_value, left_value] : rows) {
    expected += key + "\t" + left_value + "\t" + right_value + "\n";
  }
  workspace_.write("left.tsv", left);
  workspace_.write("right.tsv", right);
  EXPECT_EQ(result({"join", "left=left.tsv", "right=right.tsv"}), expected);
}

TEST_F(BundledJob, TopKRanksByFrequencyAndThenByBytes) {
  std::map<std::string, std::uint64_t> counts;
  for (const std::string& word : words_of(text())) ++counts[word];
  std::vector<std::pair<std::string, std::uint64_t>> ranked(counts.begin(), counts.end());
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string expected;
  for (std::size_t i = 0; i < 25; ++i) {
    expected += ranked[i].first + "\t" + std::to_string(ranked[i].second) + "\n";
  }
  EXPECT_EQ(result({"top_k", "in", "--param", "k=25"}), expected);
}

TEST_F(BundledJob, NgramsCountsPairsOfWordsWithinALine) {
  std::map<std::string, std::uint64_t> counts;
  for (const std::string& line : lines_of(text())) {
    const auto words = words_of(line);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) ++counts[words[i] + " " + words[i + 1]];
  }
  EXPECT_EQ(result({"ngrams", "in"}), counted(counts));
}

TEST_F(BundledJob, LogStatsAddsUpAccessLogs) {
  std::string log;
  std::uint64_t bytes = 0;
  std::map<int, std::uint64_t> statuses;
  std::map<std::string, std::uint64_t> paths;
  for (int i = 0; i < 3000; ++i) {
    const int status = i % 10 == 0 ? 404 : 200;
    const std::string path = "/p" + std::to_string((i * i) % 37);
    log += "10.0.0." + std::to_string(i % 250) + " - - [10/Oct/2000:13:55:36 -0700] \"GET " + path +
           "?q=" + std::to_string(i) + " HTTP/1.1\" " + std::to_string(status) + " " +
           std::to_string(i) + "\n";
    bytes += static_cast<std::uint64_t>(i);
    ++statuses[status];
    ++paths[path];
    if (i % 500 == 0) log += "not a log line " + std::to_string(i) + "\n";
  }
  workspace_.write("access.log", log);
  std::vector<std::pair<std::string, std::uint64_t>> ranked(paths.begin(), paths.end());
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string expected = "bytes total\t" + std::to_string(bytes) + "\nrequests total\t3000\n";
  for (const auto& [status, count] : statuses) {
    expected += "status " + std::to_string(status) + "\t" + std::to_string(count) + "\n";
  }
  for (std::size_t i = 0; i < 5; ++i) {
    expected += "path " + ranked[i].first + "\t" + std::to_string(ranked[i].second) + "\n";
  }
  EXPECT_EQ(result({"log_stats", "access.log", "--param", "top=5"}), expected);
  EXPECT_EQ(lines_of(workspace_.read("out/rejects-map")).size(), 6u);
}

}  // namespace
}  // namespace fanfold::e2e
