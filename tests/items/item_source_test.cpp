// Items of every kind of source, and what becomes of sources that are not what they should be.

#include "cli/items/item_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "cli/items/csv_rows.hpp"

namespace fanfold::cli {
namespace {

using testing::HasSubstr;

class ItemSourceTest : public testing::Test {
 protected:
  ItemSourceTest() : directory_(testing::TempDir() + "items_of_" + std::to_string(::getpid())) {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  ~ItemSourceTest() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) {
    const std::string path = directory_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  /// Items as JSON, one behind the other; or the error.
  std::string items_of(const MapState& state, std::uint64_t most = 100) {
    std::string all;
    std::uint64_t count = 0;
    const Status status =
        for_each_item(io::posix_file_system(), state, [&](Json item) -> Result<bool> {
          all += items::text_of(item) + ";";
          return ++count < most;
        });
    return status.ok() ? all : status.message();
  }

  std::string items_in(ItemInput input, const std::string& text, std::uint64_t most = 100) {
    MapState state;
    state.reader = reader_;
    state.reader.input = input;
    state.reader.path = write("source", text);
    return items_of(state, most);
  }

  const std::string directory_;
  ItemReader reader_;
};

TEST_F(ItemSourceTest, JsonArrays) {
  EXPECT_EQ(items_in(ItemInput::kJson, R"([1, "a", {"x": [1, {"y": null}]}, [], {}, 2.5, true])"),
            R"(1;"a";{"x":[1,{"y":null}]};[];{};2.5;true;)");
  EXPECT_EQ(items_in(ItemInput::kJson, "[]"), "");
  EXPECT_EQ(items_in(ItemInput::kJson, "[1, 2, 3", 2), "1;2;");
}

TEST_F(ItemSourceTest, JsonArraysWithinObjects) {
  reader_.pointer = {"a", "b"};
  EXPECT_EQ(
      items_in(
          ItemInput::kJson,
          R"({"b": [9], "x": {"b": [8], "a": 1}, "a": {"c": {"b": [7]}, "b": [1, 2], "d": [6]}, "z": [5]})"),
      "1;2;");
  EXPECT_THAT(items_in(ItemInput::kJson, R"({"a": {"c": [1]}})"), HasSubstr("no array at /a/b"));
  EXPECT_THAT(items_in(ItemInput::kJson, R"({"a": {"b": {}}})"), HasSubstr("there is an object"));
  EXPECT_THAT(items_in(ItemInput::kJson, R"({"a": 3})"), HasSubstr("there is a plain value"));
  EXPECT_THAT(items_in(ItemInput::kJson, R"([1])"), HasSubstr("an array on the way"));
}

TEST_F(ItemSourceTest, GarbageIsNoJson) {
  EXPECT_THAT(items_in(ItemInput::kJson, "[1, 2"), HasSubstr("it is no JSON"));
  EXPECT_THAT(items_in(ItemInput::kJson, "[1, 2] tail"), HasSubstr("it is no JSON"));
  EXPECT_THAT(items_in(ItemInput::kJson, ""), HasSubstr("it is no JSON"));
  EXPECT_THAT(items_in(ItemInput::kJson, "\xff\xfe\x00"), HasSubstr("it is no JSON"));
  EXPECT_THAT(items_in(ItemInput::kJson, std::string(100'000, '[')), HasSubstr("too deep"));
  EXPECT_THAT(items_in(ItemInput::kJson, "{}"), HasSubstr("there is an object"));
}

TEST_F(ItemSourceTest, JsonLines) {
  EXPECT_EQ(items_in(ItemInput::kJsonLines, "{\"a\": 1}\n\n  \r\n[2]\r\n3"), R"({"a":1};[2];3;)");
  EXPECT_EQ(items_in(ItemInput::kJsonLines, ""), "");
  EXPECT_THAT(items_in(ItemInput::kJsonLines, "1\n\n{\n"), HasSubstr("line 3: it is no JSON"));
}

TEST_F(ItemSourceTest, CsvWithHeaders) {
  EXPECT_EQ(items_in(ItemInput::kCsv, "a,b\n1,\"x, \"\"y\"\"\nz\"\n\n2\n3,4,5\n"),
            R"({"a":"1","b":"x, \"y\"\nz"};{"a":"2","b":""};{"a":"3","b":"4"};)");
  EXPECT_EQ(items_in(ItemInput::kCsv, "a,b\n"), "");
  EXPECT_THAT(items_in(ItemInput::kCsv, "a,a\n1,2\n"), HasSubstr("'a' is there twice"));
  EXPECT_THAT(items_in(ItemInput::kCsv, "a,b\n1,\xff\n"),
              HasSubstr("line 2: field 'b' is no UTF-8"));
  reader_.header_in_first_row = false;
  reader_.headers = {"p", "q"};
  reader_.delimiter = '|';
  EXPECT_EQ(items_in(ItemInput::kCsv, "1|2\r\n3|4"), R"({"p":"1","q":"2"};{"p":"3","q":"4"};)");
}

TEST_F(ItemSourceTest, Manifests) {
  const std::string first = write("in/one.txt", "12345");
  MapState state;
  state.reader.input = ItemInput::kManifest;
  state.reader.path = write("list", "in/one.txt\n" + first + "\n");
  std::vector<Json> found;
  ASSERT_TRUE(for_each_item(io::posix_file_system(), state, [&](Json item) -> Result<bool> {
                found.push_back(std::move(item));
                return true;
              }).ok());
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0], found[1]);
  EXPECT_EQ(found[0]["Key"], first);
  EXPECT_EQ(found[0]["Size"], 5);
  EXPECT_GT(found[0]["LastModified"], 1'000'000'000);
  write("list", "in/one.txt\nin/two.txt\n");
  EXPECT_THAT(items_of(state), HasSubstr("line 2: there is no file"));
}

TEST_F(ItemSourceTest, ListingsAreInTheOrderOfNamesAndGoDown) {
  write("in/b.txt", "1");
  write("in/a/c.txt", "22");
  write("in/.hidden", "");
  write("in/_SUCCESS", "");
  std::filesystem::create_directory_symlink(directory_ + "/in", directory_ + "/in/loop");
  MapState state;
  state.reader.input = ItemInput::kListing;
  state.reader.path = directory_ + "/in";
  std::vector<std::string> keys;
  ASSERT_TRUE(for_each_item(io::posix_file_system(), state, [&](Json item) -> Result<bool> {
                keys.push_back(item["Key"].get<std::string>().substr(directory_.size()));
                return true;
              }).ok());
  EXPECT_EQ(keys, (std::vector<std::string>{"/in/a/c.txt", "/in/b.txt"}));
  state.reader.path = directory_ + "/none";
  EXPECT_FALSE(for_each_item(io::posix_file_system(), state, [](Json) { return true; }).ok());
}

TEST_F(ItemSourceTest, TheInputOfTheState) {
  MapState state;
  state.input = {{"list", {1, 2}}};
  state.items_path = *items::Path::parse("$.list");
  EXPECT_EQ(items_of(state), "1;2;");
  state.items_path = *items::Path::parse("$.none");
  EXPECT_THAT(items_of(state), HasSubstr("there is no array"));
}

TEST_F(ItemSourceTest, AFileThatIsNotThere) {
  for (const ItemInput input : {ItemInput::kJson, ItemInput::kJsonLines, ItemInput::kCsv,
                                ItemInput::kManifest, ItemInput::kListing}) {
    MapState state;
    state.reader.input = input;
    state.reader.path = directory_ + "/none";
    EXPECT_THAT(items_of(state), HasSubstr("/none"));
  }
}

}  // namespace
}  // namespace fanfold::cli
