// Every field of a Map state against docs/patterns/item_jobs.md: what it does, and what it refuses.

#include "cli/items/map_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfold::cli {
namespace {

using testing::HasSubstr;

Json minimal() {
  return Json::parse(R"({"Type": "Map", "ItemProcessor": {"StartAt": "A", "States": {"A":
      {"Type": "Task", "Resource": "fanfold:exec", "End": true,
       "Parameters": {"Command": ["cat"], "Stdin.$": "$"}}}}})");
}

/// The minimal Map with changes: JSON pointers and values; null removes.
Json map_with(const std::string& patch) {
  Json map = minimal();
  map.merge_patch(Json::parse(patch));
  return map;
}

Result<MapState> parse(const Json& map) {
  const std::string text = map.dump();
  MapText file;
  file.name = "m";
  file.json = text;
  file.input = {{"n", 3}, {"list", {1, 2}}, {"in", {{"n", 4}}}};
  file.buckets = {{"b", "/data/b"}};
  return parse_map_state({FANFOLD_PROGRAMS, "/here", "me", ""}, file);
}

MapState good(const std::string& patch) {
  Result<MapState> state = parse(map_with(patch));
  if (!state.ok()) {
    ADD_FAILURE() << patch << "\n" << state.status().message();
    return {};
  }
  return *std::move(state);
}

struct Refusal {
  const char* patch;
  const char* why;
};
class Refusals : public testing::TestWithParam<Refusal> {};
TEST_P(Refusals, SayWhy) {
  const Result<MapState> state = parse(map_with(GetParam().patch));
  ASSERT_FALSE(state.ok()) << GetParam().patch;
  EXPECT_EQ(state.status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(state.status().message(), HasSubstr(GetParam().why)) << GetParam().patch;
}

constexpr Refusal kMap[] = {
    {R"({"Type": "Mop"})", "its \"Type\" has to be \"Map\""},
    {R"({"MaxConcurency": 3})", "Did you mean 'MaxConcurrency'?"},
    {R"({"ItemReeder": {}})", "Did you mean 'ItemReader'?"},
    {R"({"Label": "a b"})", "Label"},
    {R"({"Label": "01234567890123456789012345678901234567890"})", "more than 40 bytes"},
    {R"({"QueryLanguage": "JSONata"})", "it has to be JSONPath"},
    {R"({"Next": "B"})", "there is no state after the Map"},
    {R"({"Retry": []})", "belongs to the Task"},
    {R"({"Catch": []})", "belongs to the Task"},
    {R"({"End": false})", "'End' has to be true"},
    {R"({"InputPath": "$.none"})", "there is nothing at $.none"},
    {R"({"MaxConcurrency": -1})", "a whole number from 0"},
    {R"({"MaxConcurrency": 1.5})", "a whole number from 0"},
    {R"({"MaxConcurrency": 1, "MaxConcurrencyPath": "$.n"})", "cannot both be given"},
    {R"({"MaxConcurrencyPath": "$.list"})", "a whole number"},
    {R"({"ToleratedFailureCount": -1})", "a whole number from 0"},
    {R"({"ToleratedFailurePercentage": -0.5})", "a number from 0 to 100"},
    {R"({"ToleratedFailurePercentage": 101})", "a number from 0 to 100"},
    {R"({"ToleratedFailurePercentage": "5"})", "a number from 0 to 100"},
    {R"({"ItemsPath": "list"})", "no reference path"},
    {R"({"ItemSelector": {"a.$": "b"}})", "'a.$'"},
    {R"({"ItemSelector": {}, "Parameters": {}})", "older name"},
    {R"({"Iterator": {}})", "older name"},
    {R"({"ItemProcessor": null})", "it has no ItemProcessor"},
    {R"({"ItemBatcher": {}})", "needs MaxItemsPerBatch"},
    {R"({"ItemBatcher": {"MaxItemsPerBatch": 0}})", "from 1 to"},
    {R"({"ItemBatcher": {"MaxInputBytesPerBatch": 0}})", "from 1 to"},
    {R"({"ItemBatcher": {"MaxItemPerBatch": 2}})", "Did you mean 'MaxItemsPerBatch'?"},
    {R"({"ItemBatcher": {"MaxItemsPerBatch": 2, "BatchInput": {"a.$": "$.none"}}})", "'a'"},
};
INSTANTIATE_TEST_SUITE_P(Map, Refusals, testing::ValuesIn(kMap));

constexpr Refusal kReader[] = {
    {R"({"ItemReader": {"Resource": "fanfold:fil", "Parameters": {"Path": "a"}}})",
     "Did you mean 'fanfold:file'?"},
    {R"({"ItemReader": {"Resource": "fanfold:file"}})", "ItemReader has no Parameters"},
    {R"({"ItemReader": {"Resource": "fanfold:file", "Parameters": {"Path": "a"}}})", "InputType"},
    {R"({"ItemReader": {"Resource": "fanfold:file", "Parameters": {"Path": "a"}, "ReaderConfig": {"InputType": "JSONLS"}}})",
     "Did you mean 'JSONL'?"},
    {R"({"ItemReader": {"Resource": "fanfold:file", "Parameters": {}, "ReaderConfig": {"InputType": "JSON"}}})",
     "need either Path, or Bucket and Key"},
    {R"({"ItemReader": {"Resource": "fanfold:file", "Parameters": {"Bucket": "c", "Key": "k"}, "ReaderConfig": {"InputType": "JSON"}}})",
     "--bucket c=DIR"},
    {R"({"ItemReader": {"Resource": "fanfold:file", "Parameters": {"Bucket": "b", "Key": "../k"}, "ReaderConfig": {"InputType": "JSON"}}})",
     "leads out of its bucket"},
    {R"({"ItemReader": {"Resource": "fanfold:file", "Parameters": {"Path": "a"}, "ReaderConfig": {"InputType": "JSON", "CSVDelimiter": "TAB"}}})",
     "is for \"InputType\": \"CSV\""},
    {R"({"ItemReader": {"Resource": "fanfold:file", "Parameters": {"Path": "a"}, "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "GIVEN"}}})",
     "there are no CSVHeaders"},
    {R"({"ItemReader": {"Resource": "fanfold:file", "Parameters": {"Path": "a"}, "ReaderConfig": {"InputType": "CSV", "CSVHeaders": ["a"]}}})",
     "CSVHeaders are for"},
    {R"({"ItemReader": {"Resource": "fanfold:file", "Parameters": {"Path": "a"}, "ReaderConfig": {"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["a", "a"]}}})",
     "'a' twice"},
    {R"({"ItemReader": {"Resource": "fanfold:file", "Parameters": {"Path": "a"}, "ReaderConfig": {"InputType": "CSV", "CSVDelimiter": "TAP"}}})",
     "Did you mean 'TAB'?"},
    {R"({"ItemReader": {"Resource": "fanfold:file", "Parameters": {"Path": "a"}, "ReaderConfig": {"InputType": "JSON", "ItemsPointer": "a"}}})",
     "has to begin with '/'"},
    {R"({"ItemReader": {"Resource": "fanfold:file", "Parameters": {"Path": "a"}, "ReaderConfig": {"InputType": "CSV", "MaxItems": -1}}})",
     "'MaxItems'"},
    {R"({"ItemReader": {"Resource": "fanfold:directory", "Parameters": {"Path": "a"}, "ReaderConfig": {"InputType": "CSV"}}})",
     "makes no sense for a listing"},
    {R"({"ItemsPath": "$.a", "ItemReader": {"Resource": "fanfold:directory", "Parameters": {"Path": "a"}}})",
     "there is nothing to select"},
    {R"({"ResultWriter": {"Resource": "fanfold:dirctory", "Parameters": {"Path": "a"}}})",
     "Did you mean 'fanfold:directory'?"},
    {R"({"ResultWriter": {"Parameters": {"Path": "a"}}})", "no Resource"},
    {R"({"ResultWriter": {"WriterConfig": {"Transformation": "FLAT"}}})",
     "NONE, COMPACT or FLATTEN"},
    {R"({"ResultWriter": {"WriterConfig": {"OutputType": "CSV"}}})", "JSON or JSONL"},
};
INSTANTIATE_TEST_SUITE_P(ReaderAndWriter, Refusals, testing::ValuesIn(kReader));

constexpr Refusal kProcessor[] = {
    {R"({"ItemProcessor": {"StartAt": "B"}})", "there is no such state"},
    {R"({"ItemProcessor": {"Staets": {}}})", "Did you mean 'States'?"},
    {R"({"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTE"}}})",
     "Did you mean 'DISTRIBUTED'?"},
    {R"({"ItemProcessor": {"ProcessorConfig": {"ExecutionType": "FAST"}}})", "STANDARD or EXPRESS"},
    {R"({"ItemProcessor": {"States": {"A": {"Type": "Choice"}}}})", "Task, Pass, Succeed and Fail"},
    {R"({"ItemProcessor": {"States": {"A": {"Resource": "arn:aws:lambda:x"}}}})",
     "has to be fanfold:exec"},
    {R"({"ItemProcessor": {"States": {"A": {"Resource": "fanfold:job/word_cont"}}}})",
     "Did you mean 'word_count'?"},
    {R"({"ItemProcessor": {"States": {"A": {"Resource": "fanfold:job/join"}}}})",
     "reads several inputs"},
    {R"({"ItemProcessor": {"States": {"A": {"Parameters": null}}}})",
     "needs Parameters with a Command"},
    {R"({"ItemProcessor": {"States": {"A": {"Parameters": {"Command": []}}}}})", "list of words"},
    {R"({"ItemProcessor": {"States": {"A": {"Parameters": {"Command": ["no_such_program"]}}}}})",
     "no program 'no_such_program' in PATH"},
    {R"({"ItemProcessor": {"States": {"A": {"Parameters": {"Command": ["./none"]}}}}})",
     "/here/none is no program"},
    {R"({"ItemProcessor": {"States": {"A": {"Parameters": {"Comand": []}}}}})",
     "Did you mean 'Command'?"},
    {R"({"ItemProcessor": {"States": {"A": {"Parameters": {"OutputType": "XML"}}}}})",
     "JSON or TEXT"},
    {R"({"ItemProcessor": {"States": {"A": {"TimeoutSecond": 3}}}})",
     "Did you mean 'TimeoutSeconds'?"},
    {R"({"ItemProcessor": {"States": {"A": {"TimeoutSeconds": 0}}}})", "from 1 to"},
    {R"({"ItemProcessor": {"States": {"A": {"TimeoutSeconds": 5, "HeartbeatSeconds": 5}}}})",
     "less than TimeoutSeconds"},
    {R"({"ItemProcessor": {"States": {"A": {"End": false}}}})", "either \"Next\""},
    {R"({"ItemProcessor": {"States": {"A": {"Next": "B"}}}})", "either \"Next\""},
    {R"({"ItemProcessor": {"States": {"A": {"End": null, "Next": "B"}}}})",
     "there is no such state"},
    {R"({"ItemProcessor": {"States": {"A": {"ResultPath": "x"}}}})", "'ResultPath'"},
    {R"({"ItemProcessor": {"States": {"A": {"ResultSelector": {"a.$": 1}}}}})", "ResultSelector"},
    {R"({"ItemProcessor": {"States": {"A": {"Retry": [{}]}}}})", "ErrorEquals"},
    {R"({"ItemProcessor": {"States": {"A": {"Retry": [{"ErrorEquals": ["Task.Exitt"]}]}}}})",
     "Did you mean 'Task.Exit'?"},
    {R"({"ItemProcessor": {"States": {"A": {"Retry": [{"ErrorEquals": ["X"], "BackoffRate": 0.5}]}}}})",
     "BackoffRate"},
    {R"({"ItemProcessor": {"States": {"A": {"Retry": [{"ErrorEquals": ["X"], "MaxAttemps": 1}]}}}})",
     "Did you mean 'MaxAttempts'?"},
    {R"({"ItemProcessor": {"States": {"A": {"Retry": [{"ErrorEquals": ["States.ALL"]}, {"ErrorEquals": ["X"]}]}}}})",
     "in the last entry"},
    {R"({"ItemProcessor": {"States": {"A": {"Retry": [{"ErrorEquals": ["States.ALL", "X"]}]}}}})",
     "stand alone"},
    {R"({"ItemProcessor": {"States": {"A": {"Catch": [{"ErrorEquals": ["X"], "Next": "dead_letter"}]}}}})",
     "Did you mean 'dead-letter'?"},
    {R"({"ItemProcessor": {"States": {"A": {"Catch": [{"ErrorEquals": ["X"]}]}}}})",
     "neither a state nor"},
    {R"({"ItemProcessor": {"States": {"skip": {"Type": "Succeed"}}}})",
     "a Catch means something else"},
    {R"({"ItemProcessor": {"States": {"B": {"Type": "Fail", "Next": "A"}}}})",
     "a Fail state has no field"},
};
INSTANTIATE_TEST_SUITE_P(Processor, Refusals, testing::ValuesIn(kProcessor));

TEST(MapFields, HaveTheDefaultsOfTheStatesLanguage) {
  const MapState state = good("{}");
  EXPECT_EQ(state.label, "m");
  EXPECT_EQ(state.reader.input, ItemInput::kState);
  EXPECT_EQ(state.concurrency_max, 0u);
  EXPECT_FALSE(state.tolerates());
  EXPECT_FALSE(state.batcher.batches());
  EXPECT_EQ(state.writer.transformation, Transformation::kCompact);
  EXPECT_FALSE(state.writer.json_lines);
}

TEST(MapFields, AreTaken) {
  EXPECT_EQ(good(R"({"Label": "orders", "Comment": "x", "End": true})").label, "orders");
  EXPECT_EQ(good(R"({"MaxConcurrency": 7})").concurrency_max, 7u);
  EXPECT_EQ(good(R"({"MaxConcurrencyPath": "$.n"})").concurrency_max, 3u);
  EXPECT_EQ(good(R"({"InputPath": "$.in", "MaxConcurrencyPath": "$.n"})").concurrency_max, 4u);
  EXPECT_EQ(good(R"({"ToleratedFailureCount": 9})").failures_max, 9u);
  EXPECT_EQ(good(R"({"ToleratedFailureCountPath": "$.n"})").failures_max, 3u);
  EXPECT_EQ(good(R"({"ToleratedFailurePercentage": 2.5})").failures_per_million, 25'000u);
  EXPECT_EQ(good(R"({"ToleratedFailurePercentagePath": "$.n"})").failures_per_million, 30'000u);
  EXPECT_EQ(good(R"({"ItemsPath": "$.list"})").items_path.text(), "$.list");
  EXPECT_TRUE(good(R"({"ItemSelector": {"a.$": "$$.Map.Item.Value"}})").item_selector);
  const MapState batched = good(
      R"({"ItemBatcher": {"MaxItemsPerBatchPath": "$.n", "MaxInputBytesPerBatch": 100, "BatchInput": {"k.$": "$.n"}}})");
  EXPECT_EQ(batched.batcher.items_max, 3u);
  EXPECT_EQ(batched.batcher.bytes_max, 100u);
  EXPECT_EQ(items::text_of(*batched.batcher.batch_input), R"({"k":3})");
}

TEST(MapFields, OfReadersAndWritersAreTaken) {
  const auto reader = [](const std::string& config) {
    return good(
               R"({"ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": "b", "Key": "x/y.csv"}, "ReaderConfig": )" +
               config + "}}")
        .reader;
  };
  const ItemReader csv = reader(
      R"({"InputType": "CSV", "CSVHeaderLocation": "GIVEN", "CSVHeaders": ["p", "q"], "CSVDelimiter": "PIPE", "MaxItems": 5})");
  EXPECT_EQ(csv.input, ItemInput::kCsv);
  EXPECT_EQ(csv.path, "/data/b/x/y.csv");
  EXPECT_EQ(csv.headers, (std::vector<std::string>{"p", "q"}));
  EXPECT_EQ(csv.delimiter, '|');
  EXPECT_EQ(csv.items_max, 5u);
  EXPECT_FALSE(csv.header_in_first_row);
  EXPECT_EQ(reader(R"({"InputType": "JSON", "ItemsPointer": "/a~1b/c"})").pointer,
            (std::vector<std::string>{"a/b", "c"}));
  EXPECT_EQ(reader(R"({"InputType": "JSONL", "MaxItemsPath": "$.n"})").items_max, 3u);
  EXPECT_EQ(reader(R"({"InputType": "MANIFEST"})").input, ItemInput::kManifest);
  const MapState listing = good(
      R"({"ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "b", "Prefix": "in"}}})");
  EXPECT_EQ(listing.reader.input, ItemInput::kListing);
  EXPECT_EQ(listing.reader.path, "/data/b/in");
  const MapState selected = good(
      R"({"ItemsPath": "$.a.b", "ItemReader": {"Resource": "fanfold:file", "Parameters": {"Path": "f.json"}, "ReaderConfig": {"InputType": "JSON"}}})");
  EXPECT_EQ(selected.reader.path, "/here/f.json");
  EXPECT_EQ(selected.reader.pointer, (std::vector<std::string>{"a", "b"}));
  const MapState written = good(
      R"({"ResultWriter": {"Resource": "fanfold:directory", "Parameters": {"Path": "o"}, "WriterConfig": {"Transformation": "FLATTEN", "OutputType": "JSONL"}}})");
  EXPECT_EQ(written.writer.path, "/here/o");
  EXPECT_EQ(written.writer.transformation, Transformation::kFlatten);
  EXPECT_TRUE(written.writer.json_lines);
  EXPECT_EQ(good(R"({"ResultWriter": {}})").writer.transformation, Transformation::kNone);
}

TEST(MapFields, OfTheProcessorAreResolved) {
  const Json task =
      good(
          R"({"ItemProcessor": {"States": {"A": {"Resource": "fanfold:job/word_count", "Parameters": {"Command": null, "Stdin.$": null, "Record.$": "$", "Parameters": {"ignore_case": true}}}}}})")
          .processor["States"]["A"];
  EXPECT_EQ(task["Job"]["Name"], "word_count");
  EXPECT_EQ(task["Job"]["Parameters"]["ignore_case"], "true");
  EXPECT_EQ(task["Job"]["Sha256"].get<std::string>().size(), 64u);
}

TEST(MapFile, IsAMapOrAMachineOfOneMap) {
  EXPECT_TRUE(parse({{"StartAt", "M"}, {"States", {{"M", minimal()}}}}).ok());
  EXPECT_FALSE(parse({{"StartAt", "N"}, {"States", {{"M", minimal()}}}}).ok());
  EXPECT_FALSE(
      parse({{"StartAt", "M"}, {"States", {{"M", minimal()}, {"N", {{"Type", "Pass"}}}}}}).ok());
  EXPECT_FALSE(parse(Json::array()).ok());
  EXPECT_FALSE(parse("text").ok());
}

}  // namespace
}  // namespace fanfold::cli
