// Key orders, and `cat`: parts that are sorted by key come out as one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/output/concatenate.hpp"
#include "cli/output/key_order.hpp"
#include "common/io/manifest.hpp"

namespace fanfold::cli {
namespace {

using testing::HasSubstr;

std::string sortable(const std::string& order, const std::string& key) {
  const auto parsed = KeyOrder::parse(order);
  EXPECT_TRUE(parsed.has_value()) << order;
  std::string bytes;
  EXPECT_TRUE(parsed->from_text(key, &bytes)) << order << " " << key;
  return bytes;
}

void expect_ascending(const std::string& order, const std::vector<std::string>& keys) {
  for (std::size_t i = 1; i < keys.size(); ++i) {
    EXPECT_LT(sortable(order, keys[i - 1]), sortable(order, keys[i]))
        << order << ": " << keys[i - 1] << " before " << keys[i];
  }
}

TEST(KeyOrder, ComparesNumbersAsNumbers) {
  expect_ascending("uint", {"0", "2", "10", "18446744073709551615"});
  expect_ascending("int", {"-9223372036854775808", "-10", "-2", "0", "3", "20"});
  expect_ascending("float", {"-inf", "-1e10", "-0.5", "0", "1e-300", "2.5", "1e10", "inf", "nan"});
  expect_ascending("bool", {"false", "true"});
}

TEST(KeyOrder, ComparesStringsWithoutTheirEscapes) {
  // A TAB sorts before a space, its escape would not.
  expect_ascending("bytes", {"", "a", "a\\tb", "a b", "a!", "a\\\\", "b"});
}

TEST(KeyOrder, ComparesTuplesPartByPart) {
  expect_ascending("tuple(bytes,uint)", {"a,2", "a,10", "ab,1", "b,0"});
  expect_ascending("tuple(bytes,bytes)", {",b", "a,z", "a\\,a,a", "b,"});
  expect_ascending("tuple(uint,tuple(int,bytes))", {"1,-5,x", "1,3,a", "1,3,b", "2,-9,a"});
}

TEST(KeyOrder, ComparesListsAndOptionals) {
  expect_ascending("list(int)", {"", "-1", "1", "1,1", "1,2", "2"});
  expect_ascending("tuple(bytes,list(uint))", {"a,", "a,1", "a,1,5", "b,"});
  expect_ascending("optional(int)", {"", "-1", "0", "7"});
}

TEST(KeyOrder, RefusesKeysOfAnotherKind) {
  const auto order = KeyOrder::parse("tuple(uint,bytes)");
  ASSERT_TRUE(order.has_value());
  std::string bytes;
  for (const char* key : {"", "x,y", "1", "1,a,b", "-1,a"}) {
    EXPECT_FALSE(order->from_text(key, &bytes)) << key;
  }
}

TEST(KeyOrder, KnowsWhichPrintedKeysAreAmbiguous) {
  EXPECT_TRUE(KeyOrder::parse("tuple(uint,list(bytes))")->readable_from_text());
  EXPECT_FALSE(KeyOrder::parse("tuple(list(bytes),uint)")->readable_from_text());
  EXPECT_FALSE(KeyOrder::parse("list(list(uint))")->readable_from_text());
  EXPECT_FALSE(KeyOrder::parse("optional(tuple(uint,uint))")->readable_from_text());
}

TEST(KeyOrder, RefusesWordsItDoesNotKnow) {
  for (const char* text : {"", "custom", "tuple(", "tuple()", "tuple(uint", "uint)",
                           "list(uint,int)", "bytesx", "optional()"}) {
    EXPECT_FALSE(KeyOrder::parse(text).has_value()) << text;
  }
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += "list(";
  EXPECT_FALSE(KeyOrder::parse(deep).has_value());
}

TEST(KeyOrder, ReadsKeysOfJsonLines) {
  const auto order = KeyOrder::parse("tuple(list(bytes),uint)");
  ASSERT_TRUE(order.has_value());
  std::string shorter;
  std::string longer;
  ASSERT_TRUE(order->from_json(R"({"key":[["a"],9],"value":1})", &shorter));
  ASSERT_TRUE(order->from_json(R"({"key":[["a","b"],1],"value":1})", &longer));
  EXPECT_LT(shorter, longer);
  std::string none;
  for (const char* line :
       {"", "[]", R"({"line":"x"})", R"({"key":[["a"],-1]})", R"({"key":"a"})"}) {
    EXPECT_FALSE(order->from_json(line, &none)) << line;
  }
}

class Cat : public testing::Test {
 protected:
  void SetUp() override {
    std::string path = testing::TempDir() + "/fanfold-cat-XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    directory_ = path;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void add_part(const std::string& text) {
    const std::string name = "part-0000" + std::to_string(parts_++) + "-of-00009";
    auto part = io::create_part(
        io::posix_file_system(),
        directory_ + "/" + name + std::string(io::suffix_of(manifest_.compression)),
        name + std::string(io::suffix_of(manifest_.compression)), manifest_.compression);
    ASSERT_TRUE(part.ok()) << part.status().message();
    ASSERT_TRUE((*part)->write(text, 1).ok());
    ASSERT_TRUE((*part)->finish().ok());
    manifest_.files.push_back((*part)->info());
  }

  // What cat prints, or its error.
  std::string cat(bool json = false) {
    std::ofstream(directory_ + "/_SUCCESS") << io::to_json(manifest_);
    std::FILE* file = std::tmpfile();
    const Status status = print_output(io::posix_file_system(), directory_, {::fileno(file), json});
    std::rewind(file);
    std::string text;
    for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
    std::fclose(file);
    return status.ok() ? text : "error: " + status.message();
  }

  std::string directory_;
  io::Manifest manifest_;
  int parts_ = 0;
};

TEST_F(Cat, MergesPartsByKey) {
  manifest_.key_order = "bytes";
  add_part("a\t1\nd\t4\n");
  add_part("");
  add_part("b\t2\nc\t3\ne\t5\n");
  EXPECT_EQ(cat(), "a\t1\nb\t2\nc\t3\nd\t4\ne\t5\n");
}

TEST_F(Cat, MergesByTheOrderOfTheKeyType) {
  manifest_.key_order = "int";
  add_part("-5\tx\n10\tx\n");
  add_part("-10\tx\n2\tx\n");
  EXPECT_EQ(cat(), "-10\tx\n-5\tx\n2\tx\n10\tx\n");
}

TEST_F(Cat, OrdersRecordsOfOneKeyByTheirBytes) {
  manifest_.key_order = "bytes";
  add_part("a\tsecond\na\tthird\n");
  add_part("a\tfirst\n");
  EXPECT_EQ(cat(), "a\tfirst\na\tsecond\na\tthird\n");
}

TEST_F(Cat, ConcatenatesRangePartitionedParts) {
  manifest_.key_order = "bytes";
  manifest_.partitioning = abi::Partitioning::kRange;
  add_part("z\n");
  add_part("a\n");
  EXPECT_EQ(cat(), "z\na\n");
}

TEST_F(Cat, ConcatenatesWhenTheOrderIsNotKnown) {
  manifest_.key_order = "my_own_type";
  add_part("z\n");
  add_part("a\n");
  EXPECT_EQ(cat(), "z\na\n");
}

TEST_F(Cat, DecompressesParts) {
  manifest_.key_order = "bytes";
  for (const auto compression : {io::PartCompression::kGzip, io::PartCompression::kZstd}) {
    manifest_.compression = compression;
    manifest_.files.clear();
    add_part("a\t1\nc\t3\n");
    add_part("b\t2\n");
    EXPECT_EQ(cat(), "a\t1\nb\t2\nc\t3\n");
  }
}

TEST_F(Cat, MergesBinaryRecordsByTheirKeys) {
  manifest_.output_format = abi::OutputFormat::kBinary;
  manifest_.key_order = "bytes";
  const std::string large(300'000, 'v');
  // Sizes are varints: 300,000 is e0 a7 12.
  const std::string first = std::string("\x01\xe0\xa7\x12", 4) + "a" + large;
  const std::string second = std::string("\x01\x01") + "bv";
  const std::string third = std::string("\x01\x01") + "cv";
  add_part(first + third);
  add_part(second);
  EXPECT_EQ(cat(), first + second + third);
}

TEST_F(Cat, ReadsRecordsThatAreLargerThanItsBuffer) {
  manifest_.key_order = "bytes";
  const std::string large = "b\t" + std::string(1'000'000, 'x') + "\n";
  add_part("a\t1\n" + large);
  add_part("c\t3\n");
  EXPECT_EQ(cat(), "a\t1\n" + large + "c\t3\n");
}

TEST_F(Cat, PrintsTextAsJsonLines) {
  manifest_.key_order = "bytes";
  add_part("a\\tb\t1\nc\tx\ty\n");
  add_part("b \"quoted\"\n\xff\n");
  EXPECT_EQ(cat(true),
            "{\"key\":\"a\\tb\",\"value\":\"1\"}\n"
            "{\"line\":\"b \\\"quoted\\\"\"}\n"
            "{\"key\":\"c\",\"value\":\"x\\ty\"}\n"
            "{\"line\":\"\xef\xbf\xbd\"}\n");
  // Parts that follow one another are records too.
  manifest_.partitioning = abi::Partitioning::kRange;
  EXPECT_THAT(cat(true), testing::StartsWith("{\"key\":\"a\\tb\",\"value\":\"1\"}\n{\"key\""));
}

TEST_F(Cat, PrintsJsonLinesAsTheyAre) {
  manifest_.output_format = abi::OutputFormat::kJsonLines;
  manifest_.key_order = "uint";
  add_part("{\"key\":2,\"value\":1}\n");
  add_part("{\"key\":1,\"value\":1}\n");
  EXPECT_EQ(cat(true), "{\"key\":1,\"value\":1}\n{\"key\":2,\"value\":1}\n");
}

TEST_F(Cat, SaysThatBinaryRecordsHaveNoJson) {
  manifest_.output_format = abi::OutputFormat::kBinary;
  add_part(std::string("\x01\x01") + "bv");
  EXPECT_THAT(cat(true), HasSubstr("--format jsonl"));
  EXPECT_THAT(cat(true), HasSubstr(directory_));
}

TEST_F(Cat, LeavesNamedOutputsOut) {
  manifest_.key_order = "bytes";
  add_part("a\t1\n");
  manifest_.files.push_back({"rejects", 5, 1, 0});
  EXPECT_EQ(cat(), "a\t1\n");
}

TEST_F(Cat, SaysThatAPartWasChanged) {
  add_part("a\t1\n");
  std::ofstream(directory_ + "/" + manifest_.files[0].name, std::ios::app) << "more";
  EXPECT_THAT(cat(), HasSubstr("it was changed after the job wrote it"));
}

TEST_F(Cat, SaysThatABinaryPartEndsWithinARecord) {
  manifest_.output_format = abi::OutputFormat::kBinary;
  add_part(std::string("\x05\x05") + "ab");
  add_part("");
  EXPECT_THAT(cat(), HasSubstr("ends within a record"));
}

TEST_F(Cat, RefusesADirectoryWithoutAManifest) {
  const Status status = print_output(io::posix_file_system(), directory_, {});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr(directory_));
}

TEST_F(Cat, EndsQuietlyWhenNobodyReads) {
  manifest_.key_order = "bytes";
  add_part(std::string(1'000'000, 'a') + "\n");
  add_part("b\n");
  std::ofstream(directory_ + "/_SUCCESS") << io::to_json(manifest_);
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  EXPECT_TRUE(print_output(io::posix_file_system(), directory_, {ends[1]}).ok());
  std::signal(SIGPIPE, before);
  ::close(ends[1]);
}

}  // namespace
}  // namespace fanfold::cli
