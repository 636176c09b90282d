// The fault points of production code, struck as the seed or the scenario wants.

#pragma once

#include <array>
#include <cstdint>

#include "common/core/fault_point.hpp"
#include "sim/world/faults.hpp"

namespace fanfold::sim {

class InnerFaults final : public FaultPoints {
 public:
  explicit InnerFaults(Faults& faults) : faults_(faults) {}

  bool strikes(FaultPoint point) override {
    if (!faults_.possible(FaultKind::kFaultPoint)) return false;
    const auto number = static_cast<std::uint32_t>(point);
    return faults_.happens({FaultKind::kFaultPoint, number, 0, ++passes_.at(number)});
  }

 private:
  Faults& faults_;
  std::array<std::uint64_t, kFaultPoints> passes_{};
};

}  // namespace fanfold::sim
