// What survives a crash of the master: the scheduler's facts, and for each job two notes of the
// service (its description, its end) which are opaque bytes here.
//
// One process and one connection at a time: opening a store that another master uses fails.  A
// Store belongs to one thread.

#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"
#include "master/scheduler/fact.hpp"

namespace fanfold::master {

enum class NoteKind : std::uint8_t {
  kSubmitted = 1,  // Written with JobAccepted.
  kEnded = 2,      // Written with JobEnded.
};

struct JobNote {
  JobId job;
  NoteKind kind = NoteKind::kSubmitted;
  std::string bytes;
};

class Store {
 public:
  virtual ~Store() = default;

  /// All or nothing, in one transaction; durable when it returns OK.  After an error the master
  /// must stop: what it decided is not recorded.
  virtual Status append(std::span<const Fact> facts, std::span<const JobNote> notes) = 0;
};

/// What the store held when it was opened.
struct StoredState {
  /// One more than at any opening before.
  std::uint64_t epoch = 1;
  /// In order of append().  Of ended jobs only JobEnded need be left.
  std::vector<Fact> facts;
  std::vector<JobNote> notes;  // By job, then kind.
};

struct OpenedStore {
  std::unique_ptr<Store> store;
  StoredState stored;
};

/// Creates `directory` (mode 0700) and the database when they are not there.  kUnavailable: another
/// master uses it; kCorruption: it is damaged.  Messages name the directory and say what to do.
Result<OpenedStore> open_store(const std::string& directory);

/// Forgets everything at the end of the process.  `epoch`: the caller's, there is nothing to count.
OpenedStore memory_store(std::uint64_t epoch);

}  // namespace fanfold::master
