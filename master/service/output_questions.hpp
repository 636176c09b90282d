// Clients that wait for what a running attempt wrote, until its worker has said it.

#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "common/core/ids.hpp"
#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::master {

struct OutputQuestion {
  net::PeerId peer;
  AttemptId attempt;
  std::uint64_t offset = 0;
};

class OutputQuestions {
 public:
  /// Of more than `most` the oldest are forgotten: whoever asked asks again.
  explicit OutputQuestions(std::size_t most) : most_(most) {}

  void add(OutputQuestion question);
  /// Those about this attempt at this offset.
  std::vector<OutputQuestion> take(AttemptId attempt, std::uint64_t offset);
  /// All about this attempt.
  std::vector<OutputQuestion> take_all(AttemptId attempt);

 private:
  const std::size_t most_;
  std::deque<OutputQuestion> questions_;  // By age.  Few: a follower has one at a time.
};

/// What is kept of an attempt that is over, from `offset` on.
proto::Output output_of(const proto::LogEntry& entry, std::uint64_t offset);

}  // namespace fanfold::master
