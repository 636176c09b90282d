// Masters, workers and clients that prove who they are.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/e2e/keyed_cluster.hpp"

namespace fanfold::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Json = nlohmann::json;
namespace fs = std::filesystem;

class Keys : public testing::Test {
 protected:
  Workspace workspace_;
};

TEST_F(Keys, CarryAJobOverTcpByteForByteAsWithoutThem) {
  workspace_.write("in.txt", make_text(7, 20'000));
  KeyedCluster cluster(workspace_);
  cluster.add_worker();
  cluster.add_worker();
  const std::string trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  const Outcome remote = cluster.run_as(
      "alice", {"run", "word_count", "in.txt", "-o", "remote", "-r", "3", "--split-bytes", "64K",
                "--shuffle-over-network", "--traceparent", trace});
  ASSERT_EQ(remote.exit_code, 0) << remote.both();
  const Outcome local = run(workspace_, {"run", "word_count", "in.txt", "-o", "local", "-r", "3",
                                         "--split-bytes", "64K"});
  ASSERT_EQ(local.exit_code, 0) << local.both();
  EXPECT_EQ(workspace_.fingerprint("remote"), workspace_.fingerprint("local"));
  EXPECT_THAT(cluster.audit_log(),
              AllOf(HasSubstr("job.submitted key=alice address=127.0.0.1 job=1 name=word_count"),
                    HasSubstr("worker.joined key=w1 address=127.0.0.1 worker=w1")));
  for (const std::string& log : {cluster.audit_log(), cluster.master_log()}) {
    EXPECT_THAT(log, HasSubstr("traceparent=" + trace));
  }
  const Outcome status = cluster.run_as("alice", {"status", "1", "--json"});
  EXPECT_THAT(status.out, HasSubstr("\"alice\""));
}

TEST_F(Keys, AreWhatTcpIsRefusedWithout) {
  CommandOptions master;
  master.program = (fs::path(FANFOLD_BIN).parent_path() / "fanfold-master").string();
  const Outcome open = run(workspace_, {"--listen", "tcp://127.0.0.1:0", "--ephemeral"}, master);
  EXPECT_EQ(open.exit_code, 2);
  EXPECT_THAT(open.err, AllOf(HasSubstr("TCP needs keys"), HasSubstr("fanfold keys init")));
  CommandOptions worker;
  worker.program = (fs::path(FANFOLD_BIN).parent_path() / "fanfold-worker").string();
  const Outcome keyless = run(workspace_, {"--master", "tcp://127.0.0.1:7"}, worker);
  EXPECT_EQ(keyless.exit_code, 2);
  EXPECT_THAT(keyless.err, HasSubstr("TCP needs keys"));
  const Outcome client = run(workspace_, {"list", "--master", "tcp://127.0.0.1:7"});
  EXPECT_EQ(client.exit_code, 2);
  EXPECT_THAT(client.err, AllOf(HasSubstr("--key"), HasSubstr("FANFOLD_KEY")));
  const Outcome nowhere =
      run(workspace_, {"--listen", "tcp://127.0.0.1:0", "--ephemeral", "--keys", "none"}, master);
  EXPECT_EQ(nowhere.exit_code, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("none"));
}

TEST_F(Keys, OfOthersToReadAreRefusedByEverybody) {
  KeyedCluster cluster(workspace_);
  const fs::perms readable = fs::perms::owner_read | fs::perms::group_read;
  fs::permissions(cluster.key_file("alice"), readable);
  const Outcome client = cluster.run_as("alice", {"list"});
  EXPECT_EQ(client.exit_code, 2);
  EXPECT_THAT(client.err, AllOf(HasSubstr("has mode 0440"),
                                HasSubstr("chmod 600 " + cluster.key_file("alice"))));
  cluster.keys({"add", "w1", "--role", "worker"});
  fs::permissions(cluster.key_file("w1"), readable);
  CommandOptions worker;
  worker.program = (fs::path(FANFOLD_BIN).parent_path() / "fanfold-worker").string();
  const Outcome refused = run(
      workspace_,
      {"--master", cluster.address(), "--key", cluster.key_file("w1"), "--scratch", "s"}, worker);
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.err, HasSubstr("chmod 600"));
  CommandOptions master;
  master.program = (fs::path(FANFOLD_BIN).parent_path() / "fanfold-master").string();
  fs::permissions(workspace_.path("keys/master.key"), readable);
  const Outcome second = run(
      workspace_,
      {"--listen", "tcp://127.0.0.1:0", "--ephemeral", "--keys", workspace_.path("keys")}, master);
  EXPECT_EQ(second.exit_code, 2);
  EXPECT_THAT(second.err, HasSubstr("chmod 600"));
}

TEST_F(Keys, ThatDoNotFitAreNamed) {
  KeyedCluster cluster(workspace_);
  ASSERT_EQ(run(workspace_, {"keys", "init", "--dir", "other"}).exit_code, 0);
  ASSERT_EQ(run(workspace_, {"keys", "add", "bob", "--role", "admin", "--dir", "other"}).exit_code,
            0);
  const auto list_with = [&](const std::string& key) {
    return run(workspace_, {"list", "--master", cluster.address(), "--key", key});
  };
  // Of another cluster: the master cannot read what it says.
  const Outcome foreign = list_with("other/bob.key");
  EXPECT_EQ(foreign.exit_code, 1);
  EXPECT_THAT(foreign.err, AllOf(HasSubstr("the key 'bob' of other/bob.key"),
                                 HasSubstr("not the master that this key is for")));
  // Of nobody, but told where the master is.
  std::string forged = workspace_.read("other/bob.key");
  const std::string alice = workspace_.read("keys/alice.key");
  const std::size_t master = forged.find("master ");
  forged.replace(master, std::string::npos, alice.substr(alice.find("master ")));
  workspace_.write("forged.key", forged);
  fs::permissions(workspace_.path("forged.key"), fs::perms::owner_read);
  const Outcome unknown = list_with("forged.key");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err,
              AllOf(HasSubstr("the key 'bob' of forged.key"), HasSubstr("does not accept this key"),
                    HasSubstr("fanfold keys list")));
  EXPECT_TRUE(eventually([&] {
    return cluster.audit_log().find("connection.refused address=127.0.0.1") != std::string::npos;
  }));
  EXPECT_EQ(list_with("keys/alice.key").exit_code, 0);
}

TEST_F(Keys, AreRotatedWhileBothAreInUse) {
  KeyedCluster cluster(workspace_);
  fs::copy_file(cluster.key_file("alice"), workspace_.path("old.key"));
  fs::permissions(workspace_.path("old.key"), fs::perms::owner_read);
  const auto works = [&](const std::string& key) {
    return run(workspace_, {"list", "--master", cluster.address(), "--key", key}).exit_code == 0;
  };
  cluster.keys({"rotate", "alice"});
  EXPECT_TRUE(works("old.key"));
  EXPECT_TRUE(works("keys/alice.key"));
  EXPECT_THAT(cluster.keys({"list"}).out, HasSubstr("alice"));
  cluster.keys({"rotate", "alice", "--overlap", "0s"});
  EXPECT_FALSE(works("old.key"));
  EXPECT_TRUE(works("keys/alice.key"));
}

TEST_F(Keys, FindAMasterWhoseOwnIsRotatedWhileAJobRuns) {
  KeyedCluster cluster(workspace_);
  cluster.add_worker();
  cluster.add_worker();
  const auto copy = [&](const std::string& name) {
    fs::copy_file(cluster.key_file("alice"), workspace_.path(name));
    fs::permissions(workspace_.path(name), fs::perms::owner_read | fs::perms::owner_write);
  };
  const auto list_with = [&](const std::string& key) {
    return run(workspace_, {"list", "--master", cluster.address(), "--key", key});
  };
  copy("first.key");
  const std::string text = "wait for " + workspace_.path("gate") + "\n";
  workspace_.write("in.txt", text + text);
  // It waits from before the rotation until after it, and is never told.
  Running waiting(workspace_,
                  {"run", faulty_plugin("faulty"), "in.txt", "-o", "out", "--split-bytes",
                   std::to_string(text.size()), "--quiet"},
                  cluster.as("alice"));
  ASSERT_TRUE(eventually([&] {
    const Json seen = Json::parse(cluster.run_as("alice", {"cluster", "status", "--json"}).out);
    return seen["workers"][0]["busy"] == 1 && seen["workers"][1]["busy"] == 1;
  }));
  const Outcome begun = cluster.keys({"rotate", "master"});
  EXPECT_THAT(begun.out, AllOf(HasSubstr("alice.key"), HasSubstr("w1.key"), HasSubstr("w2.key")));
  // A master that is started again meanwhile is the one that all know.
  cluster.restart_master();
  EXPECT_EQ(list_with("first.key").exit_code, 0);
  copy("both.key");

  cluster.keys({"rotate", "master", "--switch"});
  EXPECT_EQ(list_with("keys/alice.key").exit_code, 0) << "it has the old key until it starts again";
  cluster.restart_master();
  EXPECT_EQ(list_with("both.key").exit_code, 0);
  const Outcome stale = list_with("first.key");
  EXPECT_EQ(stale.exit_code, 1);
  EXPECT_THAT(stale.err, AllOf(HasSubstr("the key 'alice' of first.key"),
                               HasSubstr("not the master that this key is for"),
                               HasSubstr("fanfold keys learn")));

  const Outcome ended = cluster.keys({"rotate", "master", "--finish"});
  EXPECT_EQ(ended.out, begun.out);
  workspace_.write("gate", "");
  const Outcome ran = waiting.wait();
  EXPECT_EQ(ran.exit_code, 0) << ran.both();
  const Json job = Json::parse(cluster.run_as("alice", {"status", "1", "--json"}).out);
  EXPECT_EQ(job["lost_attempts"], 0) << job.dump(2);
  EXPECT_EQ(job["failed_attempts"], 0) << job.dump(2);
}

TEST_F(Keys, AreToldOfTheMastersNewKeyWhereverTheyLie) {
  KeyedCluster cluster(workspace_);
  cluster.add_worker();
  fs::rename(cluster.key_file("alice"), workspace_.path("away.key"));
  const auto list = [&] {
    return run(workspace_, {"list", "--master", cluster.address(), "--key", "away.key"}).exit_code;
  };
  /// The words of the line that a rotation prints for those who are not there.
  const auto learn = [&](const Outcome& rotated) {
    EXPECT_THAT(rotated.err, HasSubstr("not here are the key files of alice"));
    std::istringstream line(rotated.err.substr(rotated.err.find("fanfold keys learn")));
    std::string words;
    std::getline(line, words);
    std::vector<std::string> arguments;
    std::istringstream split(words);
    for (std::string word; split >> word;) arguments.push_back(word == "FILE" ? "away.key" : word);
    arguments.erase(arguments.begin());
    const Outcome outcome = run(workspace_, arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
    return arguments.size();
  };
  EXPECT_EQ(learn(cluster.keys({"rotate", "master"})), 5u) << "both keys";
  EXPECT_EQ(list(), 0);
  const Outcome switched = cluster.keys({"rotate", "master", "--switch"});
  cluster.restart_master();
  EXPECT_EQ(list(), 0);
  learn(switched);
  EXPECT_EQ(list(), 0);
  EXPECT_EQ(learn(cluster.keys({"rotate", "master", "--finish"})), 4u) << "one of them";
  EXPECT_EQ(list(), 0);
  EXPECT_THAT(cluster.keys({"list"}).out, HasSubstr("in use"));
  const Outcome wrong = run(workspace_, {"keys", "learn", "away.key", "0123"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("64 hexadecimal digits"));
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"rotate", "alice", "--switch"},
        {"rotate", "master", "--switch", "--finish"},
        {"rotate", "master", "--anew", "--switch"},
        {"rotate", "master", "--overlap", "1h"}}) {
    EXPECT_THROW(cluster.keys(words), std::runtime_error);
  }
  // The worker has found it, too.
  workspace_.write("in.txt", "a b a\n");
  const Outcome ran = run(workspace_, {"run", "word_count", "in.txt", "-o", "out", "--master",
                                       cluster.address(), "--key", "away.key"});
  EXPECT_EQ(ran.exit_code, 0) << ran.both();
}

TEST_F(Keys, MayUseAsMuchAsTheirQuotaSays) {
  KeyedCluster cluster(workspace_);
  cluster.add_worker();
  cluster.keys({"add", "busy", "--role", "client", "--jobs", "1"});
  cluster.keys({"add", "hasty", "--role", "client", "--submissions", "2"});
  cluster.keys({"add", "large", "--role", "client", "--tasks", "3", "--bytes", "1K"});
  const std::string gate = workspace_.path("gate");
  workspace_.write("wait.txt", "wait for " + gate + "\n");
  workspace_.write("in.txt", "a\n");
  // One map and one reduce each: there is no room for two.
  ASSERT_EQ(cluster.run_as("large", {"submit", faulty_plugin("faulty"), "wait.txt", "-o", "l1"})
                .exit_code,
            0);
  const Outcome beside = cluster.run_as("large", {"run", "word_count", "in.txt", "-o", "l2"});
  EXPECT_EQ(beside.exit_code, 2);
  EXPECT_THAT(beside.err, AllOf(HasSubstr("'large' may have 3 tasks"), HasSubstr("others have 2")));
  EXPECT_FALSE(workspace_.exists("l2"));
  workspace_.write("large.txt", std::string(2048, 'x'));
  const Outcome larger =
      cluster.run_as("large", {"run", "word_count", "large.txt", "-o", "l3", "--reducers", "1"});
  EXPECT_EQ(larger.exit_code, 2);
  workspace_.write("gate", "");
  EXPECT_EQ(cluster.run_as("large", {"wait", "1"}).exit_code, 0);
  std::filesystem::remove(gate);
  EXPECT_THAT(cluster.run_as("large", {"run", "word_count", "large.txt", "-o", "l4"}).err,
              HasSubstr("1024 bytes of input"));
  EXPECT_EQ(cluster.run_as("large", {"run", "word_count", "in.txt", "-o", "l5"}).exit_code, 0);
  const Outcome first =
      cluster.run_as("busy", {"submit", faulty_plugin("faulty"), "wait.txt", "-o", "b1"});
  ASSERT_EQ(first.exit_code, 0) << first.both();
  std::string first_job;
  for (const char c : first.out) {
    if (c >= '0' && c <= '9') first_job += c;
  }
  const Outcome second = cluster.run_as("busy", {"submit", "word_count", "in.txt", "-o", "b2"});
  EXPECT_EQ(second.exit_code, 2);
  EXPECT_THAT(second.err, HasSubstr("the key 'busy' may have 1 jobs at a time"));
  workspace_.write("gate", "");
  EXPECT_EQ(cluster.run_as("busy", {"wait", first_job}).exit_code, 0);
  EXPECT_EQ(cluster.run_as("busy", {"run", "word_count", "in.txt", "-o", "b3"}).exit_code, 0);
  for (const char* output : {"h1", "h2"}) {
    EXPECT_EQ(cluster.run_as("hasty", {"run", "word_count", "in.txt", "-o", output}).exit_code, 0);
  }
  const Outcome third = cluster.run_as("hasty", {"run", "word_count", "in.txt", "-o", "h3"});
  EXPECT_EQ(third.exit_code, 2);
  EXPECT_THAT(third.err, AllOf(HasSubstr("may submit 2 jobs a minute"), HasSubstr("try again in")));
}

TEST_F(Keys, FeedTheirOwnJobsAlone) {
  KeyedCluster cluster(workspace_);
  cluster.keys({"add", "bob", "--role", "client"});
  cluster.keys({"add", "small", "--role", "client", "--bytes", "10"});
  workspace_.write("fed", "a b\n");
  const auto feed = [&](const std::string& key, std::vector<std::string> words) {
    CommandOptions options = cluster.as(key);
    options.standard_input = workspace_.path("fed");
    words.insert(words.begin(), "feed");
    return run(workspace_, words, options);
  };
  const std::vector<std::string> open = {"submit", "word_count", "--open", "-r", "1", "-o"};
  const auto submit = [&](const std::string& key) {
    std::vector<std::string> words = open;
    words.push_back("of-" + key);
    const Outcome outcome = cluster.run_as(key, words);
    return outcome.out.substr(0, outcome.out.find('\n'));
  };
  const std::string job = submit("alice");
  const Outcome refused = feed("bob", {job});
  EXPECT_EQ(refused.exit_code, 2) << refused.both();
  EXPECT_THAT(refused.err, HasSubstr("the key 'bob' may feed its own jobs"));
  EXPECT_EQ(feed("bob", {job, "--close"}).exit_code, 2);
  EXPECT_EQ(feed("alice", {job}).exit_code, 0);
  EXPECT_EQ(feed("alice", {job}).exit_code, 0);
  EXPECT_EQ(feed("root", {job, "--close"}).exit_code, 0);
  const std::string audit = cluster.audit_log();
  EXPECT_EQ(audit.find("job.fed key=alice"), audit.rfind("job.fed key=alice")) << "once each";
  EXPECT_THAT(audit, AllOf(HasSubstr("job.fed key=alice"), HasSubstr("job.fed key=root"),
                           HasSubstr("job.closed key=root")));
  // What is fed counts for the quota of who feeds.
  const std::string small = submit("small");
  EXPECT_EQ(feed("small", {small}).exit_code, 0);
  EXPECT_EQ(feed("small", {small}).exit_code, 0);
  const Outcome third = feed("small", {small});
  EXPECT_EQ(third.exit_code, 2) << "it never becomes less: " << third.both();
  EXPECT_THAT(third.err, AllOf(HasSubstr("the key 'small' may have 10 bytes"),
                               HasSubstr("close job " + small)));
}

}  // namespace
}  // namespace fanfold::e2e
