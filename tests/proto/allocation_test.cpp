// A frame that lies about its lengths must not cost memory.  Counts every allocation of this
// program, so it is a program of its own.

#include <gtest/gtest.h>

#include "common/proto/messages.hpp"
#include "common/proto/wire.hpp"
#include "tests/support/allocations.hpp"

namespace fanfold::proto {
namespace {

/// Bytes asked of the allocator, freed ones included, while decoding.
template <class Variant>
std::size_t cost_of(const std::string& frame) {
  const std::size_t before = allocated_bytes();
  EXPECT_EQ(decode<Variant>(frame).status().code(), StatusCode::kCorruption);
  return allocated_bytes() - before;
}

TEST(Allocation, OfACountThatCannotBeTrueIsNothing) {
  WireWriter writer;
  writer.number(Logs::kTag);
  writer.number(std::uint32_t{1} << 31);
  EXPECT_LT(cost_of<ClientReply>(writer.take()), 4096u);
}

TEST(Allocation, OfATextThatCannotBeTrueIsNothing) {
  WireWriter writer;
  writer.number(Answer::kTag);
  writer.number<std::uint8_t>(0);
  writer.number<std::uint32_t>(0xffffffff);
  EXPECT_LT(cost_of<ClientReply>(writer.take()), 4096u);
}

// The worst that a frame can do: a million times the struct that grows most from wire to memory.
TEST(Allocation, StaysInProportionToTheFrame) {
  WireWriter writer;
  writer.number(CommitRequest::kTag);
  for (int i = 0; i < 9; ++i) writer.number<std::uint64_t>(0);  // Ids and the report's numbers.
  writer.count(0);                                              // Counters.
  const std::size_t bytes = 1u << 20;
  writer.count(bytes);  // Files, each of which is at least 28 bytes: the frame ends before.
  for (std::size_t i = 0; i < bytes; ++i) writer.number<std::uint8_t>(0);
  EXPECT_LT(cost_of<WorkerMessage>(writer.take()), 16 * bytes);
}

TEST(Allocation, OfTheSmallestElementsStaysInProportionToo) {
  WireWriter writer;
  writer.number(JobReply::kTag);
  writer.number<std::uint64_t>(1);
  for (int i = 0; i < 3; ++i) writer.text("");
  writer.number(JobState::kFailed);
  writer.count(0);                                              // Stages.
  for (int i = 0; i < 3; ++i) writer.number<std::uint32_t>(0);  // Attempts.
  writer.number<std::uint64_t>(0);                              // Elapsed.
  writer.count(0);                                              // Counters.
  const std::size_t notes = 1u << 18;
  writer.count(notes);
  for (std::size_t i = 0; i < notes; ++i) writer.text("");
  EXPECT_LT(cost_of<ClientReply>(writer.take()), 32 * 4 * notes);
}

}  // namespace
}  // namespace fanfold::proto
