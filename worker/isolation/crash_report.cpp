#include "worker/isolation/crash_report.hpp"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace fanfold::worker {
namespace {

/// The guard page and the frame that overran it are within this distance of the stack pointer.
constexpr std::uint64_t kOverflowDistance = 256u << 10;
constexpr std::uint64_t kNullPageBytes = 4096;

bool take_hex(std::string_view* text, char stop, std::uint64_t* value) {
  const auto parsed = std::from_chars(text->data(), text->data() + text->size(), *value, 16);
  const auto used = static_cast<std::size_t>(parsed.ptr - text->data());
  if (parsed.ec != std::errc() || used >= text->size() || (*text)[used] != stop) return false;
  text->remove_prefix(used + 1);
  return true;
}

/// "begin-end rwxp offset device inode   path"
bool parse_line(std::string_view line, LoadedModule* module) {
  if (!take_hex(&line, '-', &module->begin) || !take_hex(&line, ' ', &module->end)) return false;
  if (line.size() < 5 || line[2] != 'x') return false;
  line.remove_prefix(5);
  if (!take_hex(&line, ' ', &module->file_offset)) return false;
  const std::size_t slash = line.find('/');
  if (slash == line.npos) return false;
  module->path = std::string(line.substr(slash));
  return true;
}

std::vector<LoadedModule> parse_memory_map(std::string_view text) {
  std::vector<LoadedModule> modules;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    LoadedModule module;
    if (parse_line(text.substr(0, end), &module)) modules.push_back(std::move(module));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return modules;
}

}  // namespace

CrashReport read_crash(const SharedPage& page) {
  const CrashDump& dump = page.dump;
  CrashReport report;
  report.cause = dump.cause.load(std::memory_order_acquire);
  const auto& text = dump.terminate_text;
  report.terminate_text.assign(text.data(), ::strnlen(text.data(), text.size()));
  if (report.cause == DumpCause::kNone) return report;
  report.signal = dump.signal;
  report.code = dump.code;
  report.address = dump.address;
  const std::uint64_t distance =
      std::max(dump.address, dump.stack_pointer) - std::min(dump.address, dump.stack_pointer);
  report.stack_overflow = dump.signal == SIGSEGV && distance < kOverflowDistance;
  const std::size_t frames = std::min<std::size_t>(dump.frames, kStackFrames);
  report.counters.assign(dump.counters.begin(), dump.counters.begin() + frames);
  const std::size_t map_bytes = std::min<std::size_t>(dump.memory_map_bytes, kMemoryMapBytes);
  report.modules = parse_memory_map({dump.memory_map.data(), map_bytes});
  return report;
}

std::string describe_signal(const CrashReport& report, int signal) {
  const char* name = ::sigabbrev_np(signal);
  std::string text =
      name == nullptr ? "signal " + std::to_string(signal) : "SIG" + std::string(name);
  const bool seen = report.cause == DumpCause::kSignal && report.signal == signal;
  if (signal == SIGABRT) {
    return report.terminate_text.empty() ? text + " (abort)"
                                         : text + ": uncaught " + report.terminate_text;
  }
  if (!seen) return text;
  if (report.stack_overflow) return text + ": stack overflow";
  if (signal == SIGSEGV || signal == SIGBUS) {
    char address[32];
    std::snprintf(address, sizeof address, " at address 0x%llx",
                  static_cast<unsigned long long>(report.address));
    text += address;
    if (signal == SIGSEGV && report.address < kNullPageBytes) text += " (null pointer)";
  }
  if (signal == SIGFPE && report.code == FPE_INTDIV) text += " (integer division by zero)";
  return text;
}

}  // namespace fanfold::worker
