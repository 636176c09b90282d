#include "sim/doors/fact_log.hpp"

#include <algorithm>
#include <utility>

#include "master/store/history.hpp"
#include "sim/world/witness.hpp"

namespace fanfold::sim {
namespace {

using namespace std::chrono_literals;

/// A transaction of a healthy disk.
constexpr Duration kSync = 200us;

}  // namespace

class FactLog::Opened final : public master::Store {
 public:
  Opened(FactLog& log, Process& owner, std::uint64_t epoch, std::function<void(const Fault&)> die)
      : log_(log), owner_(owner), epoch_(epoch), die_(std::move(die)) {}

  Status append(std::span<const master::StoredFact> facts) override {
    return log_.append(owner_, epoch_, facts, die_);
  }
  Status confirm() override { return log_.confirm(epoch_); }

 private:
  FactLog& log_;
  Process& owner_;
  const std::uint64_t epoch_;
  const std::function<void(const Fault&)> die_;
};

Result<master::OpenedStore> FactLog::open(Process& owner, std::function<void(const Fault&)> die) {
  master::OpenedStore opened;
  opened.stored.epoch = ++epoch_;
  // As the production store: what a next master needs, and no more.
  master::History history;
  for (std::size_t i = 0; i < facts_.size(); ++i) history.add(i, facts_[i]);
  history.close();
  for (const Row& row : rows_) {
    FANFOLD_ASSIGN_OR_RETURN(master::Fact fact,
                             master::decode_fact(row.fact.tag, row.fact.version, row.fact.payload));
    if (history.needs(fact)) opened.stored.facts.push_back({std::move(fact), row.note});
  }
  opened.store = std::make_unique<Opened>(*this, owner, epoch_, std::move(die));
  return opened;
}

Status FactLog::confirm(std::uint64_t epoch) const {
  if (epoch == epoch_) return {};
  return {StatusCode::kAborted, "another master has taken over"};
}

Status FactLog::append(Process& owner, std::uint64_t epoch,
                       std::span<const master::StoredFact> facts,
                       const std::function<void(const Fault&)>& die) {
  FANFOLD_RETURN_IF_ERROR(confirm(epoch));
  const std::uint64_t n = ++appends_;
  const Fault before{FaultKind::kCrashBeforeAppend, 0, 0, n};
  if (world_.faults.happens(before)) {
    die(before);
    return {StatusCode::kIoError, "the master died before its facts were durable"};
  }
  const Fault error{FaultKind::kStoreError, 0, 0, n};
  if (world_.faults.happens(error)) {
    // The disk failed to say whether it has them.
    if (world_.faults.measure(error, 0, 0, 1) == 1) keep(epoch, facts);
    return {StatusCode::kIoError, "the fact store: input/output error"};
  }
  keep(epoch, facts);
  const Fault slow{FaultKind::kStoreSlow, 0, 0, n};
  owner.be_busy(world_.faults.happens(slow) ? world_.faults.measure(slow, 0, 5ms, 500ms) : kSync);
  const Fault after{FaultKind::kCrashAfterAppend, 0, 0, n};
  if (world_.faults.happens(after)) {
    die(after);
    return {StatusCode::kIoError, "the master died after its facts were durable"};
  }
  return {};
}

void FactLog::keep(std::uint64_t epoch, std::span<const master::StoredFact> stored) {
  std::vector<master::Fact> facts;
  for (const master::StoredFact& one : stored) {
    const master::Fact& fact = facts.emplace_back(one.fact);
    rows_.push_back({master::encode_fact(fact), one.note, epoch});
    facts_.push_back(fact);
    world_.trace.note(world_.now(), "fact", {fact.index(), hash(rows_.back().fact.payload)});
  }
  world_.witness->facts_stored(facts, epoch);
}

}  // namespace fanfold::sim
