// The same bytes from four hosts as from one, whatever the network and the hosts do.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>

#include "tests/hosts/hosted_cluster.hpp"

namespace fanfold::hosts {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using Json = nlohmann::json;

class Hosts : public testing::Test {
 protected:
  void SetUp() override {
    workspace_.write("in.txt", e2e::make_text(5, 40'000));
    for (const char* job : {"word_count", "sort"}) {
      std::vector<std::string> words = words_of(job, "near-" + std::string(job));
      const e2e::Outcome near = e2e::run(workspace_, words);
      ASSERT_EQ(near.exit_code, 0) << near.both();
    }
    for (const int host : {1, 2, 3, 4}) cluster_.add_worker(host);
  }

  static std::vector<std::string> words_of(const std::string& job, const std::string& output) {
    return {"run",  job,          "in.txt", "-o",      output,        "--split-bytes",
            "100K", "--reducers", "4",      "--quiet", "--on-exists", "replace"};
  }
  void expect_same(const std::string& job) const {
    EXPECT_EQ(workspace_.fingerprint("far-" + job), workspace_.fingerprint("near-" + job)) << job;
  }
  void expect_done(e2e::Running& command, const std::string& job) {
    const e2e::Outcome outcome = command.wait();
    ASSERT_EQ(outcome.exit_code, 0) << job << outcome.both() << cluster_.logs();
    expect_same(job);
  }
  std::unique_ptr<e2e::Running> start(const std::string& job) {
    std::vector<std::string> words = words_of(job, "far-" + job);
    if (!mode_.empty()) words.insert(words.end(), {"--shuffle", mode_});
    return cluster_.start(words);
  }
  /// Both at once.
  struct Jobs {
    std::unique_ptr<e2e::Running> word_count;
    std::unique_ptr<e2e::Running> sort;
    bool ended() const { return word_count->ended() || sort->ended(); }
  };
  Jobs start_both() { return {start("word_count"), start("sort")}; }
  void expect_both(const Jobs& jobs) {
    expect_done(*jobs.word_count, "word_count");
    expect_done(*jobs.sort, "sort");
  }
  /// Both again and again until a log says that they have met what they are to meet.
  void expect_until(const std::function<std::string()>& log, const char* event) {
    for (int times = 0; times < 5 && log().find(event) == std::string::npos; ++times) {
      expect_both(start_both());
    }
    EXPECT_THAT(log(), HasSubstr(event));
  }
  /// Tasks of the stage that one of the jobs has done.
  int done(const char* stage) {
    const Json jobs = Json::parse(cluster_.run({"list", "--json"}).out, nullptr, false);
    if (!jobs.is_array() || jobs.empty()) return 0;
    for (const Json& one : jobs[0]["stages"]) {
      if (one["stage"] == stage) return one["done"];
    }
    return 0;
  }
  /// All ways slow, so that there is time for something to happen.
  void slow_down() {
    Link slow;
    slow.bytes_per_second = 150'000;
    cluster_.network().set_all(slow);
  }
  void speed_up() { cluster_.network().set_all(Link()); }
  /// Nothing of one host reaches the other, or of both.
  void cut(int from, int to) {
    Link link;
    link.cut = true;
    cluster_.network().set(from, to, link);
  }

  const e2e::Workspace workspace_;
  HostedCluster cluster_{workspace_};
  std::string mode_;  // Of the shuffle; empty: the default.
};

TEST_F(Hosts, GiveTheSameBytesThroughTheNetwork) {
  expect_both(start_both());
  std::uint64_t bytes = 0;
  for (const int from : {1, 2, 3, 4}) {
    for (const int to : {1, 2, 3, 4}) bytes += cluster_.network().bytes(from, to);
  }
  // Three quarters of what maps give are wanted on another host.
  EXPECT_GT(bytes, 400'000u);
}

TEST_F(Hosts, GiveTheSameBytesWhenMapOutputComesEarly) {
  for (const char* mode : {"push", "hybrid", "auto"}) {
    mode_ = mode;
    expect_both(start_both());
    const Json manifest = Json::parse(workspace_.read("far-sort/_SUCCESS"));
    EXPECT_EQ(manifest["run"]["shuffle"]["mode"], mode);
    EXPECT_GT(manifest["run"]["shuffle"]["early_bytes"], 0) << manifest["run"];
  }
}

TEST_F(Hosts, GiveTheSameBytesWhenAHomeOfPartitionsDies) {
  mode_ = "push";
  slow_down();
  const Jobs jobs = start_both();
  ASSERT_TRUE(e2e::eventually([&] { return done("map") >= 4 || jobs.ended(); })) << cluster_.logs();
  EXPECT_FALSE(jobs.ended()) << "over before anything happened";
  cluster_.kill_host(3);
  speed_up();
  expect_both(jobs);
}

TEST_F(Hosts, GiveTheSameBytesWhenTheDiskOfAHomeIsFull) {
  mode_ = "push";
  cluster_.kill_host(2);
  cluster_.add_worker(2, 64u << 10);
  expect_until([&] { return cluster_.worker_log(2); }, "attempt.failed");
}

TEST_F(Hosts, GiveTheSameBytesThroughSlowLossyAndLateNetworks) {
  Link slow;
  slow.bytes_per_second = 2'000'000;
  Link lossy;
  lossy.loss = 0.02;
  Link late;
  late.delay = 40ms;
  Link all = slow;
  all.loss = 0.01;
  all.delay = 10ms;
  for (const Link& link : {slow, lossy, late, all}) {
    cluster_.network().set_all(link);
    expect_both(start_both());
  }
}

TEST_F(Hosts, GiveTheSameBytesWhenConnectionsAreReset) {
  // Again while the jobs are over before enough of their connections were met.
  for (int times = 0; times < 5 && cluster_.network().resets() < 3; ++times) {
    slow_down();
    const Jobs jobs = start_both();
    for (int waves = 0; waves < 5; ++waves) {
      const std::uint64_t before = cluster_.network().resets();
      cluster_.network().reset_connections();
      ASSERT_TRUE(e2e::eventually(
          [&] { return cluster_.network().resets() >= before + 3 || jobs.ended(); }));
    }
    speed_up();
    expect_both(jobs);
  }
  EXPECT_GE(cluster_.network().resets(), 3u);
}

TEST_F(Hosts, GiveTheSameBytesWhenOneIsNotHeardAndComesBack) {
  // It hears the master, which does not hear it.
  cut(4, 1);
  const Jobs jobs = start_both();
  ASSERT_TRUE(e2e::eventually([&] {
    return cluster_.master_log().find("worker.lost") != std::string::npos;
  })) << cluster_.logs();
  speed_up();
  expect_both(jobs);
  ASSERT_TRUE(e2e::eventually([&] { return cluster_.knows(4); })) << cluster_.logs();
  expect_done(*start("sort"), "sort");
}

TEST_F(Hosts, GiveTheSameBytesWhenTwoDoNotReachEachOther) {
  // Both reach the master, so only who wants to read there can know.
  cut(2, 3);
  cut(3, 2);
  expect_until([&] { return cluster_.worker_log(2) + cluster_.worker_log(3); }, "inputs.lost");
}

TEST_F(Hosts, GiveTheSameBytesWhenOneDiesAndComesBackWithAnEmptyDisk) {
  slow_down();
  const Jobs jobs = start_both();
  ASSERT_TRUE(e2e::eventually([&] { return done("map") >= 4 || jobs.ended(); })) << cluster_.logs();
  EXPECT_FALSE(jobs.ended()) << "over before anything happened";
  cluster_.kill_host(3);
  cluster_.start_worker(3);
  speed_up();
  expect_both(jobs);
  EXPECT_TRUE(e2e::eventually([&] { return cluster_.knows(3); })) << cluster_.logs();
  expect_done(*start("word_count"), "word_count");
}

TEST_F(Hosts, GiveTheSameBytesWhenADiskIsFull) {
  cluster_.kill_host(2);
  cluster_.add_worker(2, 64u << 10);
  expect_until([&] { return cluster_.worker_log(2); }, "attempt.failed");
}

}  // namespace
}  // namespace fanfold::hosts
