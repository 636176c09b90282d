// The process that a host's namespaces live with: the first of its processes, so that all others
// end with it.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "common/core/unique_fd.hpp"

namespace fanfold::hosts {

struct HeldHost {
  pid_t guard = -1;   // Our child, which waits for the first process.
  pid_t holder = -1;  // The first process.
  UniqueFd tunnel;    // Packets that leave the host are read here, those that reach it written.
};

/// Throws when the system refuses.
HeldHost start_holder(int number, const std::string& address, const std::string& disk,
                      std::uint64_t disk_bytes);

/// Kills it, and with it every process of the host; returns when they are gone.
void end_host(const HeldHost& host);

}  // namespace fanfold::hosts
