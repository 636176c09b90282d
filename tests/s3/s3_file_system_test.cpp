// Objects as files: ranges, what is read ahead, versions, listings.

#include "common/s3/s3_file_system.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/s3/object_file.hpp"
#include "tests/s3/scripted_server.hpp"

namespace fanfold::s3 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string numbered(std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; text.size() < bytes; ++i) text += std::to_string(i) + " ";
  text.resize(bytes);
  return text;
}

class S3Files : public testing::Test {
 protected:
  S3Files()
      : server_([this](const Heard& heard) {
          if (const int wrong = wrong_answers_.fetch_sub(1); wrong > 0) {
            return Reaction{"", Reaction::End::kReset};
          }
          if (heard.headers.contains("range") && confused_answers_.fetch_sub(1) > 0) {
            return confused_(heard);
          }
          return bucket_.answer(heard);
        }),
        files_(make_s3_file_system([this](const std::string& name) -> std::optional<std::string> {
          if (name == "AWS_ENDPOINT_URL") return server_.url();
          if (name.ends_with("_KEY_ID") || name.ends_with("_ACCESS_KEY")) return "key";
          return std::nullopt;
        })) {}

  std::string read_all(io::ReadableFile& file, std::size_t step) {
    std::string text;
    std::string buffer(step, '\0');
    while (true) {
      const auto count = file.read_at(text.size(), buffer);
      if (!count.ok()) return count.status().message();
      text.append(buffer, 0, *count);
      if (*count < step) return text;
    }
  }
  std::vector<std::string> names(const std::string& directory) {
    const auto listed = files_->list(directory);
    return listed.ok() ? *listed : std::vector<std::string>{listed.status().message()};
  }

  FakeBucket bucket_;
  std::atomic<int> wrong_answers_{0};
  std::atomic<int> confused_answers_{0};  // To those who ask for ranges.
  ScriptedServer::Script confused_;
  ScriptedServer server_;
  std::unique_ptr<io::FileSystem> files_;
};

TEST_F(S3Files, ReadAnywhereAndShortOnlyAtTheEnd) {
  bucket_.objects["a"] = "0123456789";
  const auto file = files_->open("s3://bucket/a");
  ASSERT_TRUE(file.ok()) << file.status().message();
  char buffer[4];
  EXPECT_EQ(*(*file)->read_at(3, buffer), 4u);
  EXPECT_EQ(std::string(buffer, 4), "3456");
  EXPECT_EQ(*(*file)->read_at(8, buffer), 2u);
  EXPECT_EQ(*(*file)->read_at(10, buffer), 0u);
  EXPECT_EQ(*(*file)->size(), 10u);
}

TEST_F(S3Files, ReadTheSameWithAndWithoutReadingAhead) {
  const std::string contents = numbered(3 * kRangeBytes + 12345);
  bucket_.objects["a"] = contents;
  for (const std::uint64_t end : {std::uint64_t{0}, std::uint64_t{contents.size()},
                                  std::uint64_t{2 * kRangeBytes - 1}, UINT64_MAX}) {
    const auto file = files_->open("s3://bucket/a");
    (*file)->will_read(0, end);
    EXPECT_TRUE(read_all(**file, 1u << 20) == contents) << end;
  }
}

TEST_F(S3Files, AskForNothingBehindWhatWillBeRead) {
  bucket_.objects["a"] = numbered(10 * kRangeBytes);
  const auto file =
      files_->open_version("s3://bucket/a", FakeBucket::etag_of(bucket_.objects["a"]));
  (*file)->will_read(kRangeBytes, 3 * kRangeBytes);
  std::string buffer(1u << 20, '\0');
  for (std::uint64_t at = kRangeBytes; at < 3 * kRangeBytes; at += buffer.size()) {
    ASSERT_EQ(*(*file)->read_at(at, buffer), buffer.size());
  }
  // Each range once, and no look at the object before.
  EXPECT_EQ(server_.heard().size(), 2u);
}

TEST_F(S3Files, HoldNoMoreThanTheirBound) {
  bucket_.objects["a"] = numbered(3 * kAheadBytes);
  const auto file = files_->open("s3://bucket/a");
  (*file)->will_read(0, UINT64_MAX);
  std::string buffer(1000, '\0');
  ASSERT_EQ(*(*file)->read_at(0, buffer), buffer.size());
  const std::size_t asked = server_.heard().size() - 1;  // The first was the look at it.
  EXPECT_LE(asked, kRangesAhead);
}

TEST_F(S3Files, GoOnWhereAConnectionBroke) {
  const std::string contents = numbered(2 * kRangeBytes);
  bucket_.objects["a"] = contents;
  const auto file = files_->open("s3://bucket/a");
  wrong_answers_ = 3;
  (*file)->will_read(0, contents.size());
  EXPECT_TRUE(read_all(**file, 1u << 20) == contents);
  EXPECT_LE(wrong_answers_, 0);
}

TEST_F(S3Files, NameAnObjectThatChanged) {
  bucket_.objects["a"] = numbered(100);
  const std::string version = files_->stat("s3://bucket/a")->version;
  bucket_.objects["a"] = numbered(101);
  const auto file = files_->open_version("s3://bucket/a", version);
  ASSERT_TRUE(file.ok());
  std::string buffer(10, '\0');
  const Status status = (*file)->read_at(0, buffer).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("s3://bucket/a changed since the job was planned"));
}

TEST_F(S3Files, NoticeAChangeWhileTheyAreRead) {
  bucket_.objects["a"] = numbered(100);
  const auto file = files_->open("s3://bucket/a");
  std::string buffer(10, '\0');
  ASSERT_TRUE((*file)->read_at(0, buffer).ok());
  bucket_.objects["a"] = numbered(101);
  EXPECT_EQ((*file)->read_at(10, buffer).status().code(), StatusCode::kCorruption);
}

TEST_F(S3Files, AskAgainWhenAnotherRangeCame) {
  const std::string contents = numbered(2 * kRangeBytes);
  bucket_.objects["a"] = contents;
  for (const bool shifted : {false, true}) {
    confused_ = [&, shifted](const Heard& heard) {
      const std::size_t begin = std::stoul(heard.headers.at("range").substr(6)) + shifted;
      const std::string part = contents.substr(begin, 1000);
      return Reaction{http_answer(
          206,
          {{"ETag", FakeBucket::etag_of(contents)},
           {"Content-Range", "bytes " + std::to_string(begin) + "-" + std::to_string(begin + 999) +
                                 "/" + std::to_string(contents.size())}},
          part)};
    };
    confused_answers_ = 2;
    const auto file = files_->open("s3://bucket/a");
    (*file)->will_read(0, contents.size());
    EXPECT_TRUE(read_all(**file, 1u << 20) == contents) << shifted;
    EXPECT_LE(confused_answers_, 0);
    // A server that does so always is no end of the object.
    confused_answers_ = 1000;
    const auto again = files_->open("s3://bucket/a");
    (*again)->will_read(0, contents.size());
    EXPECT_THAT(read_all(**again, 1u << 20), HasSubstr("does not mind the range asked for"));
  }
}

TEST_F(S3Files, RefuseAnotherVersionThatAServerSendsAllTheSame) {
  bucket_.objects["a"] = numbered(100);
  const auto file = files_->open("s3://bucket/a");
  const std::string other = numbered(100).replace(0, 1, "x");
  confused_ = [&](const Heard&) {
    return Reaction{http_answer(
        206, {{"ETag", FakeBucket::etag_of(other)}, {"Content-Range", "bytes 0-99/100"}}, other)};
  };
  confused_answers_ = 1;
  std::string buffer(100, '\0');
  const Status status = (*file)->read_at(0, buffer).status();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("s3://bucket/a changed since the job was planned"));
}

TEST_F(S3Files, SeeWhatLiesBelowAnEmptyObject) {
  bucket_.objects = {{"d", ""}, {"d/a", "12345"}, {"e", "not empty"}, {"e/a", ""}, {"f", ""}};
  EXPECT_EQ(files_->stat("s3://bucket/d")->kind, io::FileKind::kDirectory);
  EXPECT_THAT(names("s3://bucket/d"), ElementsAre("a"));
  EXPECT_EQ(files_->stat("s3://bucket/f")->kind, io::FileKind::kFile);
  const Status both = files_->stat("s3://bucket/e").status();
  EXPECT_EQ(both.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(both.message(), HasSubstr("s3://bucket/e is an object, and others lie below"));
}

TEST_F(S3Files, ReadAnEmptyObject) {
  bucket_.objects["a"] = "";
  const auto file = files_->open_version("s3://bucket/a", FakeBucket::etag_of(""));
  (*file)->will_read(0, 0);
  std::string buffer(10, '\0');
  EXPECT_EQ(*(*file)->read_at(0, buffer), 0u);
  EXPECT_EQ(*(*file)->size(), 0u);
}

TEST_F(S3Files, ListPageAfterPage) {
  for (const char* key : {"d/a", "d/b&c", "d/e/f", "d/e/g", "d/h", "d/\xc3\xbc", "other"}) {
    bucket_.objects[key] = "12345";
  }
  EXPECT_THAT(names("s3://bucket/d"), ElementsAre("a", "b&c", "e", "h", "\xc3\xbc"));
  EXPECT_THAT(names("s3://bucket"), ElementsAre("d", "other"));
  const auto entries = files_->list_with_info("s3://bucket/d");
  EXPECT_EQ((*entries)[0].info->size, 5u);
  EXPECT_EQ((*entries)[0].info->version, FakeBucket::etag_of("12345"));
  EXPECT_EQ((*entries)[2].info->kind, io::FileKind::kDirectory);
}

TEST_F(S3Files, ListOnlyWhatBeginsAsWanted) {
  for (const char* key : {"d/a1", "d/a2", "d/b1"}) bucket_.objects[key] = "";
  const auto entries = files_->list_matching(
      "s3://bucket/d", {"a", [](const std::string& name) { return name.ends_with('2'); }});
  ASSERT_EQ(entries->size(), 1u);
  EXPECT_EQ(entries->front().name, "a2");
  EXPECT_EQ(server_.heard().front().query.at("prefix"), "d/a");
}

TEST_F(S3Files, TellObjectsFromPrefixesFromNothing) {
  bucket_.objects["d/a"] = "12345";
  bucket_.objects["marker/"] = "";
  EXPECT_EQ(files_->stat("s3://bucket/d/a")->kind, io::FileKind::kFile);
  EXPECT_EQ(files_->stat("s3://bucket/d/a")->size, 5u);
  EXPECT_EQ(files_->stat("s3://bucket/d/")->kind, io::FileKind::kDirectory);
  EXPECT_EQ(files_->stat("s3://bucket/marker")->kind, io::FileKind::kDirectory);
  EXPECT_TRUE(names("s3://bucket/marker").empty());
  EXPECT_EQ(files_->stat("s3://bucket")->kind, io::FileKind::kDirectory);
  const Status gone = files_->stat("s3://bucket/gone").status();
  EXPECT_EQ(gone.code(), StatusCode::kNotFound);
  EXPECT_THAT(gone.message(), HasSubstr("s3://bucket/gone"));
  EXPECT_EQ(files_->list("s3://bucket/gone").status().code(), StatusCode::kNotFound);
}

TEST_F(S3Files, RefuseWhatNoPathCanName) {
  bucket_.objects["d//a"] = "";
  EXPECT_THAT(names("s3://bucket/d").front(), HasSubstr("an empty name between two slashes"));
  bucket_.objects = {{"d/", "not empty"}};
  EXPECT_THAT(names("s3://bucket/d").front(), HasSubstr("no path can name it"));
}

}  // namespace
}  // namespace fanfold::s3
