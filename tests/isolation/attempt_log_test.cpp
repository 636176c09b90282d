#include "worker/isolation/attempt_log.hpp"

#include <gmock/gmock.h>

#include "common/core/limits.hpp"

namespace fanfold::worker {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

TEST(AttemptLog, KeepsAShortLogWhole) {
  AttemptLog log;
  log.add("one\n");
  log.add("two\n");
  EXPECT_EQ(log.text(), "one\ntwo\n");
}

TEST(AttemptLog, KeepsBeginningAndEndOfALongOne) {
  AttemptLog log;
  std::string all;
  for (int i = 0; i < 500'000; ++i) all += "line " + std::to_string(i) + "\n";
  for (std::size_t at = 0; at < all.size(); at += 60'000) {
    log.add(std::string_view(all).substr(at, 60'000));
  }
  const std::string text = log.text();
  const std::size_t half = limits::kLogBytesPerAttempt / 2;
  EXPECT_EQ(text.substr(0, half), all.substr(0, half));
  EXPECT_EQ(text.substr(text.size() - half), all.substr(all.size() - half));
  const std::string note =
      "\n[... " + std::to_string(all.size() - 2 * half) + " bytes left out ...]\n";
  EXPECT_EQ(text.substr(half, text.size() - 2 * half), note);
}

TEST(AttemptLog, TakesOneHugePiece) {
  AttemptLog log;
  const std::string huge(3 * limits::kLogBytesPerAttempt, 'x');
  log.add(huge + "end");
  EXPECT_THAT(log.text(), StartsWith("xxx"));
  EXPECT_THAT(log.text(), EndsWith("xxxend"));
}

TEST(AttemptLog, IsReadInPartsWhileItGrows) {
  AttemptLog log;
  EXPECT_EQ(log.part(0, 100).text, "");
  log.add("one\ntwo\n");
  EXPECT_EQ(log.part(0, 100).text, "one\ntwo\n");
  EXPECT_EQ(log.part(4, 2).text, "tw");
  EXPECT_EQ(log.part(8, 100).text, "");
  EXPECT_EQ(log.part(9999, 100).text, "");
  EXPECT_EQ(log.bytes(), 8u);
}

TEST(AttemptLog, PartsOfALongOneSayWhatIsMissing) {
  AttemptLog log;
  std::string all;
  for (int i = 0; i < 300'000; ++i) all += std::to_string(i) + "\n";
  for (std::size_t at = 0; at < all.size(); at += 60'000) {
    log.add(std::string_view(all).substr(at, 60'000));
  }
  ASSERT_GT(all.size(), limits::kLogBytesPerAttempt);
  EXPECT_EQ(log.bytes(), all.size());
  std::uint64_t left_out = 0;
  for (std::uint64_t at = 0; at < all.size();) {
    const AttemptLog::Part part = log.part(at, 99'999);
    ASSERT_FALSE(part.text.empty());
    left_out += part.left_out;
    EXPECT_EQ(part.text, all.substr(at + part.left_out, part.text.size()));
    at += part.left_out + part.text.size();
  }
  EXPECT_EQ(left_out, all.size() - limits::kLogBytesPerAttempt);
  // From within what is missing.
  EXPECT_EQ(log.part(limits::kLogBytesPerAttempt / 2 + 5, 10).left_out, left_out - 5);
}

TEST(AttemptLog, TailIsTheLastLines) {
  AttemptLog log;
  for (int i = 0; i < 100; ++i) log.add("line " + std::to_string(i) + "\n");
  EXPECT_THAT(log.tail(), StartsWith("line 80\n"));
  EXPECT_THAT(log.tail(), EndsWith("line 99\n"));
}

TEST(AttemptLog, TailOfAShortLogIsAllOfIt) {
  AttemptLog log;
  log.add("only");
  EXPECT_EQ(log.tail(), "only");
  EXPECT_EQ(AttemptLog().tail(), "");
}

TEST(AttemptLog, TailOfOneEndlessLineIsBounded) {
  AttemptLog log;
  log.add(std::string(100'000, 'y'));
  EXPECT_EQ(log.tail().size(), 4096u);
}

}  // namespace
}  // namespace fanfold::worker
