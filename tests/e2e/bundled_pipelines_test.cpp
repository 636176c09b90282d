// The bundled pipelines against programs that know nothing of map-reduce.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;

using Graph = std::map<std::string, std::set<std::string>>;

/// Some pages with many links, some with none, some that link to themselves.
Graph make_graph(unsigned seed, unsigned pages, unsigned links) {
  std::mt19937 random(seed);
  Graph graph;
  const auto page = [&] {
    return "p" + std::to_string(std::min(random() % pages, random() % pages));
  };
  for (unsigned i = 0; i < links; ++i) {
    const std::string from = page();
    const std::string to = page();
    // Many pages lead nowhere.
    if (from.back() % 4 == 0) continue;
    graph[from].insert(to);
    graph[to];
  }
  return graph;
}

/// Power iteration with doubles, until nothing moves.
std::map<std::string, double> ranks_of(const Graph& graph, double damping) {
  std::map<std::string, double> ranks;
  const double pages = static_cast<double>(graph.size());
  for (const auto& [page, links] : graph) ranks[page] = 1 / pages;
  for (int round = 0; round < 1000; ++round) {
    double dangling = 0;
    std::map<std::string, double> next;
    for (const auto& [page, links] : graph) {
      if (links.empty()) dangling += ranks[page];
      for (const std::string& link : links) {
        next[link] += damping * ranks[page] / static_cast<double>(links.size());
      }
    }
    for (const auto& [page, links] : graph) {
      next[page] += (1 - damping) / pages + damping * dangling / pages;
    }
    ranks = std::move(next);
  }
  return ranks;
}

std::vector<std::vector<std::string>> rows_of(const std::string& text) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    auto& row = rows.emplace_back();
    for (std::string field; std::getline(fields, field, '\t');) row.push_back(field);
  }
  return rows;
}

TEST(PageRank, IsThatOfPowerIteration) {
  const Workspace workspace;
  const Graph graph = make_graph(3, 300, 2000);
  std::string text = "# links of a small web\n\n";
  for (const auto& [page, links] : graph) {
    for (const std::string& link : links) text += page + " " + link + "\n";
    // Said twice, it is one link.
    if (!links.empty()) text += page + "\t" + *links.begin() + "\n";
  }
  workspace.write("links.txt", text);
  const Outcome outcome = run(workspace, {"pipeline", "page_rank", "links=links.txt",
                                          "output=ranks", "damping=0.8", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  const auto rounds = nlohmann::json::parse(outcome.out)["stages"][1]["rounds"].get<int>();
  EXPECT_GT(rounds, 5);
  EXPECT_LT(rounds, 100);  // It ends because nothing moves any more.

  const std::map<std::string, double> expected = ranks_of(graph, 0.8);
  const auto rows = rows_of(run(workspace, {"cat", "ranks"}).out);
  ASSERT_EQ(rows.size(), expected.size());
  double sum = 0;
  double before = 1;
  for (const auto& row : rows) {
    ASSERT_EQ(row.size(), 2u);
    const double rank = std::stod(row[1]);
    ASSERT_EQ(expected.count(row[0]), 1u) << row[0];
    // A tolerance of a millionth of the mean, and what later rounds would still have moved.
    EXPECT_NEAR(rank * static_cast<double>(rows.size()),
                expected.at(row[0]) * static_cast<double>(rows.size()), 2e-5)
        << row[0];
    EXPECT_LE(rank, before);
    before = rank;
    sum += rank;
  }
  EXPECT_NEAR(sum, 1, 1e-6);
  EXPECT_THAT(workspace.remains(), testing::IsEmpty());
}

TEST(PageRank, GivesTheSameBytesHoweverItIsCut) {
  const Workspace workspace;
  std::string text;
  for (const auto& [page, links] : make_graph(4, 100, 500)) {
    for (const std::string& link : links) text += page + " " + link + "\n";
  }
  workspace.write("links.txt", text);
  std::set<std::string> outputs;
  for (const auto& [workers, slots] : {std::pair("1", "1"), {"2", "2"}, {"3", "1"}}) {
    const Outcome outcome = run(workspace, {"pipeline", "page_rank", "links=links.txt", "rounds=4",
                                            std::string("output=ranks") + workers, "--workers",
                                            workers, "--slots", slots, "-q"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
    outputs.insert(run(workspace, {"cat", std::string("ranks") + workers}).out);
  }
  EXPECT_EQ(outputs.size(), 1u);
}

TEST(PageRank, NeedsItsVariables) {
  const Workspace workspace;
  const Outcome outcome = run(workspace, {"pipeline", "page_rank", "links=x"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("the variable 'output' is not given"));
  EXPECT_THAT(run(workspace, {"pipeline", "page_ranks"}).err,
              HasSubstr("Did you mean 'page_rank'"));
}

using Counts = std::map<std::string, std::map<std::string, int>>;  // By document and word.

/// The `k` best (score, word) of each document.
std::map<std::string, std::vector<std::pair<double, std::string>>> best_of(const Counts& counts,
                                                                           std::size_t k) {
  std::map<std::string, double> documents_with;
  for (const auto& [document, words] : counts) {
    for (const auto& [word, count] : words) ++documents_with[word];
  }
  std::map<std::string, std::vector<std::pair<double, std::string>>> best;
  for (const auto& [document, words] : counts) {
    double all = 0;
    for (const auto& [word, count] : words) all += count;
    auto& list = best[document];
    for (const auto& [word, count] : words) {
      const double weight = std::log(static_cast<double>(counts.size()) / documents_with[word]);
      list.emplace_back(count / all * weight, word);
    }
    std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    list.resize(std::min(list.size(), k));
  }
  return best;
}

void expect_best(const std::string& printed, const Counts& counts, std::size_t k) {
  std::map<std::string, std::vector<std::pair<double, std::string>>> got;
  for (const auto& row : rows_of(printed)) {
    ASSERT_EQ(row.size(), 3u) << printed;
    got[row[0]].emplace_back(std::stod(row[2]), row[1]);
  }
  const auto expected = best_of(counts, k);
  ASSERT_EQ(got.size(), expected.size());
  for (const auto& [document, list] : expected) {
    ASSERT_EQ(got[document].size(), list.size()) << document;
    for (std::size_t i = 0; i < list.size(); ++i) {
      EXPECT_NEAR(got[document][i].first, list[i].first, 1e-12);
      EXPECT_EQ(got[document][i].second, list[i].second) << document << ", place " << i;
    }
  }
}

TEST(TfIdf, IsThatOfALoopOverDocuments) {
  const Workspace workspace;
  Counts by_file;
  Counts by_line;
  std::string lines;
  for (unsigned i = 0; i < 12; ++i) {
    const std::string text = make_text(i, 40);
    const std::string path = workspace.write("docs/" + std::to_string(i) + ".txt", text);
    std::istringstream words(text);
    std::string line = "doc " + std::to_string(i) + "\t";
    for (std::string word; words >> word;) {
      ++by_file[path][word];
      ++by_line["doc " + std::to_string(i)][word];
      line += word + " ";
    }
    lines += line + "\n";
  }
  workspace.write("docs.tsv", lines);
  const Outcome files = run(workspace, {"pipeline", "tf_idf", "documents=docs", "output=a", "-q"});
  ASSERT_EQ(files.exit_code, 0) << files.both();
  expect_best(run(workspace, {"cat", "a"}).out, by_file, 10);
  const Outcome one = run(workspace, {"pipeline", "tf_idf", "documents=docs.tsv", "output=b",
                                      "document=line", "words=3", "-q"});
  ASSERT_EQ(one.exit_code, 0) << one.both();
  expect_best(run(workspace, {"cat", "b"}).out, by_line, 3);
}

}  // namespace
}  // namespace fanfold::e2e
