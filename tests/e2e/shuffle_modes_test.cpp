// Output bytes do not depend on when map output moves: every bundled job that reduces, in every
// mode of the shuffle.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using Json = nlohmann::json;
using Words = std::vector<std::string>;
using testing::IsEmpty;
using testing::Not;

std::string numbered(const std::string& before, int count, int different) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += before + std::to_string(i * 7919 % different) + "\t" + std::to_string(i) + "\n";
  }
  return text;
}

void write_inputs(const Workspace& workspace) {
  workspace.write("in/a.txt", make_text(11, 1500));
  workspace.write("in/b.txt", make_text(12, 1500));
  workspace.write("left.tsv", numbered("k", 1500, 700));
  workspace.write("right.tsv", numbered("k", 900, 900));
  std::string log;
  std::string points;
  std::string links;
  std::string index;
  for (int i = 0; i < 2000; ++i) {
    const std::string number = std::to_string(i * i % 97);
    log += "10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] \"GET /p" + number + " HTTP/1.1\" 200 " +
           std::to_string(i) + "\n";
    points += std::to_string(i * 7919 % 10'007) + " " + std::to_string(i * 104'729 % 9973) + "\n";
    links += "p" + number + " p" + std::to_string(i % 89) + "\n";
    index += "d" + std::to_string(i) + "\tbe\t0." + number + "\n";
  }
  workspace.write("access.log", log);
  workspace.write("points.txt", points);
  workspace.write("links.txt", links);
  workspace.write("index.tsv", index);
}

class ShuffleModes : public testing::TestWithParam<Words> {};

TEST_P(ShuffleModes, GiveTheSameBytes) {
  const Workspace workspace;
  write_inputs(workspace);
  const auto bytes = [&](const std::string& output, const Words& flags) {
    Words words = GetParam();
    words.insert(words.begin(), "run");
    words.insert(words.end(), {"-o", output, "--quiet", "-r", "4", "--split-bytes", "4K"});
    words.insert(words.end(), flags.begin(), flags.end());
    const Outcome outcome = run(workspace, words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
    return workspace.fingerprint(output);
  };
  const std::string expected = bytes("out", {"--in-process"});
  ASSERT_THAT(expected, testing::HasSubstr("part-00003-of-00004"));
  for (const char* mode : {"pull", "push", "hybrid", "auto"}) {
    EXPECT_EQ(bytes(mode, {"--workers", "3", "--slots", "1", "--shuffle-over-network", "--shuffle",
                           mode}),
              expected)
        << mode;
  }
  EXPECT_THAT(workspace.remains(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(
    Jobs, ShuffleModes,
    testing::Values(Words{"word_count", "in"}, Words{"sort", "in"}, Words{"inverted_index", "in"},
                    Words{"grep", "in", "--param", "pattern=w1."}, Words{"ngrams", "in"},
                    Words{"distinct", "in"}, Words{"top_k", "in"},
                    Words{"join", "left=left.tsv", "right=right.tsv"},
                    Words{"log_stats", "access.log"}, Words{"closest_pair", "points.txt"},
                    Words{"search", "index.tsv", "--param", "query=be"}),
    [](const auto& info) { return info.param.front(); });

/// The stages of these pipelines are the other bundled jobs.
class ShuffleModesOfStages : public testing::TestWithParam<std::pair<const char*, Words>> {};

TEST_P(ShuffleModesOfStages, GiveTheSameBytes) {
  const Workspace workspace;
  write_inputs(workspace);
  const auto& [name, variables] = GetParam();
  const std::filesystem::path bundled = std::filesystem::path(FANFOLD_BIN).parent_path() /
                                        "../share/fanfold/pipelines" /
                                        (std::string(name) + ".json");
  const Json pipeline = Json::parse(std::ifstream(bundled));
  std::set<std::string> outputs;
  for (const char* mode : {"pull", "push", "hybrid", "auto"}) {
    Json moved = pipeline;
    for (Json& stage : moved["stages"]) {
      stage["shuffle"] = mode;
      stage["shuffle-over-network"] = true;
      stage["split-bytes"] = "4K";
      stage["reducers"] = 4;
    }
    workspace.write("moved.json", moved.dump());
    Words words = {"pipeline",  "moved.json", std::string("output=") + mode,
                   "--workers", "3",          "--slots",
                   "1",         "--quiet"};
    words.insert(words.end(), variables.begin(), variables.end());
    const Outcome outcome = run(workspace, words);
    ASSERT_EQ(outcome.exit_code, 0) << mode << outcome.both();
    // The manifest names where the data of the stages before was.
    std::string parts;
    for (const std::string& file : workspace.list(mode)) {
      if (file.starts_with("part-")) parts += workspace.read(std::string(mode) + "/" + file);
    }
    EXPECT_THAT(parts, Not(IsEmpty())) << mode;
    outputs.insert(parts);
  }
  EXPECT_EQ(outputs.size(), 1u);
  EXPECT_THAT(workspace.remains(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Pipelines, ShuffleModesOfStages,
                         testing::Values(std::pair("page_rank",
                                                   Words{"links=links.txt", "rounds=3"}),
                                         std::pair("tf_idf", Words{"documents=in"})),
                         [](const auto& info) { return std::string(info.param.first); });

}  // namespace
}  // namespace fanfold::e2e
