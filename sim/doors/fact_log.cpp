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
/// Identities of states are far from each other, as random ones are.
constexpr std::uint64_t kStateIdStep = 10'000'019;

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
  opened.stored.state_id = states_ * kStateIdStep;
  // As the production store: what a next master needs, and no more.
  master::History history;
  for (std::size_t i = 0; i < facts_.size(); ++i) history.add(i, facts_[i]);
  history.close();
  std::size_t next = 0;
  auto read = master::read_rows([&]() -> Result<std::optional<master::FactRow>> {
    if (next == rows_.size()) return std::optional<master::FactRow>();
    return std::optional(rows_[next++]);
  });
  if (!read.ok()) {
    repair();
    return read.status();
  }
  for (master::NumberedFact& row : *read) {
    if (history.needs(row.stored.fact)) opened.stored.facts.push_back(std::move(row.stored));
  }
  opened.store = std::make_unique<Opened>(*this, owner, epoch_, std::move(die));
  return opened;
}

void FactLog::replace() {
  epoch_ = 0;
  ++states_;
  rows_.clear();
  before_damage_.reset();
  facts_.clear();
}

void FactLog::rot(const Fault& fault) {
  if (rows_.empty() || damaged()) return;
  master::FactRow& row = rows_[world_.faults.measure(fault, 0, 0, rows_.size() - 1)];
  before_damage_ = row;
  std::string& bytes = row.payload.empty() ? row.note : row.payload;
  if (bytes.empty()) {
    row.checksum ^= 1;
    return;
  }
  char& byte = bytes[world_.faults.measure(fault, 1, 0, bytes.size() - 1)];
  byte = static_cast<char>(byte ^ (1 << world_.faults.measure(fault, 2, 0, 7)));
}

void FactLog::repair() {
  if (!before_damage_) return;
  rows_.at(before_damage_->sequence - 1) = *before_damage_;
  before_damage_.reset();
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
    rows_.push_back(master::row_of(rows_.size() + 1, epoch, one));
    facts_.push_back(fact);
    world_.trace.note(world_.now(), "fact", {fact.index(), hash(rows_.back().payload)});
  }
  world_.witness->facts_stored(facts, epoch);
}

}  // namespace fanfold::sim
