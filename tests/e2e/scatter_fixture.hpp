// `fanfold scatter` in a workspace of its own.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/command.hpp"

namespace fanfold::e2e {

class ScatterFixture : public testing::Test {
 protected:
  using Words = std::vector<std::string>;

  static Words scatter(Words words, const Words& program = {}) {
    words.insert(words.begin(), "scatter");
    if (!program.empty()) words.emplace_back("--");
    words.insert(words.end(), program.begin(), program.end());
    return words;
  }
  /// A script for `sh` that finds its target in $1.
  static Words script(const std::string& text) { return {"sh", "-c", text, "sh"}; }
  Outcome ask(const Words& words, const Words& program = {}) {
    const Outcome outcome = run(workspace_, scatter(words, program));
    EXPECT_THAT(workspace_.remains(), testing::IsEmpty());
    return outcome;
  }
  /// Three indexes; both "be" and "hamlet" are in more than one.
  Words write_shards() const {
    workspace_.write("a.tsv", "hamlet\tbe\t0.5\nlear\tbe\t0.25\n");
    workspace_.write("b.tsv", "macbeth\tbe\t0.375\n");
    workspace_.write("c.tsv", "hamlet\tbe\t0.5\nothello\tnot\t1\n");
    return {"a.tsv", "b.tsv", "c.tsv"};
  }

  Workspace workspace_;
};

}  // namespace fanfold::e2e
