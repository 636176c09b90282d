// Where the answers of `fanfold scatter` go: what it makes, what it replaces, and what it says when
// they cannot be written.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/e2e/scatter_fixture.hpp"

namespace fanfold::e2e {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using Json = nlohmann::json;

using ScatterOutput = ScatterFixture;

TEST_F(ScatterOutput, KeepsAnswersWithAManifestThatNamesWhatIsMissing) {
  Words words = write_shards();
  words.insert(words.end(), {"gone.tsv", "--to", "search", "--param", "query=be", "-o", "out",
                             "--completion", "min-successful=75%"});
  const Outcome outcome = ask(words);
  EXPECT_EQ(outcome.exit_code, 3) << outcome.both();
  EXPECT_THAT(outcome.out, HasSubstr("4: 3 answered"));
  const Json manifest = Json::parse(workspace_.read("out/manifest.json"));
  EXPECT_EQ(manifest["state"], "partial");
  EXPECT_EQ(manifest["late_answers"], 0);
  ASSERT_EQ(manifest["missing"].size(), 1u);
  EXPECT_EQ(manifest["missing"][0]["target"], "gone.tsv");
  EXPECT_TRUE(workspace_.exists("out/_PARTIAL"));
  const Outcome verified = run(workspace_, {"verify", "out"});
  EXPECT_EQ(verified.exit_code, 3) << verified.both();
  EXPECT_THAT(run(workspace_, {"cat", "out"}).out, HasSubstr("\"hamlet\""));
  // It is there, and stays as it is unless it may be replaced.
  EXPECT_EQ(ask({"a", "-o", "out"}, {"echo"}).exit_code, 2);
  EXPECT_EQ(ask({"a", "-o", "out", "--on-exists", "replace"}, {"echo"}).exit_code, 0);
  EXPECT_EQ(run(workspace_, {"verify", "out"}).exit_code, 0);
  EXPECT_EQ(run(workspace_, {"cat", "out"}).out, "a\n");
}

TEST_F(ScatterOutput, ReplacesNothingButAnOutput) {
  workspace_.write("docs/file", "precious");
  workspace_.write("plain", "precious");
  workspace_.write("nothing/in.it", "");
  std::filesystem::create_symlink("docs", workspace_.path("link"));
  ASSERT_EQ(ask({"a", "-o", "out"}, {"echo"}).exit_code, 0);
  struct Row {
    const char* output;
    const char* why;
  };
  const std::vector<Row> rows = {{"docs", "will not replace"},
                                 {"docs/", "will not replace"},
                                 {"plain", "is not a directory"},
                                 {"link", "a symbolic link"},
                                 {".", "cannot replace"},
                                 {"out", "out/part-00000-of-00001 lies in it"},
                                 {"no/parent", "there is no directory"},
                                 {"/proc/none/out", "there is no directory"},
                                 {"s3://bucket/out", "takes a directory"}};
  for (const Row& row : rows) {
    const Outcome outcome =
        ask({"out/part-00000-of-00001", "-o", row.output, "--on-exists", "replace"},
            script("touch asked"));
    EXPECT_EQ(outcome.exit_code, 2) << row.output << "\n" << outcome.both();
    EXPECT_THAT(outcome.err, HasSubstr(row.why)) << row.output;
    EXPECT_FALSE(workspace_.exists("asked")) << row.output;
  }
  EXPECT_EQ(workspace_.read("docs/file"), "precious");
  EXPECT_EQ(workspace_.read("plain"), "precious");
  EXPECT_EQ(workspace_.read("out/part-00000-of-00001"), "a\n");
  EXPECT_FALSE(workspace_.exists("s3:"));
}

TEST_F(ScatterOutput, WhatAppearsWhereItsOutputIsToGoStays) {
  for (const char* then : {"fail", "replace"}) {
    const std::string output = std::string("out-") + then;
    Running command(workspace_,
                    scatter({"a", "-o", output, "--on-exists", then},
                            script("touch begun; until [ -e go ]; do sleep 0.05; done; echo $1")));
    ASSERT_TRUE(eventually([&] { return workspace_.exists("begun"); })) << command.err_so_far();
    workspace_.write(output + "/mine", "precious");
    workspace_.write("go", "");
    const Outcome outcome = command.wait();
    EXPECT_EQ(outcome.exit_code, 1) << outcome.both();
    EXPECT_THAT(outcome.err, HasSubstr("the answers are not kept"));
    EXPECT_EQ(workspace_.read(output + "/mine"), "precious");
    EXPECT_THAT(workspace_.remains(), IsEmpty());
    std::filesystem::remove(workspace_.path("begun"));
    std::filesystem::remove(workspace_.path("go"));
  }
}

TEST_F(ScatterOutput, FailsWhenWhatItPrintsCannotBeWritten) {
  for (const char* how : {"", "--json", "-o out"}) {
    CommandOptions options;
    options.program = "/bin/sh";
    const Outcome outcome = run(
        workspace_, {"-c", std::string(FANFOLD_BIN) + " scatter a " + how + " -- echo > /dev/full"},
        options);
    EXPECT_EQ(outcome.exit_code, 1) << how << outcome.both();
    EXPECT_THAT(outcome.err, HasSubstr("cannot write the output: No space left")) << how;
  }
}

}  // namespace
}  // namespace fanfold::e2e
