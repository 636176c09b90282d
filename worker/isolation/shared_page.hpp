// Memory that an executor shares with its worker and that survives the executor: where user code
// is, and what killed it.  The executor writes; the worker trusts nothing it reads here.

#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "common/core/status.hpp"
#include "common/core/unique_fd.hpp"
#include "fanfold/abi.hpp"
#include "worker/exec/key_text.hpp"

namespace fanfold::worker {

inline constexpr std::size_t kStackFrames = 64;
inline constexpr std::size_t kTerminateTextBytes = 1024;
/// The text of /proc/self/maps at the time of the crash; real ones take a tenth of this.
inline constexpr std::size_t kMemoryMapBytes = 96u << 10;

/// What ended the attempt, as far as the executor itself could see.
enum class DumpCause : std::uint32_t {
  kNone = 0,
  kSignal = 1,     // A fatal signal; `signal`, `code` and `address` are set.
  kExit = 2,       // User code called exit().
  kStopped = 3,    // The worker asked for the stack before it kills.
  kException = 4,  // An exception left user code; the stack is that of its throw.
};

struct CrashDump {
  std::atomic<DumpCause> cause{DumpCause::kNone};
  std::int32_t signal = 0;
  std::int32_t code = 0;
  std::uint64_t address = 0;
  std::uint64_t stack_pointer = 0;
  std::uint32_t frames = 0;
  std::uint32_t memory_map_bytes = 0;
  std::array<std::uint64_t, kStackFrames> counters{};  // Program counters, innermost first.
  std::array<char, kTerminateTextBytes> terminate_text{};
  std::array<char, kMemoryMapBytes> memory_map{};
};

struct SharedPage {
  std::atomic<std::uint32_t> began{0};  // The executor stands: what ends it now is not the system.
  abi::ProgressSlot progress;
  std::atomic<std::uint64_t> bytes_read{0};
  std::atomic<std::uint32_t> loading_plugin{0};  // Its static initialisers run.
  std::atomic<std::uint32_t> key_saved{0};       // At the end, if it came while keys were reduced.
  std::uint32_t key_bytes = 0;
  std::array<char, kKeyBytes + 1> key{};  // The beginning of the encoded key at hand.
  CrashDump dump;
};

/// A mapping of the page; the memfd behind it can be handed to another process.
class SharedMapping {
 public:
  static Result<SharedMapping> create();
  /// Takes over a descriptor made by create() in another process.
  static Result<SharedMapping> attach(UniqueFd descriptor);
  SharedMapping(SharedMapping&& other) noexcept;
  SharedMapping& operator=(SharedMapping&&) = delete;
  ~SharedMapping();

  SharedPage& page() const { return *page_; }
  int descriptor() const { return descriptor_.get(); }

 private:
  SharedMapping(UniqueFd descriptor, SharedPage* page)
      : descriptor_(std::move(descriptor)), page_(page) {}

  UniqueFd descriptor_;
  SharedPage* page_;
};

/// Before an attempt is handed to its executor: no progress, no crash.
void reset(SharedPage& page);

}  // namespace fanfold::worker
