// What control groups, of both versions, allow this process.

#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace fanfold {

/// The tightest of a group and those around it; none: not limited, or not known.
struct CgroupFacts {
  std::optional<std::uint64_t> memory_bytes;
  /// Of the group that has least left of its memory; what the kernel could drop counts as free.
  std::optional<std::uint64_t> memory_bytes_free;
  std::optional<std::uint64_t> cpus_thousandths;
  std::optional<std::uint64_t> processes;
};

/// `root` stands before /proc and /sys; "" is this host.
CgroupFacts look_at_cgroups(const std::string& root);

}  // namespace fanfold
