// Children of a Map: selected from items, gathered in batches, and cut into tasks.

#include "cli/items/child_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>

#include "common/items/child_line.hpp"
#include "tests/exec/wrapped_file_system.hpp"

namespace fanfold::cli {
namespace {

using testing::HasSubstr;

class ChildFileTest : public testing::Test {
 protected:
  ChildFileTest() : path_(testing::TempDir() + "children_" + std::to_string(::getpid())) {}
  ~ChildFileTest() override { std::filesystem::remove(path_); }

  ChildFile write(Json list) {
    state_.input["list"] = std::move(list);
    state_.items_path = *items::Path::parse("$.list");
    ChildFileOptions options;
    options.path = path_;
    Result<ChildFile> made = write_children(io::posix_file_system(), &state_, options);
    error_ = made.status().message();
    return made.ok() ? *made : ChildFile();
  }

  std::vector<std::string> lines() const {
    std::ifstream file(path_);
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);) all.push_back(line);
    return all;
  }

  std::vector<std::string> inputs() const {
    std::vector<std::string> all;
    for (const std::string& line : lines()) {
      const Result<items::Child> child = items::parse_child(line);
      EXPECT_TRUE(child.ok()) << line;
      if (child.ok()) all.emplace_back(child->input);
    }
    return all;
  }

  MapState state_;
  const std::string path_;
  std::string error_;
};

using Strings = std::vector<std::string>;

TEST_F(ChildFileTest, AnItemIsAChild) {
  const ChildFile made = write({1, "two words ", {{"x", 3}}});
  EXPECT_EQ(made.items, 3u);
  EXPECT_EQ(made.children, 3u);
  EXPECT_EQ(inputs(), (Strings{"1", "\"two words \"", "{\"x\":3}"}));
}

TEST_F(ChildFileTest, EachOfAFewChildrenBeginsAtAMultipleOfTheSplitSize) {
  const ChildFile made = write({1, std::string(1000, 'x'), 3});
  std::uint64_t offset = 0;
  for (const std::string& line : lines()) {
    EXPECT_EQ(offset % made.split_bytes, 0u);
    offset += line.size() + 1;
  }
  EXPECT_EQ(offset, made.bytes);
  EXPECT_EQ(offset, std::filesystem::file_size(path_));
  EXPECT_EQ(made.bytes / made.split_bytes, 3u);
}

/// Reads the file after each step, as tasks of an earlier run may.
class Onlooker final : public worker::WrappedFileSystem {
 public:
  explicit Onlooker(std::string path) : path_(std::move(path)), whole_(read()) {}

  Result<std::unique_ptr<io::WritableFile>> create(const std::string& path) override {
    auto created = WrappedFileSystem::create(path);
    look();
    return created;
  }
  Result<std::unique_ptr<io::ReadableFile>> open(const std::string& path) override {
    look();
    return WrappedFileSystem::open(path);
  }
  Status remove_file(const std::string& path) override {
    Status removed = WrappedFileSystem::remove_file(path);
    look();
    return removed;
  }

 private:
  std::string read() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  void look() const { EXPECT_EQ(read(), whole_); }

  const std::string path_;
  const std::string whole_;
};

TEST_F(ChildFileTest, IsReplacedInOneStep) {
  write({1, "two words ", {{"x", 3}}});
  ASSERT_EQ(lines().size(), 3u);
  Onlooker files(path_);
  ChildFileOptions options;
  options.path = path_;
  ASSERT_TRUE(write_children(files, &state_, options).ok());
  EXPECT_EQ(lines().size(), 3u);
}

TEST_F(ChildFileTest, ManyChildrenShareTasks) {
  Json list = Json::array();
  for (int i = 0; i < 10'000; ++i) list.push_back(i);
  const ChildFile made = write(list);
  EXPECT_EQ(made.children, 10'000u);
  EXPECT_LE(made.bytes / made.split_bytes, 2048u);
  EXPECT_GE(made.bytes / made.split_bytes, 1000u);
}

TEST_F(ChildFileTest, NoItemsMakeNoChildren) {
  const ChildFile made = write(Json::array());
  EXPECT_EQ(error_, "");
  EXPECT_EQ(made.children, 0u);
  EXPECT_EQ(made.split_bytes, 0u);
}

TEST_F(ChildFileTest, MaxItemsEndsTheReading) {
  state_.reader.items_max = 2;
  EXPECT_EQ(write({1, 2, 3}).items, 2u);
  EXPECT_EQ(inputs(), (Strings{"1", "2"}));
}

TEST_F(ChildFileTest, TheSelectorSeesItemIndexAndState) {
  state_.input = {{"k", "state"}};
  state_.item_selector = *items::Payload::parse(
      {{"v.$", "$$.Map.Item.Value"}, {"i.$", "$$.Map.Item.Index"}, {"s.$", "$.k"}, {"c", true}});
  write({"a", "b"});
  EXPECT_EQ(inputs(), (Strings{R"({"c":true,"i":0,"s":"state","v":"a"})",
                               R"({"c":true,"i":1,"s":"state","v":"b"})"}));
}

TEST_F(ChildFileTest, AnItemThatTheSelectorCannotTakeIsNamed) {
  state_.item_selector = *items::Payload::parse({{"v.$", "$$.Map.Item.Value.x"}});
  write({{{"x", 1}}, {{"y", 1}}});
  EXPECT_THAT(error_, HasSubstr("item 1 has not what ItemSelector wants"));
}

TEST_F(ChildFileTest, BatchesCloseAtTheirNumberOfItems) {
  state_.batcher.items_max = 2;
  const ChildFile made = write({1, 2, 3});
  EXPECT_EQ(made.items, 3u);
  EXPECT_EQ(made.children, 2u);
  EXPECT_EQ(inputs(), (Strings{R"({"Items":[1,2]})", R"({"Items":[3]})"}));
}

TEST_F(ChildFileTest, BatchesCloseAtTheirBytesWhenThoseComeFirst) {
  state_.batcher.items_max = 10;
  state_.batcher.bytes_max = 21;  // {"Items":["aaa","b"]}
  write({"aaa", "b", "ccc", "dd"});
  EXPECT_EQ(inputs(),
            (Strings{R"({"Items":["aaa","b"]})", R"({"Items":["ccc"]})", R"({"Items":["dd"]})"}));
  for (const std::string& input : inputs()) EXPECT_LE(input.size(), 21u);
}

TEST_F(ChildFileTest, BatchInputIsInEveryBatch) {
  state_.batcher.items_max = 1;
  state_.batcher.batch_input = Json{{"k", 1}};
  write({1, 2});
  EXPECT_EQ(inputs(), (Strings{R"({"BatchInput":{"k":1},"Items":[1]})",
                               R"({"BatchInput":{"k":1},"Items":[2]})"}));
}

TEST_F(ChildFileTest, AnItemThatIsLargerThanABatchIsNamed) {
  state_.batcher.bytes_max = 20;
  write({1, std::string(50, 'x')});
  EXPECT_THAT(error_, HasSubstr("item 1 alone makes a batch of"));
}

TEST(ChildLine, ReadsWhatItWroteAndNothingElse) {
  const items::FailedChild failed{{3, 2, "{}"}, 10, 20, 1, "\"E\"", "\"C\"", "[]"};
  const std::string line = items::line_of(failed);
  const auto read = items::parse_failed(line);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->child.index, 3u);
  EXPECT_EQ(read->history, "[]");
  EXPECT_FALSE(items::parse_succeeded(line).ok());
  EXPECT_FALSE(items::parse_failed(line + "\tmore").ok());
  EXPECT_FALSE(items::parse_child("").ok());
  EXPECT_FALSE(items::parse_child("1\t2").ok());
  EXPECT_FALSE(items::parse_child("1\t2\t").ok());
  EXPECT_FALSE(items::parse_child("-1\t2\t{}").ok());
  EXPECT_TRUE(items::parse_child("1\t2\t{}   ").ok());
}

}  // namespace
}  // namespace fanfold::cli
