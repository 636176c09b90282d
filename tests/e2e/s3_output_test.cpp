// Jobs that write to a real S3 server: all of an output or nothing, whoever dies meanwhile.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "common/s3/xml.hpp"
#include "tests/e2e/s3_test.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;

class S3Output : public S3Test {
 protected:
  Outcome count(const std::string& output, std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"run",  "word_count", "in.txt", "-o",
                                      output, "-r",         "3",      "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  std::vector<std::string> keys() { return server_->keys(bucket_); }
  /// Uploads that nobody has completed or aborted.
  std::size_t uploads() {
    s3::Call call;
    call.object.bucket = bucket_;
    call.query = {{"uploads", ""}};
    return s3::elements(server_->perform(call).body, "Upload").size();
  }
  void expect_nothing_but(const std::vector<std::string>& wanted) {
    EXPECT_EQ(keys(), wanted);
    EXPECT_EQ(uploads(), 0u);
  }
};

TEST_F(S3Output, HoldsWhatADirectoryWouldHold) {
  workspace_.write("in.txt", make_text(1, 20'000));
  ASSERT_EQ(count("local").exit_code, 0);
  const Outcome outcome = count(root() + "/deep/out/");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  expect_nothing_but({"deep/out/_SUCCESS", "deep/out/part-00000-of-00003",
                      "deep/out/part-00001-of-00003", "deep/out/part-00002-of-00003"});
  for (const std::string part : {"0", "1", "2"}) {
    const std::string name = "/part-0000" + part + "-of-00003";
    EXPECT_EQ(server_->get(root() + "/deep/out" + name), workspace_.read("local" + name));
  }
  const Outcome verified = run({"verify", root() + "/deep/out"});
  EXPECT_EQ(verified.exit_code, 0) << verified.both();
  EXPECT_EQ(run({"cat", root() + "/deep/out"}).out, run({"cat", "local"}).out);
}

TEST_F(S3Output, IsOneFileWhenItIsGathered) {
  workspace_.write("in.txt", make_text(1, 5'000));
  ASSERT_EQ(count("local", {"--gather", "none"}).exit_code, 0);
  const std::string sorted = run({"cat", "local"}).out;
  std::string joined;
  for (const std::string& name : workspace_.list("local")) {
    if (name.starts_with("part-")) joined += workspace_.read("local/" + name);
  }
  for (const std::string how : {"concat", "merge-sort", "reduce"}) {
    const Outcome outcome =
        count(root() + "/" + how, {"--gather", how, "--gather-arity", "2", "--split-bytes", "50K"});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
    EXPECT_EQ(server_->get(root() + "/" + how + "/part-00000-of-00001"),
              how == "concat" ? joined : sorted)
        << how;
    const Outcome verified = run({"verify", root() + "/" + how});
    EXPECT_EQ(verified.exit_code, 0) << verified.both();
  }
  // Nothing of what was gathered is left.
  expect_nothing_but({"concat/_SUCCESS", "concat/part-00000-of-00001", "merge-sort/_SUCCESS",
                      "merge-sort/part-00000-of-00001", "reduce/_SUCCESS",
                      "reduce/part-00000-of-00001"});
}

TEST_F(S3Output, OfManyPartsIsWhole) {
  // More than one part of an upload.
  workspace_.write("in.txt", make_text(1, 400'000));
  const Outcome outcome =
      run({"run", "sort", "in.txt", "-o", root() + "/out", "-r", "1", "--quiet"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  ASSERT_EQ(run({"run", "sort", "in.txt", "-o", "local", "-r", "1", "--quiet"}).exit_code, 0);
  const std::string name = "/part-00000-of-00001";
  const std::string local = workspace_.read("local" + name);
  EXPECT_GT(local.size(), 9u << 20);
  EXPECT_TRUE(server_->get(root() + "/out" + name) == local);
  expect_nothing_but({"out/_SUCCESS", "out" + name});
}

TEST_F(S3Output, IsWrittenInProcessToo) {
  workspace_.write("in.txt", "a b a\n");
  const Outcome outcome = count(root() + "/out", {"--in-process"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(run({"cat", root() + "/out"}).out, "a\t2\nb\t1\n");
  EXPECT_EQ(uploads(), 0u);
}

TEST_F(S3Output, IsReadByTheNextJob) {
  workspace_.write("in.txt", "a b a\n");
  ASSERT_EQ(count(root() + "/one").exit_code, 0);
  const Outcome outcome =
      run({"run", "word_count", root() + "/one", "-o", root() + "/two", "--quiet"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(run({"cat", root() + "/two"}).out, "1\t1\n2\t1\na\t1\nb\t1\n");
}

TEST_F(S3Output, ThatExistsIsRefused) {
  workspace_.write("in.txt", "a b a\n");
  server_->put(root() + "/out/something", "of somebody");
  const Outcome outcome = count(root() + "/out");
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("output " + root() + "/out exists already"));
  const Outcome replaced = count(root() + "/out", {"--on-exists", "replace"});
  EXPECT_NE(replaced.exit_code, 0);
  EXPECT_THAT(replaced.err, HasSubstr("will not replace " + root() + "/out"));
  expect_nothing_but({"out/something"});
}

TEST_F(S3Output, OfAnEarlierJobIsReplaced) {
  workspace_.write("in.txt", "a b a\n");
  ASSERT_EQ(
      run({"run", "word_count", "in.txt", "-o", root() + "/out", "-r", "5", "--quiet"}).exit_code,
      0);
  workspace_.write("in.txt", "c\n");
  const Outcome outcome = count(root() + "/out", {"--on-exists", "replace"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(run({"cat", root() + "/out"}).out, "c\t1\n");
  EXPECT_EQ(keys().size(), 4u);
  EXPECT_EQ(uploads(), 0u);
}

TEST_F(S3Output, OfAJobThatFailsIsNothing) {
  workspace_.write("in.txt", "fine\nbad key\n");
  const Outcome outcome = run({"run", faulty_plugin("faulty"), "in.txt", "-o", root() + "/out",
                               "--param", "fail_reduce=true", "--quiet"});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
  expect_nothing_but({});
}

TEST_F(S3Output, ToABucketThatIsMissingIsRefusedAtOnce) {
  workspace_.write("in.txt", "a\n");
  const Outcome outcome = count("s3://no-such-bucket/out");
  EXPECT_NE(outcome.exit_code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("there is no bucket 'no-such-bucket'"));
  EXPECT_THAT(count(root()).err, HasSubstr("exists already"));
}

TEST_F(S3Output, ThatAppearsWhileTheJobRunsIsLeftAlone) {
  const std::string reached = workspace_.path("reached");
  const std::string go_on = workspace_.path("go_on");
  workspace_.write("in.txt", "touch " + reached + "\nwait for " + go_on + "\n");
  Running job(workspace_,
              {"run", faulty_plugin("faulty"), "in.txt", "-o", root() + "/out", "--quiet"},
              server_->options());
  ASSERT_TRUE(eventually([&] { return workspace_.exists("reached"); }));
  server_->put(root() + "/out/theirs", "of somebody");
  workspace_.write("go_on", "");
  const Outcome outcome = job.wait();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
  EXPECT_THAT(outcome.err, HasSubstr("appeared while the job ran"));
  expect_nothing_but({"out/theirs"});
}

TEST_F(S3Output, OutlivesADiskThatDiesAndIsStartedAgain) {
  const std::string reached = workspace_.path("reached");
  const std::string go_on = workspace_.path("go_on");
  workspace_.write("in.txt",
                   "touch " + reached + "\nwait for " + go_on + "\n" + make_text(3, 1'000));
  Running job(workspace_,
              {"run", faulty_plugin("faulty"), "in.txt", "-o", root() + "/out", "--quiet"},
              server_->options());
  ASSERT_TRUE(eventually([&] { return workspace_.exists("reached"); }));
  server_->signal_disk(SIGKILL);
  workspace_.write("go_on", "");
  server_->start_disk();
  const Outcome outcome = job.wait();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(run({"verify", root() + "/out"}).exit_code, 0);
  EXPECT_EQ(uploads(), 0u);
}

}  // namespace
}  // namespace fanfold::e2e
