// What survives a crash of the master: the scheduler's facts, each with a note of the service
// beside it (a job's description, an attempt's report ...) which is opaque bytes here.
//
// One master at a time: opening a store that another master uses fails, and a master that was
// paused while another took over finds out before it writes or sends anything.  A Store belongs
// to one thread.

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

struct StoredFact {
  Fact fact;
  std::string note;  // May be empty.
};

class Store {
 public:
  virtual ~Store() = default;

  /// All or nothing, in one transaction; durable when it returns OK.  After an error the master
  /// must stop: what it decided is not recorded.  kAborted: another master has taken over.
  virtual Status append(std::span<const StoredFact> facts) = 0;

  /// Whether this is still the only master: asked before something is sent that no fact precedes.
  /// kAborted: another master has taken over.
  virtual Status confirm() = 0;

  /// The last append() succeeded by giving up what was reserved for it: the disk is full.  The
  /// master should stop, in good order, and be started again when there is room.
  virtual bool exhausted() const { return false; }
};

/// What the store held when it was opened.
struct StoredState {
  /// One more than at any opening before.
  std::uint64_t epoch = 1;
  /// Made with the store: no other has the same.
  std::uint64_t state_id = 0;
  /// In order of append().  Of ended jobs only JobEnded need be left, of workers that are gone
  /// nothing when no unfinished job is older.
  std::vector<StoredFact> facts;
};

struct OpenedStore {
  std::unique_ptr<Store> store;
  StoredState stored;
};

/// Creates `directory` (mode 0700) and the database when they are not there.  kUnavailable: another
/// master uses it; kCorruption: it is damaged.  Messages name the directory and say what to do.
Result<OpenedStore> open_store(const std::string& directory);

/// A random number that no other state has.
std::uint64_t make_state_id();

/// Forgets everything at the end of the process.  `epoch`: the caller's, there is nothing to count.
OpenedStore memory_store(std::uint64_t epoch);

}  // namespace fanfold::master
