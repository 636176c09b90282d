// A fact as it lies in the store, with its checksum; and what rows are read as.  The SQLite store
// and its simulated twin share it, so that both refuse the same damage.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "master/store/store.hpp"

namespace fanfold::master {

struct FactRow {
  std::uint64_t sequence = 0;
  std::uint64_t epoch = 0;
  std::uint64_t job = 0;  // 0 for facts about workers.
  std::uint64_t tag = 0;
  std::uint64_t version = 0;
  std::string payload;
  std::string note;
  std::uint64_t checksum = 0;  // The XXH3-64 of all others.
};

struct NumberedFact {
  std::uint64_t sequence = 0;
  StoredFact stored;
};

FactRow row_of(std::uint64_t sequence, std::uint64_t epoch, const StoredFact& stored);

/// `next` gives rows in the order of their sequence, then nullopt.  kCorruption when one of them is
/// not what was written: nothing is skipped, and nothing after it is dropped.
Result<std::vector<NumberedFact>> read_rows(
    const std::function<Result<std::optional<FactRow>>()>& next);

}  // namespace fanfold::master
