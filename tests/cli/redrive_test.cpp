// The moment at which generations change places, when somebody else steps in between.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "cli/redrive/next_generation.hpp"
#include "tests/exec/wrapped_file_system.hpp"
#include "tests/io/temporary_directory.hpp"

namespace fanfold::cli {
namespace {

using testing::HasSubstr;

/// Lets somebody step in before it exchanges, and may refuse to do so again.
class Crowded final : public worker::WrappedFileSystem {
 public:
  explicit Crowded(std::function<void()> step_in) : step_in_(std::move(step_in)) {}
  Status publish(const std::string& from, const std::string& to, io::Replace replace) override {
    if (calls_++ == 0) step_in_();
    if (calls_ == 2 && fails_twice) return {StatusCode::kIoError, "the disk has failed"};
    return WrappedFileSystem::publish(from, to, replace);
  }
  bool fails_twice = false;

 private:
  std::function<void()> step_in_;
  int calls_ = 0;
};

class NextGenerationTest : public testing::Test {
 protected:
  NextGenerationTest() {
    earlier_.dead_letters = 1;
    earlier_.kept.emplace();
    earlier_.run.job_id = 7;
    earlier_.run.client_id = "first";
    earlier_.run.ledger.emplace();
    write("out", earlier_);
    io::Manifest made;
    made.run.job_id = 1;
    made.run.client_id = "redrive";
    made.run.ledger.emplace().records_mapped = 1;
    write("work/made", made);
    next_.output = directory_.path("out");
    next_.earlier = &earlier_;
    next_.made = directory_.path("work/made");
    next_.records = 1;
    next_.staging = directory_.path("work/next");
    next_.displaced = directory_.path("work/displaced");
  }
  void write(const std::string& output, const io::Manifest& manifest) {
    directory_.write(output + "/_SUCCESS", io::to_json(manifest));
  }
  void replace() {
    io::Manifest stranger;
    stranger.run.client_id = "stranger";
    write("out", stranger);
  }
  std::string client_of(const std::string& output) const {
    const auto manifest = io::read_manifest(io::posix_file_system(), directory_.path(output));
    return manifest.ok() ? manifest->run.client_id : "nobody";
  }

  io::TemporaryDirectory directory_;
  io::Manifest earlier_;
  NextGeneration next_;
};

TEST_F(NextGenerationTest, HasTheNameOfTheFirst) {
  const auto published = publish_next_generation(io::posix_file_system(), next_);
  ASSERT_TRUE(published.ok()) << published.status().message();
  EXPECT_EQ(published->generation, 2u);
  EXPECT_EQ(published->run.job_id, 7u);
  EXPECT_EQ(client_of("out"), "first");
  EXPECT_EQ(client_of("work/next"), "first");
}

TEST_F(NextGenerationTest, PutsBackWhatSomebodyElseHasJustPublished) {
  Crowded files([this] { replace(); });
  const auto published = publish_next_generation(files, next_);
  EXPECT_EQ(published.status().code(), StatusCode::kAborted);
  EXPECT_EQ(client_of("out"), "stranger");
}

TEST_F(NextGenerationTest, SaysWhereThatLiesWhenItCannotBePutBack) {
  Crowded files([this] { replace(); });
  files.fails_twice = true;
  const auto published = publish_next_generation(files, next_);
  EXPECT_THAT(published.status().message(), HasSubstr(next_.displaced));
  EXPECT_EQ(client_of("work/displaced"), "stranger");
}

TEST_F(NextGenerationTest, TakesThePlaceOfWhatWasJustRemoved) {
  Crowded files([this] { std::filesystem::remove_all(next_.output); });
  const auto published = publish_next_generation(files, next_);
  EXPECT_TRUE(published.ok()) << published.status().message();
  EXPECT_EQ(client_of("out"), "first");
}

TEST_F(NextGenerationTest, IsNotMadeWhenARecordIsMissing) {
  next_.records = 2;
  const auto published = publish_next_generation(io::posix_file_system(), next_);
  EXPECT_THAT(published.status().message(), HasSubstr("1 records and put 0 aside, of 2"));
  EXPECT_FALSE(std::filesystem::exists(next_.staging));
}

}  // namespace
}  // namespace fanfold::cli
