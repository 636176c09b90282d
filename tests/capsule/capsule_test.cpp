// Capsules: what goes in comes out, damage is told, and inputs that changed are found.

#include "common/capsule/capsule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/io/temporary_directory.hpp"

namespace fanfold {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class CapsuleTest : public testing::Test {
 protected:
  /// A map of all of the file that failed at byte `offset`.
  proto::Capsule capsule_of(const std::string& file, std::uint64_t offset) {
    proto::Capsule capsule;
    capsule.assignment.task = {JobId{3}, Stage::kMap, 7};
    capsule.assignment.attempt_number = 2;
    io::Piece piece;
    piece.path = file;
    piece.end = std::filesystem::file_size(file);
    capsule.assignment.split.pieces = {piece};
    capsule.failure.kind = proto::FailureKind::kException;
    capsule.failure.record_file = file;
    capsule.failure.record_offset = offset;
    mark_inputs(files_, &capsule);
    return capsule;
  }

  io::FileSystem& files_ = io::posix_file_system();
  io::TemporaryDirectory directory_;
};

TEST_F(CapsuleTest, IsNamedByItsAttempt) {
  EXPECT_EQ(capsule_name({JobId{3}, Stage::kReduce, 7}, 2), "reduce-7.2.capsule");
  EXPECT_EQ(capsule_directory("e/job-3.jsonl"), "e/job-3.capsules");
  EXPECT_EQ(capsule_directory("e/log"), "e/log.capsules");
}

TEST_F(CapsuleTest, ComesOutAsItWentIn) {
  const proto::Capsule capsule = capsule_of(directory_.write("in", "one\ntwo\n"), 4);
  const auto opened = open_capsule(seal_capsule(capsule));
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  EXPECT_EQ(opened->assignment.task, capsule.assignment.task);
  EXPECT_EQ(opened->record, "two");
  EXPECT_THAT(changed_inputs(files_, *opened), IsEmpty());
}

TEST_F(CapsuleTest, ThatIsDamagedAnywhereIsRefused) {
  const std::string sealed = seal_capsule(capsule_of(directory_.write("in", "one\n"), 0));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string damaged = sealed;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_EQ(open_capsule(damaged).status().code(), StatusCode::kCorruption) << i;
    EXPECT_EQ(open_capsule(sealed.substr(0, i)).status().code(), StatusCode::kCorruption) << i;
  }
}

TEST_F(CapsuleTest, KnowsAFileThatChanged) {
  const std::string file = directory_.write("in", "one\ntwo\n");
  const proto::Capsule capsule = capsule_of(file, 4);
  directory_.write("in", "one\ntwo\nthree\n");
  EXPECT_THAT(changed_inputs(files_, capsule), ElementsAre(HasSubstr("has 14 bytes; it had 8")));
  directory_.write("in", "one\nsix\n");
  EXPECT_THAT(changed_inputs(files_, capsule), ElementsAre(HasSubstr("other bytes")));
  std::filesystem::remove(file);
  EXPECT_THAT(changed_inputs(files_, capsule), ElementsAre(HasSubstr(file)));
}

TEST_F(CapsuleTest, LooksAtBothEndsAndTheRecordOfALargeFile) {
  const std::string line(99, 'x');
  std::string text;
  for (int i = 0; i < 10'000; ++i) text += line + "\n";
  constexpr std::size_t kRecord = 500'000;
  const proto::Capsule capsule = capsule_of(directory_.write("in", text), kRecord);
  EXPECT_EQ(capsule.record, line);
  for (const std::size_t place : {std::size_t{0}, text.size() - 1, kRecord + 5}) {
    std::string changed = text;
    changed[place] = 'y';
    directory_.write("in", changed);
    EXPECT_THAT(changed_inputs(files_, capsule), ElementsAre(HasSubstr("other bytes"))) << place;
  }
}

TEST_F(CapsuleTest, FindsThePieceOfItsRecord) {
  proto::Capsule capsule;
  EXPECT_FALSE(piece_of_record(capsule).has_value());
  for (const std::uint64_t begin : {0, 100}) {
    io::Piece piece;
    piece.path = "in";
    piece.begin = begin;
    piece.end = begin + 100;
    capsule.assignment.split.pieces.push_back(piece);
  }
  capsule.failure.record_file = "in";
  capsule.failure.record_offset = 150;
  EXPECT_EQ(piece_of_record(capsule), 1u);
  // In what a compressed file holds.
  capsule.failure.record_offset = 5000;
  EXPECT_EQ(piece_of_record(capsule), 0u);
}

TEST_F(CapsuleTest, IsLeftByFailuresAlone) {
  EXPECT_TRUE(leaves_capsule(proto::FailureKind::kSignal));
  EXPECT_TRUE(leaves_capsule(proto::FailureKind::kSpawn));
  EXPECT_FALSE(leaves_capsule(proto::FailureKind::kWorkerLost));
  EXPECT_FALSE(leaves_capsule(proto::FailureKind::kCancelled));
  EXPECT_FALSE(leaves_capsule(proto::FailureKind::kNone));
}

}  // namespace
}  // namespace fanfold
