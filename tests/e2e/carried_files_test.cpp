// Plugins and side files that no worker finds at their path: they travel through the master.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/e2e/keyed_cluster.hpp"

namespace fanfold::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
namespace fs = std::filesystem;

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    ++found;
  }
  return found;
}

class CarriedFiles : public testing::Test {
 protected:
  CarriedFiles() { workspace_.write("in.txt", "b a\nb\n"); }

  /// A plugin of the user's own, of at least so many bytes.
  std::string make_plugin(std::uintmax_t bytes = 0) const {
    const std::string path = workspace_.path("mine.so");
    fs::remove(path);
    fs::copy_file(bundled_plugin("word_count"), path);
    // Nothing reads what lies behind an ELF file, but it is a part of the digest.
    if (fs::file_size(path) < bytes) fs::resize_file(path, bytes);
    return path;
  }
  /// Submits a job of the plugin, which is gone from its path when this returns.
  std::string submit(const KeyedCluster& cluster, const std::string& output,
                     std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments = {"submit", make_plugin(), "in.txt", "-o", output};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Outcome submitted = cluster.run_as("alice", arguments);
    EXPECT_EQ(submitted.exit_code, 0) << submitted.both();
    fs::remove(workspace_.path("mine.so"));
    return submitted.out.substr(0, submitted.out.find('\n'));
  }
  std::vector<std::string> blobs() const { return workspace_.list("state/blobs"); }

  Workspace workspace_;
};

TEST_F(CarriedFiles, ReachEachWorkerOnceAndServeTheNextJobs) {
  KeyedCluster cluster(workspace_);
  workspace_.write("in.txt", make_text(7, 2'000));
  const std::string first = submit(cluster, "out1", {"--split-bytes", "4K"});
  ASSERT_EQ(blobs().size(), 1u);
  cluster.add_worker();
  cluster.add_worker();
  const Outcome waited = cluster.run_as("alice", {"wait", first});
  ASSERT_EQ(waited.exit_code, 0) << waited.both();
  // Another budget of memory is another executor, which has to load it anew.  More jobs than
  // workers: one of them has it already.
  for (const std::string number : {"2", "3"}) {
    const std::string next =
        submit(cluster, "out" + number, {"--split-bytes", "4K", "--memory", "6" + number + "M"});
    const Outcome again = cluster.run_as("alice", {"wait", next});
    ASSERT_EQ(again.exit_code, 0) << again.both();
  }

  std::size_t wanted = 0;
  std::size_t fetched = 0;
  for (const std::size_t worker : {1, 2}) {
    EXPECT_LE(count(cluster.worker_log(worker), "file.fetched"), 1u);
    fetched += count(cluster.worker_log(worker), "file.fetched");
    wanted += count(cluster.worker_log(worker), "file.wanted");
  }
  EXPECT_GE(fetched, 1u);
  // An executor that is at hand may have it from an earlier job.
  EXPECT_GE(wanted, fetched);
  EXPECT_EQ(count(cluster.master_log(), "blob.kept"), 1u);
  EXPECT_THAT(cluster.audit_log(), HasSubstr("blob.stored key=alice address=127.0.0.1"));
  const Outcome local =
      run(workspace_, {"run", "word_count", "in.txt", "-o", "local", "--split-bytes", "4K"});
  ASSERT_EQ(local.exit_code, 0) << local.both();
  for (const char* output : {"out1", "out2", "out3"}) {
    EXPECT_EQ(workspace_.fingerprint(output), workspace_.fingerprint("local")) << output;
  }
}

TEST_F(CarriedFiles, OutliveTheirMaster) {
  KeyedCluster cluster(workspace_);
  const std::string job = submit(cluster, "out");
  cluster.restart_master();
  cluster.add_worker();
  const Outcome waited = cluster.run_as("alice", {"wait", job});
  EXPECT_EQ(waited.exit_code, 0) << waited.both();
  EXPECT_TRUE(workspace_.exists("out/_SUCCESS"));
}

TEST_F(CarriedFiles, OfManyMegabytesGoOnAfterAClientThatWasKilled) {
  KeyedCluster cluster(workspace_);
  constexpr std::uintmax_t kBytes = 40u << 20;
  const std::string plugin = make_plugin(kBytes);
  const std::string part = workspace_.path("state/blobs/part-1");
  {
    Running uploading(workspace_, {"submit", plugin, "in.txt", "-o", "never"}, cluster.as("alice"));
    ASSERT_TRUE(eventually([&] {
      std::error_code none;
      const std::uintmax_t size = fs::file_size(part, none);
      return uploading.ended() || (!none && size > 0);
    }));
    uploading.signal(SIGKILL);
    uploading.wait();
  }
  const Outcome submitted = cluster.run_as("alice", {"submit", plugin, "in.txt", "-o", "out"});
  ASSERT_EQ(submitted.exit_code, 0) << submitted.both();
  // It went on with what was there.
  EXPECT_EQ(count(cluster.master_log(), "blob.begun"), 1u);
  EXPECT_EQ(count(cluster.master_log(), "blob.kept"), 1u);
  ASSERT_EQ(blobs().size(), 1u);
  EXPECT_EQ(fs::file_size(workspace_.path("state/blobs/" + blobs().front())), kBytes);
  fs::remove(plugin);
  cluster.add_worker();
  const std::string job = submitted.out.substr(0, submitted.out.find('\n'));
  const Outcome waited = cluster.run_as("alice", {"wait", job});
  EXPECT_EQ(waited.exit_code, 0) << waited.both();
}

TEST_F(CarriedFiles, DamagedAtTheMasterFailTheJobWhichSaysWhatToDo) {
  KeyedCluster cluster(workspace_);
  const std::string job = submit(cluster, "out");
  ASSERT_EQ(blobs().size(), 1u);
  const std::string blob = workspace_.path("state/blobs/" + blobs().front());
  {
    std::fstream file(blob, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(1000);
    file << "damaged";
  }
  cluster.add_worker();
  const Outcome failed = cluster.run_as("alice", {"wait", job});
  EXPECT_EQ(failed.exit_code, 1) << failed.both();
  EXPECT_THAT(failed.err, AllOf(HasSubstr("mine.so"), HasSubstr("damaged on its disk"),
                                HasSubstr("submit the job again")));
  EXPECT_THAT(cluster.master_log(), HasSubstr("blob.damaged"));
  EXPECT_FALSE(fs::exists(blob));
  const Outcome again = cluster.run_as("alice", {"run", make_plugin(), "in.txt", "-o", "again"});
  EXPECT_EQ(again.exit_code, 0) << again.both();
}

TEST_F(CarriedFiles, ThatTheMasterDoesNotHaveFailTheJobWhichSaysWhatToDo) {
  KeyedCluster cluster(workspace_);
  const std::string job = submit(cluster, "out");
  for (const std::string& blob : blobs()) fs::remove(workspace_.path("state/blobs/" + blob));
  cluster.add_worker();
  const Outcome failed = cluster.run_as("alice", {"wait", job});
  EXPECT_EQ(failed.exit_code, 1) << failed.both();
  EXPECT_THAT(failed.err, AllOf(HasSubstr("mine.so"), HasSubstr("No such file"),
                                HasSubstr("submit the job again")));
}

TEST_F(CarriedFiles, MayBeSideFilesToo) {
  KeyedCluster cluster(workspace_);
  workspace_.write("in.txt", "file words\nfile nothing\n");
  const std::string words = workspace_.write("mine/words", "said by a side file");
  workspace_.write("mine/nothing", "");
  const Outcome submitted =
      cluster.run_as("alice", {"submit", faulty_plugin("faulty"), "in.txt", "-o", "out", "-r", "1",
                               "--file", "words=mine/words", "--file", "nothing=mine/nothing"});
  ASSERT_EQ(submitted.exit_code, 0) << submitted.both();
  // Another file is at the path now, as may be on another host.
  workspace_.write("mine/words", "said by somebody else");
  fs::remove(workspace_.path("mine/nothing"));
  cluster.add_worker();
  const Outcome waited = cluster.run_as("alice", {"wait", "1"});
  ASSERT_EQ(waited.exit_code, 0) << waited.both();
  EXPECT_THAT(workspace_.read("out/part-00000-of-00001"), HasSubstr("said by a side file\t1\n"));
}

TEST_F(CarriedFiles, BeyondTheQuotaOfTheirKeyStayWhereTheyAre) {
  KeyedCluster cluster(workspace_);
  cluster.add_worker();
  cluster.keys({"add", "small", "--role", "client", "--bytes", "1K"});
  const Outcome ran = cluster.run_as("small", {"run", make_plugin(), "in.txt", "-o", "out"});
  EXPECT_EQ(ran.exit_code, 0) << ran.both();
  EXPECT_THAT(ran.err, AllOf(HasSubstr("'mine.so' stays here"),
                             HasSubstr("'small' may have 1024 bytes of input")));
  EXPECT_TRUE(blobs().empty());
}

TEST_F(CarriedFiles, StayWhereTheyAreOnOneHost) {
  const Cluster cluster(workspace_, 1, 1);
  ASSERT_TRUE(cluster.up());
  const Outcome ran = cluster.run({"run", make_plugin(), "in.txt", "-o", "out"});
  EXPECT_EQ(ran.exit_code, 0) << ran.both();
  EXPECT_TRUE(workspace_.list("c/state/blobs").empty());
}

}  // namespace
}  // namespace fanfold::e2e
