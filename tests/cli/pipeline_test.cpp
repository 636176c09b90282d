// Pipeline files that are read, and those that are refused: with the place and the reason.

#include "cli/pipeline/pipeline_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/pipeline/pipeline_graph.hpp"

namespace fanfold::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Flag> options() {
  return {{"output", 'o', "DIR", "", false},       {"reducers", 'r', "N", "", false},
          {"param", '\0', "NAME=VALUE", "", true}, {"prefer", '\0', "PATTERN=HOST", "", true},
          {"no-speculation", '\0', "", "", false}, {"retry", '\0', "JSON", "", false}};
}

Result<Pipeline> parse(const std::string& json, const Variables& given = {}) {
  const std::vector<Flag> flags = options();
  FANFOLD_ASSIGN_OR_RETURN(Pipeline pipeline, parse_pipeline({"test", json}, given, flags));
  FANFOLD_RETURN_IF_ERROR(check_graph(pipeline, "/home"));
  return pipeline;
}

/// A file of stages, each given by what stands between its braces.
std::string file_of(const std::vector<std::string>& stages) {
  std::string text;
  for (const std::string& stage : stages) text += (text.empty() ? "{" : ", {") + stage + "}";
  return R"({"stages": [)" + text + "]}";
}

const std::string kA = R"("name": "a", "job": "sort", "inputs": ["in"])";
const std::string kB = R"("name": "b", "job": "sort", "inputs": [{"stage": "a"}])";

void expect_refused(const std::string& json, const std::string& fragment,
                    const Variables& given = {}) {
  const Result<Pipeline> pipeline = parse(json, given);
  ASSERT_FALSE(pipeline.ok()) << json;
  EXPECT_EQ(pipeline.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(pipeline.status().message(), HasSubstr(fragment)) << json;
}

TEST(PipelineFile, BecomesStagesWithTheirOptionsAsWords) {
  const auto pipeline = parse(
      R"({"variables": {"dir": null, "n": "4"}, "stages": [
        {"name": "one", "job": "x.so:y", "inputs": ["${dir}/a", "left=${dir}/$$b"],
         "reducers": "${n}", "no-speculation": true, "param": {"k": 3, "deep": true, "w": "-x"},
         "retry": [{"ErrorEquals": ["States.ALL"]}], "output": "out"},
        {"name": "two", "job": "z", "inputs": [{"stage": "one", "tag": "left", "output": "bad"}],
         "no-speculation": false, "param": {"n": {"stage": "one", "counter": "c"}},
         "repeat": {"times": 7, "until": {"counter": "moved", "at-most": -2}}}]})",
      {{"dir", "/d"}});
  ASSERT_TRUE(pipeline.ok()) << pipeline.status().message();
  ASSERT_EQ(pipeline->stages.size(), 2u);
  const PipelineStage& one = pipeline->stages[0];
  EXPECT_EQ(one.job, "x.so:y");
  EXPECT_EQ(one.output, "out");
  EXPECT_EQ(one.inputs[0].word, "/d/a");
  EXPECT_EQ(one.inputs[1].word, "left=/d/$b");
  EXPECT_THAT(one.options, ElementsAre("--reducers=4", "--no-speculation", "--param", "k=3",
                                       "--param", "deep=true", "--param", "w=-x",
                                       R"(--retry=[{"ErrorEquals":["States.ALL"]}])"));
  const PipelineStage& two = pipeline->stages[1];
  EXPECT_THAT(two.options, ElementsAre());
  ASSERT_TRUE(two.inputs[0].source);
  EXPECT_EQ(two.inputs[0].source->stage, "one");
  EXPECT_EQ(two.inputs[0].source->output, "bad");
  EXPECT_EQ(two.inputs[0].word, "left");
  EXPECT_EQ(two.parameters[0].counter, "c");
  ASSERT_TRUE(two.repeat);
  EXPECT_EQ(two.repeat->times_max, 7u);
  EXPECT_EQ(two.repeat->until_at_most, -2);
  ASSERT_EQ(two.repeat->inputs.size(), 1u);
  EXPECT_TRUE(two.repeat->inputs[0].source->previous());
  EXPECT_THAT(needs_of(two), ElementsAre("one"));
}

TEST(PipelineFile, KeepsPreferencesInTheirOrder) {
  const auto words_of = [](const std::string& preferences) {
    const auto pipeline = parse(file_of({kA + R"(, "prefer": {)" + preferences + "}"}));
    return pipeline.ok() ? pipeline->stages[0].options : std::vector{pipeline.status().message()};
  };
  EXPECT_THAT(words_of(R"("b/x": "web1", "**": "db1")"),
              ElementsAre("--prefer", "b/x=web1", "--prefer", "**=db1"));
  EXPECT_THAT(words_of(R"("**": "db1", "b/x": "web1")"),
              ElementsAre("--prefer", "**=db1", "--prefer", "b/x=web1"));
}

TEST(PipelineFile, IsRefusedWithTheReasonWhenItIsNotOne) {
  expect_refused("", "it is no JSON");
  expect_refused("{\"stages\": [}", "line 1, column 13");
  expect_refused("[]", "has to be an object");
  expect_refused("{}", "'stages' has to be a list");
  expect_refused(R"({"stages": []})", "'stages' has to be a list");
  expect_refused(R"({"stage": [], "stages": [{}]})", "no field 'stage'. Did you mean 'stages'?");
  expect_refused(R"({"stages": [{"name": "a", "name": "b"}]})", "'name' is given twice");
  for (const std::size_t depth : {std::size_t{40}, std::size_t{200'000}}) {
    expect_refused(
        R"({"stages": [{"name": )" + std::string(depth, '[') + std::string(depth, ']') + "}]}",
        "too deep");
  }
  expect_refused(R"({"stages": [3]})", "a stage has to be an object");
  expect_refused(R"({"stages": [{"job": "x"}]})", "no 'name'");
  expect_refused(R"({"stages": [{"name": "../x"}]})", "cannot name a stage");
  expect_refused(R"({"stages": [{"name": "a", "inputs": ["x"]}]})", "which 'job'");
  expect_refused(R"({"stages": [{"name": "a", "job": "x"}]})", "no 'inputs'");
}

TEST(PipelineFile, NamesTheFieldThatIsWrong) {
  expect_refused(file_of({kA + R"(, "reducer": 3)"}),
                 "stage 'a': it has no field 'reducer'. Did you mean 'reducers'?");
  expect_refused(file_of({kA + R"(, "reducers": [3])"}), "'reducers' has to be a string");
  expect_refused(file_of({kA + R"(, "no-speculation": 1)"}), "true or false");
  expect_refused(file_of({kA + R"(, "param": ["k=3"])"}), "'param' has to be an object");
  expect_refused(file_of({kA + R"(, "param": {"k": {"counter": "c"}})"}), "needs either");
  expect_refused(file_of({kA + R"(, "param": {"k": {"stage": "b"}}, "output": "o")", kB}),
                 "which 'counter'");
  expect_refused(file_of({kA + R"(, "output": "")"}), "'output' is empty");
  expect_refused(file_of({R"("name": "a", "job": "x", "inputs": ["-"])"}), "standard input");
  expect_refused(file_of({R"("name": "a", "job": "x", "inputs": [{"stag": "b"}])"}),
                 "an input has no field 'stag'. Did you mean 'stage'?");
  expect_refused(file_of({kA + R"(, "repeat": {})"}), "how many 'times'");
  expect_refused(file_of({kA + R"(, "repeat": {"times": 0})"}), "'times'");
  expect_refused(file_of({kA + R"(, "repeat": {"times": 2, "until": {"counter": "c"}})"}),
                 "at-most");
  expect_refused(file_of({kA + R"(, "repeat": {"times": 2, "untill": {}})"}),
                 "Did you mean 'until'?");
}

TEST(PipelineFile, RefusesVariablesThatDoNotFit) {
  const std::string json =
      R"({"variables": {"links": null}, "stages": [{"name": "a", "job": "x", "inputs": ["${links}"]}]})";
  EXPECT_TRUE(parse(json, {{"links", "x"}}).ok());
  expect_refused(json, "the variable 'links' is not given; write links=VALUE");
  expect_refused(json, "no variable 'link'. Did you mean 'links'?", {{"link", "x"}});
  expect_refused(json, "no UTF-8", {{"links", "\xff"}});
  expect_refused(R"({"variables": {"a": 3}, "stages": [{}]})", "variable 'a' has to be a string");
  expect_refused(R"({"stages": [{"name": "${n}"}]})", "'${n}' is none of its 'variables'");
  expect_refused(R"({"stages": [{"name": "$n"}]})", "write $$ for '$'");
}

TEST(PipelineGraph, RefusesWhatCanNeverRun) {
  expect_refused(file_of({kA, kA}), "two stages are called 'a'");
  expect_refused(file_of({kB}), "reads a stage 'a', which there is not");
  expect_refused(file_of({R"("name": "aa", "job": "x", "inputs": ["i"])", kB}),
                 "Did you mean 'aa'?");
  expect_refused(file_of({R"("name": "a", "job": "x", "inputs": [{"stage": "b"}])", kB}),
                 "in a circle: a -> b -> a");
  expect_refused(file_of({R"("name": "a", "job": "x", "inputs": [{"stage": "a"}])"}),
                 "in a circle: a -> a");
  // By a parameter, and over three of them.
  expect_refused(file_of({kA + R"(, "param": {"k": {"stage": "c", "counter": "n"}})", kB,
                          R"("name": "c", "job": "x", "inputs": [{"stage": "b"}])"}),
                 "in a circle: a -> c -> b -> a");
  expect_refused(file_of({R"("name": "a", "job": "x", "inputs": [{"previous": true}])"}),
                 "no 'previous'");
  expect_refused(file_of({kA + R"(, "repeat": {"times": 2}, "output": "o")"}),
                 "cannot have an 'output'");
}

TEST(PipelineGraph, RefusesOutputsThatMeet) {
  const auto with_outputs = [](const std::string& a, const std::string& b) {
    return file_of({kA + R"(, "output": ")" + a + "\"", kB + R"(, "output": ")" + b + "\""});
  };
  EXPECT_TRUE(parse(with_outputs("o", "o2")).ok());
  expect_refused(with_outputs("o", "o"), "stages 'a' and 'b' both write /home/o");
  expect_refused(with_outputs("o", "./o/"), "both write /home/o");
  expect_refused(with_outputs("/home/o", "o"), "both write /home/o");
  expect_refused(with_outputs("o", "o/inner"), "lie in one another");
  expect_refused(with_outputs("o/inner", "o"), "lie in one another");
  expect_refused(file_of({kA + R"(, "output": "o")",
                          R"("name": "b", "job": "x", "inputs": ["left=o/*.txt"])"}),
                 "which stage 'a' writes: name the stage");
}

}  // namespace
}  // namespace fanfold::cli
