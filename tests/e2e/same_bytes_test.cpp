// Output bytes depend on the job and its input alone.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {
namespace {

using testing::IsEmpty;

class SameBytes : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    workspace_.write("in/a.txt", make_text(11, 2500));
    workspace_.write("in/b.txt", make_text(12, 2500));
    workspace_.write("in/empty.txt", "");
  }

  std::vector<std::string> job(const std::string& output) const {
    std::vector<std::string> words = {"run", GetParam(), "in", "-o", output, "--quiet", "-r", "4"};
    if (GetParam() == "grep") words.insert(words.end(), {"--param", "pattern=w1."});
    return words;
  }

  std::string bytes(const std::string& output, const std::vector<std::string>& flags) {
    std::vector<std::string> words = job(output);
    words.insert(words.end(), flags.begin(), flags.end());
    const Outcome outcome = run(workspace_, words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
    return workspace_.fingerprint(output);
  }

  Workspace workspace_;
};

TEST_P(SameBytes, WhateverTheWorkersSlotsSplitsAndPathOfTheShuffle) {
  const std::string expected = bytes("out-1", {"--in-process"});
  ASSERT_THAT(expected, testing::HasSubstr("part-00003-of-00004"));
  EXPECT_EQ(bytes("out-2", {"--workers", "1", "--slots", "1"}), expected);
  EXPECT_EQ(bytes("out-3", {"--workers", "3", "--slots", "2", "--split-bytes", "5K"}), expected);
  EXPECT_EQ(bytes("out-4", {"--workers", "2", "--slots", "1", "--split-bytes", "20K",
                            "--shuffle-over-network"}),
            expected);
  EXPECT_EQ(bytes("out-5", {"--in-process", "--split-bytes", "999"}), expected);
  EXPECT_THAT(workspace_.remains(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Jobs, SameBytes,
                         testing::Values("word_count", "sort", "grep", "inverted_index", "ngrams",
                                         "distinct", "top_k"));

class Formats : public testing::TestWithParam<std::pair<std::string, std::string>> {};

TEST_P(Formats, OfOutputHoldTheSameRecordsForCat) {
  const std::string format = GetParam().first;
  const std::string compression = GetParam().second;
  Workspace workspace;
  workspace.write("in.txt", make_text(5, 1000));
  const auto cat = [&](const std::string& output, const std::string& compress) {
    const Outcome outcome = run(workspace, {"run", "word_count", "in.txt", "-o", output, "-r", "3",
                                            "--format", format, "--compress", compress, "--quiet"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
    return run(workspace, {"cat", output}).out;
  };
  const std::string plain = cat("plain", "none");
  EXPECT_FALSE(plain.empty());
  EXPECT_EQ(cat("packed", compression), plain);
}

INSTANTIATE_TEST_SUITE_P(All, Formats,
                         testing::Values(std::pair("text", "gzip"), std::pair("text", "zstd"),
                                         std::pair("jsonl", "zstd"), std::pair("binary", "gzip")));

TEST(StandardInput, GivesTheSameResultAsTheFile) {
  Workspace workspace;
  CommandOptions options;
  options.standard_input = workspace.write("in.txt", make_text(6, 1000));
  ASSERT_EQ(run(workspace, {"run", "word_count", "in.txt", "-o", "a", "--quiet"}).exit_code, 0);
  ASSERT_EQ(run(workspace, {"run", "word_count", "-", "-o", "b", "--quiet"}, options).exit_code, 0);
  ASSERT_EQ(
      run(workspace, {"run", "word_count", "-", "-o", "c", "--quiet", "--in-process"}, options)
          .exit_code,
      0);
  const std::string expected = run(workspace, {"cat", "a"}).out;
  EXPECT_FALSE(expected.empty());
  EXPECT_EQ(run(workspace, {"cat", "b"}).out, expected);
  EXPECT_EQ(run(workspace, {"cat", "c"}).out, expected);
  EXPECT_THAT(workspace.remains(), IsEmpty());
}

TEST(EmptyInput, GivesEmptyParts) {
  Workspace workspace;
  workspace.write("empty.txt", "");
  const Outcome outcome =
      run(workspace, {"run", "word_count", "empty.txt", "-o", "out", "-r", "2"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(workspace.read("out/part-00000-of-00002"), "");
  EXPECT_EQ(workspace.read("out/part-00001-of-00002"), "");
  EXPECT_TRUE(workspace.exists("out/_SUCCESS"));
}

TEST(Replace, SwapsTheOutputAtOnce) {
  Workspace workspace;
  workspace.write("a.txt", "a\n");
  workspace.write("b.txt", "b\n");
  ASSERT_EQ(run(workspace, {"run", "word_count", "a.txt", "-o", "out", "--quiet"}).exit_code, 0);
  const Outcome outcome = run(
      workspace, {"run", "word_count", "b.txt", "-o", "out", "--quiet", "--on-exists", "replace"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.both();
  EXPECT_EQ(run(workspace, {"cat", "out"}).out, "b\t1\n");
  EXPECT_THAT(workspace.remains(), IsEmpty());
}

}  // namespace
}  // namespace fanfold::e2e
