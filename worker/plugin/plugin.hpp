// Loads a plugin: reads the fingerprint note from the ELF file, compares it with ours, and only
// then lets the dynamic loader run any of its code.  A loaded plugin is never unloaded.

#pragma once

#include <string>
#include <string_view>

#include "common/core/status.hpp"
#include "common/core/time.hpp"
#include "fanfold/abi.hpp"

namespace fanfold::worker {

class SealedCopy;

/// Static initialisers that take longer are taken for hanging.
inline constexpr Duration kLoadPatience = std::chrono::seconds(10);

/// The text of the note.  kInvalidArgument: no such file, not an ELF file, wrong architecture,
/// no note ("not a Fanfold plugin"): named, with what to do.
Result<std::string> read_fingerprint(const std::string& path);

/// Fingerprint of this very program.
std::string own_fingerprint();

/// Loads and returns the plugin's table; owned by the process.  Runs static initialisers of the
/// plugin, so call it in a process that may die (describe_plugin) or is meant to (executor,
/// --in-process).
struct LoadOptions {
  /// Whoever loads it has seen to it that the plugin's sanitizer is in this process.
  bool sanitizer_may_differ = false;
  /// Of the file at `path`, which is loaded in its place.  Libraries that the plugin looks for
  /// beside itself ($ORIGIN) are not found then.  Null: the file itself.
  const SealedCopy* copy = nullptr;
};
Result<const abi::Plugin*> load_plugin(const std::string& path, const LoadOptions& options = {});

/// The table without running plugin code in this process: a forked child loads the plugin and sends
/// its description back.  make_task of the result is null.  A crash, exit or exception in a static
/// initialiser is an error that names plugin and cause.  Call it while single-threaded.
Result<abi::Plugin> describe_plugin(const std::string& path, Duration patience = kLoadPatience);

/// The job called `name`, or the only one when `name` is empty.
Result<const abi::JobInfo*> find_job(const abi::Plugin& plugin, const std::string& name,
                                     const std::string& path);

/// Hex SHA-256 of a file.
Result<std::string> sha256_of(const std::string& path);
/// Hex SHA-256 of bytes at hand; empty when the library refuses.
std::string sha256_of_bytes(std::string_view bytes);

/// "std::runtime_error: text": the exception in flight, its type demangled.  Only within a handler.
std::string describe_current_exception();

}  // namespace fanfold::worker
