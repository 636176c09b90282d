#include "sim/world/faults.hpp"

namespace fanfold::sim {

bool Faults::happens(const Fault& fault) {
  if (healed_) return false;
  const auto kind = static_cast<std::size_t>(fault.kind);
  const bool now = script_ ? script_->count(fault) > 0
                           : rates_[kind] > 0 &&
                                 draws_.chance(Stream::kFaults,
                                               {kind, fault.subject, fault.object, fault.occasion},
                                               rates_[kind]);
  if (listing_ && now) occasions_.clear();
  if (listing_ && !now) occasions_.push_back(fault);
  if (now) tape_.push_back(fault);
  return now;
}

std::uint64_t Faults::measure(const Fault& fault, std::uint64_t aspect, std::uint64_t low,
                              std::uint64_t high) const {
  return draws_.between(Stream::kFaults,
                        {static_cast<std::uint64_t>(fault.kind), fault.subject, fault.object,
                         fault.occasion, aspect + 1},
                        low, high);
}

}  // namespace fanfold::sim
