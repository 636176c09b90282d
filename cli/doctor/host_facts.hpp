// What a host is like, as far as Fanfold cares.  Looking (look_at_host) and judging (examine) are
// apart, so that judging is tried on hosts that nobody has.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/host/cgroups.hpp"

namespace fanfold::cli {

struct ProgramFacts {
  std::string name;
  std::string trouble;  // Empty: it starts, and is of this version.
};

struct ScratchFacts {
  std::string path;
  std::string trouble;  // Why it cannot be used; then the rest is not known.
  std::string type;     // "ext4", "tmpfs" ...
  bool shared = false;  // Of a kind that hosts share.
  std::uint64_t bytes = 0;
  std::uint64_t bytes_free = 0;
  std::optional<std::uint64_t> files_free;  // None: the file system does not count them.
  bool no_exec = false;
  bool exchanges = false;  // Two directories can be swapped in one step, as publications do it.
  bool locks = false;
  std::uint64_t sync_us = 0;  // What it took to make 4 KiB durable.
};

struct PortFacts {
  std::string loopback_trouble;  // Empty: a program can listen there and be reached.
  struct Refused {
    std::uint16_t port = 0;
    std::string why;
  };
  std::vector<Refused> refused;  // Of those that were asked about.
  std::vector<std::uint16_t> free;
  std::optional<std::uint32_t> for_connections;  // That the kernel gives out; none: not known.
};

struct HostFacts {
  std::vector<ProgramFacts> programs;
  bool bundled_jobs = true;
  ScratchFacts scratch;
  CgroupFacts cgroup;
  PortFacts ports;
  std::uint64_t memory_bytes = 0;
  std::uint64_t memory_available = 0;
  bool strict_overcommit = false;
  std::uint32_t cores = 1;  // That may be used.
  std::uint32_t cores_online = 1;
  std::optional<std::uint64_t> open_files;  // Limits of this process; none: unlimited.
  std::optional<std::uint64_t> open_files_hard;
  std::optional<std::uint64_t> processes;
  std::optional<std::uint64_t> address_space;
  std::optional<std::uint64_t> file_bytes;
  std::string cluster_directory;  // Where `cluster up` puts its sockets.
  std::int64_t unix_seconds = 0;
  bool clock_known = false;  // Whether the kernel says if the clock is kept in time.
  bool clock_synchronised = false;
  bool locale_works = true;
  bool proc_mounted = true;
};

struct HostQuestions {
  std::string program_directory;
  std::string scratch;
  std::string cluster_directory;
  std::vector<std::uint16_t> ports;  // That somebody wants to listen at.
};

/// Writes a few bytes into the scratch directory and removes them again.
HostFacts look_at_host(const HostQuestions& questions);

/// Listens for a moment at each of the wanted ports.
PortFacts look_at_ports(const std::vector<std::uint16_t>& wanted);

}  // namespace fanfold::cli
