// The master of a cluster whose workers are on other hosts: it listens on TCP, with keys, and
// outlives the shell.  Its directory (mode 0700, ours) holds its keys, state and log, and
// master.json, by which a next command finds it.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "cli/process/interrupts.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

/// Where it listens when nobody says.
inline constexpr std::uint16_t kUsualMasterPort = 7077;

struct KeyedMaster {
  std::string address;  // tcp://HOST:PORT
  pid_t process = 0;
  std::uint16_t http_port = 0;  // 0: it shows no pages.
  std::string key;              // Fingerprint of its key; empty: an earlier version started it.
  bool has_new_key = false;     // It was started again now, because its directory has another.
};

/// Asks a master that lives to stop; whether it will.
using AskToStop = std::function<bool(const KeyedMaster&)>;

struct KeyedMasterWish {
  std::string address;  // tcp://HOST:PORT; port 0: any.  A master that was there keeps its own.
  std::optional<std::uint16_t> http_port;
};

/// Its directory of keys, and the admin's key in it, with which the cluster is managed.
std::string key_directory(const std::string& directory);
std::string owner_key(const std::string& directory);

/// "HOST", "HOST:PORT" or "[V6]:PORT" as tcp://HOST:PORT, with the usual port when none is said.
/// kInvalidArgument: it is neither, or an address that others cannot reach.
Result<std::string> master_endpoint(const std::string& word);

/// nullopt: none was started there.
Result<std::optional<KeyedMaster>> read_keyed_master(const std::string& directory);

/// kAlreadyExists: the directory, without a record of a cluster, holds something else.
Status check_unused(const std::string& directory);

/// In a directory that is locked and has the record of the cluster that it is for: makes new keys,
/// or uses those of an earlier master, and returns when the master listens.  One that lives and
/// has another key than its directory by now is started again; its jobs go on.
Result<KeyedMaster> ensure_keyed_master(const std::string& program_directory,
                                        const std::string& directory, const KeyedMasterWish& wish,
                                        Interrupts& interrupts);

/// Whether the directory has another key than the master was started with, or may have been.
Result<bool> needs_another_key(const std::string& directory, const KeyedMaster& master);

/// Ends the master; its directory stays.  `asked`: it was told to stop.
void end_keyed_master(const std::string& directory, const KeyedMaster& master, bool asked);

}  // namespace fanfold::cli
