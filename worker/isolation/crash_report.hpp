// On the worker's side: a safe copy of what a dead executor left in its page, and words for it.

#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/isolation/shared_page.hpp"

namespace fanfold::worker {

/// A file mapped executable into the dead process.
struct LoadedModule {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t file_offset = 0;  // Of the byte at `begin`.
  std::string path;
};

struct CrashReport {
  DumpCause cause = DumpCause::kNone;
  int signal = 0;
  int code = 0;
  std::uint64_t address = 0;
  bool stack_overflow = false;
  std::string terminate_text;
  std::vector<std::uint64_t> counters;
  std::vector<LoadedModule> modules;
};

/// Every length is checked: the page was written by a process that ran foreign code.
CrashReport read_crash(const SharedPage& page);

/// "SIGSEGV at address 0x0 (null pointer)", "SIGABRT: std::runtime_error: text", ...
std::string describe_signal(const CrashReport& report, int signal);

}  // namespace fanfold::worker
