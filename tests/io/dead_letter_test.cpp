// Dead letters as lines of JSON: any record comes back as it was, and any text is a letter or not.

#include "common/io/dead_letter.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/io/temporary_directory.hpp"

namespace fanfold::io {
namespace {

using testing::HasSubstr;

DeadLetter letter_of(std::string record) {
  DeadLetter letter;
  letter.job = 7;
  letter.job_name = "word_count";
  letter.split = 3;
  letter.attempt = (std::uint64_t{1} << 40) + 5;
  letter.attempt_number = 2;
  letter.file = "/data/in put\n.txt";
  letter.tag = "left";
  letter.offset = ~std::uint64_t{0};
  letter.bytes = record.size();
  letter.xxh3_64 = 0x0123456789abcdef;
  letter.error = "Task.Exception";
  letter.reason = "a \"bad\" record";
  letter.stack = {"map() at job.cpp:5", "main"};
  letter.correlation_id = "client";
  letter.record = std::move(record);
  return letter;
}

TEST(DeadLetter, ComesBackAsItWas) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 70; ++size) {
    std::string record;
    for (std::size_t i = 0; i < size; ++i) record += static_cast<char>(random());
    const std::string line = to_line(letter_of(record));
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const auto again = parse_dead_letter(line);
    ASSERT_TRUE(again.ok()) << line;
    EXPECT_EQ(again->record, record);
    EXPECT_EQ(to_line(*again), line);
  }
  const auto again = parse_dead_letter(to_line(letter_of("x")));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->offset, ~std::uint64_t{0});
  EXPECT_EQ(again->file, "/data/in put\n.txt");
  EXPECT_EQ(again->stack.size(), 2u);
}

TEST(DeadLetter, IsWholeOrNone) {
  const std::string line = to_line(letter_of("some bytes"));
  for (std::size_t size = 0; size + 1 < line.size(); ++size) {
    EXPECT_FALSE(parse_dead_letter(std::string_view(line).substr(0, size)).ok()) << size;
  }
  for (const auto& [from, to] : {std::pair("c29tZSBieXRlcw==", "c29tZSBieXRlcw="),
                                 {"c29t", "c2?t"},
                                 {"0123456789abcdef", "x"},
                                 {"\"split\":3", "\"split\":4294967296"},
                                 {"\"job\":7", "\"job\":-7"}}) {
    std::string other = line;
    ASSERT_NE(other.find(from), std::string::npos) << from;
    other.replace(other.find(from), std::string(from).size(), to);
    EXPECT_FALSE(parse_dead_letter(other).ok()) << to;
  }
}

TEST(DeadLetters, AreReadOneByOne) {
  const TemporaryDirectory directory;
  FileSystem& files = posix_file_system();
  std::vector<std::string> seen;
  const auto read = [&](const std::string& bytes) {
    seen.clear();
    const auto file = files.create(directory.path() + "/" + kDeadLettersName);
    EXPECT_TRUE(file.ok() && (*file)->append(bytes).ok() && (*file)->close().ok());
    const Status status =
        for_each_dead_letter(files, directory.path(), [&seen](const DeadLetter& letter) {
          seen.push_back(letter.record);
          return Status();
        });
    EXPECT_TRUE(files.remove_file(directory.path() + "/" + kDeadLettersName).ok());
    return status;
  };
  // More than is read at a time.
  const std::string large(kDeadLetterRecordBytes, 'l');
  const std::string two = to_line(letter_of("one")) + to_line(letter_of(large));
  EXPECT_TRUE(read(two + to_line(letter_of("three"))).ok());
  EXPECT_EQ(seen, (std::vector<std::string>{"one", large, "three"}));
  EXPECT_THAT(read(two + "{}\n").message(), HasSubstr("line 3"));
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_THAT(read(two + "{").message(), HasSubstr("line 3: it has no end"));
  // A line that never ends is not read into memory for ever.
  EXPECT_EQ(read(std::string(64u << 20, 'x')).code(), StatusCode::kCorruption);
}

TEST(DeadLetters, AreNoneWithoutAFile) {
  const TemporaryDirectory directory;
  EXPECT_TRUE(for_each_dead_letter(posix_file_system(), directory.path(), [](const DeadLetter&) {
                return Status(StatusCode::kAborted, "there is one");
              }).ok());
}

TEST(DeadLetter, HasItsPlaceInOneListOfAllFiles) {
  const TemporaryDirectory directory;
  const auto letter_at = [](const std::string& file, std::uint64_t offset) {
    DeadLetter letter = letter_of("abc");
    letter.file = file;
    letter.offset = offset;
    return to_line(letter);
  };
  const std::string some = letter_at("/b", 3) + letter_at("/a", 10) + letter_at("/a", 9);
  directory.write(kDeadLettersName, some);
  const auto places = dead_letter_places(posix_file_system(), directory.path());
  ASSERT_TRUE(places.ok()) << places.status().message();
  ASSERT_EQ(places->size(), 3u);
  EXPECT_EQ(places->at(0).file, "/a");
  EXPECT_EQ(places->at(0).offset, 9u);
  EXPECT_EQ(places->at(1).offset, 10u);
  EXPECT_EQ(places->at(2).file, "/b");
  EXPECT_EQ(places->at(2).bytes, 3u);
  EXPECT_EQ(places->at(2).xxh3_64, 0x0123456789abcdefu);
  directory.write(kDeadLettersName, some + letter_at("/a", 10));
  const auto twice = dead_letter_places(posix_file_system(), directory.path());
  EXPECT_EQ(twice.status().code(), StatusCode::kCorruption);
  EXPECT_THAT(twice.status().message(), HasSubstr("twice of the record at byte 10 of /a"));
}

}  // namespace
}  // namespace fanfold::io
