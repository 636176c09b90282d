// The records of one attempt that it does without: which were found bad before it (re)started, and
// those on which map() throws.  Counts them, and writes their dead letters.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/proto/types.hpp"
#include "fanfold/abi.hpp"

namespace fanfold::worker {

class AttemptHost;
struct RunRequest;

/// A record on which an executor of this attempt ended.
struct BadRecord {
  std::string file;
  std::uint64_t offset = 0;
  proto::FailureKind kind = proto::FailureKind::kNone;
  std::string message;
  std::vector<std::string> stack;
};

class BadRecords {
 public:
  /// Both outlive it.
  BadRecords(const RunRequest& request, AttemptHost& host) : request_(request), host_(host) {}

  /// The task is about to map `block`: what it is to pass over, valid until the next call.  That is
  /// counted now.  HostFailure: it is too much, or cannot be written.
  std::span<const std::uint64_t> enter(const abi::InputBlock& block);
  /// As TaskHost::note_bad_record().
  void note(std::uint64_t offset, bool undone);

  /// The task did not survive the record it was at; without it, it may get further.
  bool to_blame() const { return to_blame_; }
  std::uint64_t skipped() const { return skipped_; }
  std::uint64_t dead_letters() const { return dead_letters_; }

 private:
  void add(const BadRecord& bad);
  void write_letter(const BadRecord& bad);
  const proto::BadRecordPolicy& policy() const;
  std::string_view record_at(std::uint64_t offset) const;

  const RunRequest& request_;
  AttemptHost& host_;
  abi::InputBlock block_;  // Being mapped.
  std::vector<std::uint64_t> passed_over_;
  bool to_blame_ = false;
  std::uint64_t skipped_ = 0;
  std::uint64_t dead_letters_ = 0;
  std::uint64_t logged_ = 0;
};

}  // namespace fanfold::worker
