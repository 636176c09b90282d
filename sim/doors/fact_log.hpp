// The simulated twin of the fact store: transactions of encoded facts that survive the master, and
// a Store that appends to them.  An append may be slow, fail, or be the last thing that the master
// does, with the transaction durable or lost.

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "master/store/fact_row.hpp"
#include "master/store/store.hpp"
#include "sim/world/process.hpp"

namespace fanfold::sim {

class FactLog {
 public:
  explicit FactLog(World& world) : world_(world) {}

  /// As open_store() does it: counts the epoch, gives back what is there.  `owner` is told to die
  /// through `die` when its master must.
  Result<master::OpenedStore> open(Process& owner, std::function<void(const Fault&)> die);

  /// All of it is lost, and whoever opens it next finds another one.  No master is open.
  void replace();

  /// Every durable fact, in order.
  const std::vector<master::Fact>& facts() const { return facts_; }
  std::uint64_t appends() const { return appends_; }

  /// A bit of one row flips.  The next opening must refuse it; after that somebody has brought the
  /// row back from a copy.
  void rot(const Fault& fault);
  bool damaged() const { return before_damage_.has_value(); }

 private:
  class Opened;
  void repair();
  Status confirm(std::uint64_t epoch) const;
  Status append(Process& owner, std::uint64_t epoch, std::span<const master::StoredFact> facts,
                const std::function<void(const Fault&)>& die);
  void keep(std::uint64_t epoch, std::span<const master::StoredFact> stored);

  World& world_;
  std::uint64_t epoch_ = 0;
  std::uint64_t states_ = 1;  // So far.
  std::uint64_t appends_ = 0;
  std::vector<master::FactRow> rows_;
  std::optional<master::FactRow> before_damage_;
  std::vector<master::Fact> facts_;
};

}  // namespace fanfold::sim
