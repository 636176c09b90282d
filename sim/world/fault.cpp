#include "sim/world/fault.hpp"

#include <array>
#include <sstream>

namespace fanfold::sim {
namespace {

// In the order of FaultKind.
constexpr std::array<const char*, kFaultKinds> kNames = {"drop",
                                                         "duplicate",
                                                         "reorder",
                                                         "reset",
                                                         "partition",
                                                         "one_way",
                                                         "clog",
                                                         "pause",
                                                         "crash",
                                                         "power_loss",
                                                         "disk_loss",
                                                         "drain",
                                                         "disk_full",
                                                         "disk_error",
                                                         "output_lost",
                                                         "output_rotten",
                                                         "store_slow",
                                                         "store_error",
                                                         "crash_before_append",
                                                         "crash_after_append",
                                                         "crash_in_side_work",
                                                         "task_crash",
                                                         "task_exception",
                                                         "task_hang",
                                                         "task_slow",
                                                         "spawn_failure",
                                                         "cancel",
                                                         "cancel_late",
                                                         "side_work_slow",
                                                         "takeover",
                                                         "fact_rot",
                                                         "segment_miscounted",
                                                         "fault_point",
                                                         "poison_record"};

}  // namespace

const char* name_of(FaultKind kind) { return kNames.at(static_cast<std::size_t>(kind)); }

std::optional<FaultKind> fault_kind_of(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<FaultKind>(i);
  }
  return std::nullopt;
}

std::string to_text(const Fault& fault) {
  return std::string(name_of(fault.kind)) + " " + std::to_string(fault.subject) + " " +
         std::to_string(fault.object) + " " + std::to_string(fault.occasion);
}

std::optional<Fault> fault_of(std::string_view text) {
  std::istringstream words{std::string(text)};
  std::string kind;
  Fault fault;
  if (!(words >> kind >> fault.subject >> fault.object >> fault.occasion)) return std::nullopt;
  const std::optional<FaultKind> known = fault_kind_of(kind);
  if (!known) return std::nullopt;
  fault.kind = *known;
  return fault;
}

}  // namespace fanfold::sim
