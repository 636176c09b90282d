// Jobs whose input grows while they run: `submit --open`, `feed`, `queue`, with real processes that
// are killed in between.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tests/e2e/command.hpp"
#include "tests/e2e/keyed_cluster.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

class FeedTest : public testing::Test {
 protected:
  FeedTest() : cluster_(workspace_, 2, 1) {}

  /// The id of an open job that counts words.
  std::string submit_open(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"submit", "word_count", "--open", "-o", "out", "-r", "1"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = cluster_.run(words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
    return outcome.out.substr(0, outcome.out.find('\n'));
  }
  CommandOptions with_input(const std::string& text) const {
    CommandOptions options = cluster_.options();
    options.standard_input = workspace_.write("fed", text);
    return options;
  }
  Outcome feed(const std::string& job, const std::string& text,
               const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"feed", job};
    words.insert(words.end(), more.begin(), more.end());
    return run(workspace_, words, with_input(text));
  }
  Json queue_of(const std::string& job) const {
    const Json rows = Json::parse(cluster_.run({"queue", job, "--json"}).out, nullptr, false);
    return rows.is_array() && !rows.empty() ? rows[0] : Json();
  }
  pid_t master() const {
    for (const pid_t pid : processes_naming(cluster_.directory())) {
      if (command_line_of(pid).find("fanfold-master") != std::string::npos) return pid;
    }
    return 0;
  }
  void end_master() const {
    const pid_t pid = master();
    ASSERT_GT(pid, 0);
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(eventually([&] { return command_line_of(pid).empty(); }));
  }
  void start_master() const {
    ASSERT_EQ(run(workspace_, {"cluster", "up", "--dir", cluster_.directory()}).exit_code, 0);
  }
  void kill_master() const {
    end_master();
    start_master();
  }

  Workspace workspace_;
  const Cluster cluster_;
};

TEST_F(FeedTest, WhatIsFedIsPartOfTheOutput) {
  ASSERT_TRUE(cluster_.up());
  workspace_.write("first", "a b\n");
  const std::string job = submit_open({"first"});
  EXPECT_THAT(feed(job, "b c\nb\n").out, HasSubstr("has got 2 records"));
  // It stays open when all that there is has been done.
  ASSERT_TRUE(eventually([&] { return queue_of(job)["done"] == 2; }));
  const Json idle = queue_of(job);
  EXPECT_EQ(idle["open"], true);
  EXPECT_EQ(idle["depth"], 0);
  EXPECT_THAT(cluster_.run({"queue"}).out, HasSubstr("word_count"));
  EXPECT_EQ(feed(job, "a\n", {"--close"}).exit_code, 0);
  const Outcome outcome = cluster_.run({"wait", job, "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(Json::parse(outcome.out)["queue"]["open"], false);
  EXPECT_EQ(cluster_.run({"cat", "out"}).out, "a\t2\nb\t3\nc\t1\n");
  EXPECT_EQ(cluster_.run({"verify", "out"}).exit_code, 0);
}

TEST_F(FeedTest, WhatWasFedSurvivesTheMasterAndItsWorkers) {
  ASSERT_TRUE(cluster_.up());
  const std::string job = submit_open();
  ASSERT_EQ(cluster_.run({"pause", job}).exit_code, 0);
  ASSERT_EQ(feed(job, "a\nb\n").exit_code, 0);
  kill_master();
  ASSERT_EQ(feed(job, "b\nc\n").exit_code, 0);
  EXPECT_EQ(queue_of(job)["depth"], 2);
  ::kill(cluster_.workers().front(), SIGKILL);
  kill_master();
  ASSERT_EQ(cluster_.run({"resume", job}).exit_code, 0);
  ASSERT_EQ(feed(job, "", {"--close"}).exit_code, 0);
  kill_master();
  const Outcome outcome = cluster_.run({"wait", job});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(cluster_.run({"cat", "out"}).out, "a\t1\nb\t2\nc\t1\n");
}

TEST_F(FeedTest, AFeederWaitsForAMasterThatIsAway) {
  ASSERT_TRUE(cluster_.up());
  const std::string job = submit_open();
  CommandOptions options = cluster_.options();
  options.standard_input = workspace_.path("pipe");
  ASSERT_EQ(::mkfifo(options.standard_input.c_str(), 0600), 0);
  Running feeder(workspace_, {"feed", job, "--close"}, options);
  const int pipe = ::open(options.standard_input.c_str(), O_WRONLY);
  ASSERT_GE(pipe, 0);
  ASSERT_EQ(::write(pipe, "a\n", 2), 2);
  ASSERT_TRUE(eventually([&] { return queue_of(job)["done"] == 1; })) << feeder.err_so_far();
  end_master();
  ASSERT_EQ(::write(pipe, "b\n", 2), 2);
  ::close(pipe);
  start_master();
  const Outcome fed = feeder.wait();
  EXPECT_EQ(fed.exit_code, 0) << fed.both();
  EXPECT_THAT(fed.out, HasSubstr("has got 2 records, and is closed"));
  ASSERT_EQ(cluster_.run({"wait", job}).exit_code, 0);
  EXPECT_EQ(cluster_.run({"cat", "out"}).out, "a\t1\nb\t1\n");
}

TEST_F(FeedTest, AFastProducerWaitsAndTheMasterDoesNotGrow) {
  ASSERT_TRUE(cluster_.up());
  const std::string job = submit_open({"--split-bytes", "1"});
  ASSERT_EQ(cluster_.run({"pause", job}).exit_code, 0);
  CommandOptions options = cluster_.options();
  options.standard_input = workspace_.path("pipe");
  ASSERT_EQ(::mkfifo(options.standard_input.c_str(), 0600), 0);
  Running producer(workspace_, {"feed", job}, options);
  const int pipe = ::open(options.standard_input.c_str(), O_WRONLY);
  ASSERT_GE(pipe, 0);
  ASSERT_GE(::fcntl(pipe, F_SETFL, O_NONBLOCK), 0);
  // As fast as it can, until nobody takes any more: a batch, what the pipe holds, and a full queue.
  const std::string lines(64u << 10, '\n');
  std::size_t written = 0;
  const auto write_some = [&] {
    const ssize_t some = ::write(pipe, lines.data(), lines.size());
    if (some > 0) written += static_cast<std::size_t>(some);
    return some > 0;
  };
  ASSERT_TRUE(eventually([&] {
    while (write_some()) {
    }
    return producer.err_so_far().find("there is no room yet") != std::string::npos;
  })) << producer.err_so_far();
  const std::size_t before = resident_bytes(master());
  const auto depth = queue_of(job)["depth"].get<std::uint64_t>();
  EXPECT_LE(depth, 10'000u);
  EXPECT_GE(depth, 9'000u);
  // It asks again and again; what it offers is not kept.
  for (int i = 0; i < 20; ++i) {
    while (write_some()) {
    }
    EXPECT_EQ(queue_of(job)["depth"], depth);
  }
  EXPECT_LT(written, 32u << 20);
  EXPECT_LT(resident_bytes(master()), before + (16u << 20));
  EXPECT_FALSE(producer.ended());
  producer.signal(SIGINT);
  EXPECT_EQ(producer.wait().exit_code, 130);
  ::close(pipe);
  ASSERT_EQ(cluster_.run({"cancel", job}).exit_code, 0);
}

TEST_F(FeedTest, GoesOnWhereAnEarlierFeederOfThatNameEnded) {
  ASSERT_TRUE(cluster_.up());
  const std::string job = submit_open();
  ASSERT_EQ(feed(job, "a\nb\n", {"--feeder", "crawl"}).exit_code, 0);
  const Outcome more = feed(job, "a\nb\nc\n", {"--feeder", "crawl", "--json"});
  ASSERT_EQ(more.exit_code, 0) << more.both();
  EXPECT_EQ(Json::parse(more.out)["records"], 1);
  EXPECT_EQ(Json::parse(more.out)["bytes_passed_over"], 4);
  const Outcome shorter = feed(job, "a\n", {"--feeder", "crawl"});
  EXPECT_EQ(shorter.exit_code, 2);
  EXPECT_THAT(shorter.err, HasSubstr("the job has 6 bytes of feeder 'crawl'"));
  // Whoever died in the middle of a line has fed half of it.
  ASSERT_EQ(feed(job, "d", {"--feeder", "broken"}).exit_code, 0);
  const Outcome broken = feed(job, "d e\n", {"--feeder", "broken"});
  EXPECT_EQ(broken.exit_code, 2);
  EXPECT_THAT(broken.err, HasSubstr("in the middle of a line"));
  EXPECT_EQ(feed(job, "d", {"--feeder", "broken"}).exit_code, 0);
  ASSERT_EQ(feed(job, "", {"--close"}).exit_code, 0);
  ASSERT_EQ(cluster_.run({"wait", job}).exit_code, 0);
  EXPECT_EQ(cluster_.run({"cat", "out"}).out, "a\t1\nb\t1\nc\t1\nd\t1\n");
}

TEST_F(FeedTest, AnOpenJobIsGathered) {
  ASSERT_TRUE(cluster_.up());
  const Outcome submitted = cluster_.run(
      {"submit", "word_count", "--open", "-o", "out", "-r", "3", "--gather", "merge-sort"});
  ASSERT_EQ(submitted.exit_code, 0) << submitted.both();
  const std::string job = submitted.out.substr(0, submitted.out.find('\n'));
  ASSERT_EQ(feed(job, "a b\nc a\n").exit_code, 0);
  ASSERT_EQ(feed(job, "b a\n", {"--close"}).exit_code, 0);
  ASSERT_EQ(cluster_.run({"wait", job}).exit_code, 0);
  EXPECT_EQ(cluster_.run({"cat", "out"}).out, "a\t3\nb\t2\nc\t1\n");
}

TEST_F(FeedTest, AnInterruptedFeederSaysWhatItKnows) {
  ASSERT_TRUE(cluster_.up());
  const std::string job = submit_open();
  CommandOptions options = cluster_.options();
  options.standard_input = workspace_.path("pipe");
  ASSERT_EQ(::mkfifo(options.standard_input.c_str(), 0600), 0);
  Running feeder(workspace_, {"feed", job, "--feeder", "crawl"}, options);
  const int pipe = ::open(options.standard_input.c_str(), O_WRONLY);
  ASSERT_GE(pipe, 0);
  ASSERT_EQ(::write(pipe, "a\n", 2), 2);
  ASSERT_TRUE(eventually([&] { return queue_of(job)["done"] == 1; }));
  end_master();
  ASSERT_EQ(::write(pipe, "b\nc\n", 4), 4);
  ASSERT_TRUE(
      eventually([&] { return feeder.err_so_far().find("does not answer") != std::string::npos; }));
  feeder.signal(SIGINT);
  const Outcome stopped = feeder.wait();
  ::close(pipe);
  EXPECT_EQ(stopped.exit_code, 130);
  EXPECT_THAT(stopped.err, HasSubstr("has got 1 record of standard input; of 2 more records it is "
                                     "not known"));
  start_master();
  // The same input once more is what it takes.
  ASSERT_EQ(feed(job, "a\nb\nc\n", {"--feeder", "crawl", "--close"}).exit_code, 0);
  ASSERT_EQ(cluster_.run({"wait", job}).exit_code, 0);
  EXPECT_EQ(cluster_.run({"cat", "out"}).out, "a\t1\nb\t1\nc\t1\n");
}

TEST_F(FeedTest, ATaskThatIsGivenBackComesAgainLater) {
  ASSERT_TRUE(cluster_.up());
  const Outcome submitted = cluster_.run(
      {"submit", faulty_plugin("faulty"), "--open", "-o", "out", "-r", "1", "--attempts", "2"});
  ASSERT_EQ(submitted.exit_code, 0) << submitted.both();
  const std::string job = submitted.out.substr(0, submitted.out.find('\n'));
  ASSERT_EQ(feed(job, "give back 600000\n").exit_code, 0);
  ASSERT_TRUE(eventually([&] { return queue_of(job)["delayed"] == 1; }));
  // The next master holds it back as well, and others do not wait for it.
  kill_master();
  EXPECT_EQ(queue_of(job)["delayed"], 1);
  ASSERT_EQ(feed(job, "give back 50\n").exit_code, 0);
  ASSERT_TRUE(eventually([&] { return queue_of(job)["done"] == 1; }));
  const Json queue = queue_of(job);
  EXPECT_EQ(queue["delayed"], 1);
  EXPECT_EQ(queue["received"], Json({1, 1}));
  EXPECT_EQ(queue["redelivered"], 2);
  EXPECT_THAT(cluster_.run({"queue", job}).out, HasSubstr("1:1 2:1"));
  ASSERT_EQ(cluster_.run({"cancel", job}).exit_code, 0);
}

TEST_F(FeedTest, WhatFailsForGoodIsKept) {
  ASSERT_TRUE(cluster_.up());
  const Outcome submitted =
      cluster_.run({"submit", faulty_plugin("faulty"), "--open", "-o", "out", "-r", "1",
                    "--attempts", "1", "--completion", "all-completed"});
  const std::string job = submitted.out.substr(0, submitted.out.find('\n'));
  ASSERT_EQ(feed(job, "good\n").exit_code, 0);
  ASSERT_EQ(feed(job, "throw\n").exit_code, 0);
  ASSERT_TRUE(eventually([&] { return queue_of(job)["dead_letters"] == 1; }));
  ASSERT_EQ(feed(job, "", {"--close"}).exit_code, 0);
  const Outcome ended = cluster_.run({"wait", job, "--json"});
  EXPECT_EQ(ended.exit_code, 3) << ended.both();
  const Json status = Json::parse(ended.out);
  ASSERT_EQ(status["notes"].size(), 1u) << ended.out;
  const std::string note = status["notes"][0];
  const std::string kept = note.substr(note.find('/'));
  ASSERT_TRUE(eventually([&] {
    std::string text;
    for (const auto& entry : std::filesystem::directory_iterator(kept)) {
      std::ifstream file(entry.path());
      text += std::string(std::istreambuf_iterator<char>(file), {});
    }
    return text == "throw\n";
  }));
}

TEST_F(FeedTest, IsRefusedWhereThereIsNothingToFeed) {
  ASSERT_TRUE(cluster_.up());
  const auto because = [&](const std::string& job) {
    const Outcome outcome = feed(job, "a\n");
    EXPECT_EQ(outcome.exit_code, 2) << outcome.both();
    return outcome.err;
  };
  workspace_.write("in", "a\n");
  const Outcome plain = cluster_.run({"submit", "word_count", "in", "-o", "plain"});
  const std::string not_open = plain.out.substr(0, plain.out.find('\n'));
  const std::string job = submit_open();
  EXPECT_THAT(because("99"), HasSubstr("no job 99"));
  ASSERT_EQ(feed(job, "b\n", {"--close"}).exit_code, 0);
  EXPECT_EQ(feed(job, "", {"--close"}).exit_code, 0) << "closing twice is as once";
  EXPECT_THAT(because(job), testing::AnyOf(HasSubstr("is closed"), HasSubstr("is over")));
  ASSERT_EQ(cluster_.run({"wait", job}).exit_code, 0);
  EXPECT_THAT(because(job), HasSubstr("is over (succeeded)"));
  ASSERT_EQ(cluster_.run({"wait", not_open}).exit_code, 0);
  EXPECT_THAT(because(not_open), HasSubstr("is over"));
}

TEST_F(FeedTest, RefusesOpenJobsThatCannotBe) {
  ASSERT_TRUE(cluster_.up());
  struct Row {
    std::vector<std::string> words;
    const char* why;
  };
  const std::vector<Row> rows = {
      {{"submit", "word_count", "-o", "out"}, "an INPUT is missing"},
      {{"submit", "word_count", "--open", "-o", "out"}, "-r N"},
      {{"submit", "word_count", "--open", "-o", "out", "--deadline", "5s"}, "has no deadline"},
      {{"submit", "word_count", "--open", "-o", "out", "--completion", "first"}, "all-completed"},
      {{"submit", "sort", "--open", "-o", "out", "-r", "2"}, "one part"},
      {{"run", "word_count", "--open", "-o", "out"}, "unknown flag"},
  };
  for (const Row& row : rows) {
    const Outcome outcome = cluster_.run(row.words);
    EXPECT_EQ(outcome.exit_code, 2) << row.why << outcome.both();
    EXPECT_THAT(outcome.err, HasSubstr(row.why));
  }
}

}  // namespace
}  // namespace fanfold::e2e
