// Partitions with much more than others: their reduces are shared where values can be folded, and
// the output is the same; else they are reduced first, and people are told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/command.hpp"
#include "tests/e2e/held_job.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

class HotPartitionsTest : public testing::Test {
 protected:
  HotPartitionsTest() {
    // One word takes more than all others of a map together, also where it is compressed.
    std::string word = "zzz";
    for (std::uint32_t bits = 1; word.size() < 20'000; bits = bits * 1'664'525 + 1'013'904'223) {
      word += static_cast<char>('a' + (bits >> 24) % 26);
    }
    std::string text = "hold\n";
    for (unsigned i = 0; i < 40; ++i) text += make_text(i, 20) + word + "\n";
    workspace_.write("in.txt", text);
  }
  ~HotPartitionsTest() override { EXPECT_THAT(workspace_.remains(), IsEmpty()); }

  static Words with(Words words, const Words& more) {
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  Json count(const std::string& output, const Words& more) {
    const Words words = {"run",           "word_count", "in.txt",    "-o", output,    "--json",
                         "--split-bytes", "40K",        "--workers", "2",  "--slots", "2"};
    const Outcome counted = run(workspace_, with(words, more));
    EXPECT_EQ(counted.exit_code, 0) << counted.both();
    EXPECT_EQ(run(workspace_, {"verify", output}).exit_code, 0);
    return Json::parse(counted.out);
  }
  void expect_same_parts(const std::string& output, const std::string& other) {
    EXPECT_EQ(workspace_.list(output), workspace_.list(other));
    for (const std::string& name : workspace_.list(other)) {
      if (!name.starts_with("part-")) continue;
      EXPECT_EQ(workspace_.read(output + "/" + name), workspace_.read(other + "/" + name)) << name;
    }
  }
  static const Json& reduces(const Json& status) {
    for (const Json& stage : status["stages"]) {
      if (stage["stage"] == "reduce") return stage;
    }
    return status;
  }
  /// Its only reduce waits when its shares are there.
  HeldJob hold_the_reduce(const Cluster& cluster) {
    HeldJob job(workspace_, cluster, {"-r", "1", "--split-bytes", "40K", "--hot-partitions", "1"});
    EXPECT_EQ(reduces(Json::parse(job.status()))["done"], 2) << "its shares";
    return job;
  }
  void expect_goes_on_to_the_end(Cluster& cluster, const HeldJob& job) {
    job.go_on_to_the_end();
    count("alone", {"-r", "1"});
    expect_same_parts("out", "alone");
    EXPECT_EQ(cluster.down().exit_code, 0);
  }

  Workspace workspace_;
};

TEST_F(HotPartitionsTest, AreSharedAndGiveTheSameBytes) {
  const Json plain = count("plain", {"-r", "4", "--hot-partitions", "off"});
  EXPECT_FALSE(plain.contains("hot_partitions"));
  for (const Words& more : {Words{}, Words{"--shuffle-over-network"}}) {
    const Json shared = count(
        "shared", with({"-r", "4", "--hot-partitions", "100K", "--on-exists", "replace"}, more));
    expect_same_parts("shared", "plain");
    ASSERT_EQ(shared["hot_partitions"].size(), 1u) << shared;
    const Json& hot = shared["hot_partitions"][0];
    EXPECT_GE(hot["shares"], 2);
    EXPECT_EQ(reduces(shared)["tasks"], 4 + hot["shares"].get<int>());
    EXPECT_THAT(shared["notes"].dump(), HasSubstr("tasks fold it with combine()"));
    // What passes between a share and its reduce counts for nothing.
    for (const char* field : {"records_in", "records_out", "bytes_out"}) {
      EXPECT_EQ(reduces(shared)[field], reduces(plain)[field]) << field;
    }
    EXPECT_EQ(shared["output_records"], plain["output_records"]);
    EXPECT_EQ(shared["counters"], plain["counters"]);
  }
}

TEST_F(HotPartitionsTest, AreSharedBesideNoOthersWhenAskedFor) {
  count("one", {"-r", "1"});
  const Json shared = count("shared", {"-r", "1", "--hot-partitions", "1K"});
  EXPECT_EQ(reduces(shared)["tasks"], 5);
  expect_same_parts("shared", "one");
}

TEST_F(HotPartitionsTest, AreSharedWhereResultsAreGathered) {
  count("plain", {"-r", "4", "--gather", "merge-sort"});
  const Json shared =
      count("shared", {"-r", "4", "--gather", "merge-sort", "--hot-partitions", "100K"});
  EXPECT_EQ(shared["hot_partitions"].size(), 1u) << shared;
  expect_same_parts("shared", "plain");
}

TEST_F(HotPartitionsTest, OfAJobThatCannotFoldAreReducedFirstAndNamed) {
  const Words words = {"run",
                       "inverted_index",
                       "in.txt",
                       "-o",
                       "out",
                       "-r",
                       "4",
                       "--split-bytes",
                       "40K",
                       "--hot-partitions",
                       "100K",
                       "--events",
                       workspace_.path("events.jsonl")};
  const Outcome outcome = run(workspace_, words);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_THAT(outcome.both(), HasSubstr("is hot: "));
  EXPECT_THAT(outcome.both(), HasSubstr("its key \"zzz"));
  EXPECT_THAT(outcome.both(), HasSubstr("A combine() would let several share it"));
  EXPECT_THAT(outcome.both(), Not(HasSubstr("tasks fold it")));
  EXPECT_THAT(workspace_.read("events.jsonl"), HasSubstr("\"partitions.hot\""));
  const Outcome report = run(workspace_, {"report", workspace_.path("events.jsonl"), "--text"});
  EXPECT_EQ(report.exit_code, 0) << report.both();
}

TEST_F(HotPartitionsTest, AreRefusedWhenTheirSizeIsNone) {
  const auto refused = [&](const Words& more, const std::string& why) {
    const Words words = {"run", "word_count", "in.txt", "-o", "out"};
    const Outcome outcome = run(workspace_, with(words, more));
    EXPECT_EQ(outcome.exit_code, 2) << outcome.both();
    EXPECT_THAT(outcome.err, HasSubstr(why));
    EXPECT_FALSE(workspace_.exists("out"));
  };
  refused({"--hot-partitions", "of"}, "is not auto, off or a size such as 256M");
  refused({"--hot-partitions", "0"}, "too little");
  refused({"--hot-partitions", "1M", "--in-process"}, "--in-process");
}

TEST_F(HotPartitionsTest, KeepTheirSharesWhenTheWorkerOfTheirReduceIsKilled) {
  Cluster cluster(workspace_, 2, 1);
  ASSERT_TRUE(cluster.up());
  const HeldJob job = hold_the_reduce(cluster);
  ASSERT_NE(job.holder(), 0);
  ASSERT_TRUE(cluster.kill_worker_above(job.holder()));
  EXPECT_TRUE(job.is_held_again());
  expect_goes_on_to_the_end(cluster, job);
}

TEST_F(HotPartitionsTest, GoOnUnderAMasterThatIsStartedAgain) {
  Cluster cluster(workspace_, 2, 1);
  ASSERT_TRUE(cluster.up());
  const HeldJob job = hold_the_reduce(cluster);
  ASSERT_NE(job.holder(), 0);
  const Outcome again = cluster.kill_and_start_master();
  ASSERT_EQ(again.exit_code, 0) << again.both();
  expect_goes_on_to_the_end(cluster, job);
}

}  // namespace
}  // namespace fanfold::e2e
