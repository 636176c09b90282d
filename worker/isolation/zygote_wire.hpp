// What worker and zygote say to each other: fixed structs over a SOCK_SEQPACKET pair.  Both ends
// are the same program, so a struct is its own encoding.

#pragma once

#include <cstdint>

namespace fanfold::worker {

enum class ZygoteOrder : std::uint32_t { kStart = 1, kSignalGroup = 2, kSignalProcess = 3 };

struct ZygoteRequest {
  ZygoteOrder order = ZygoteOrder::kStart;
  std::int32_t signal = 0;
  std::uint64_t token = 0;
  std::uint64_t data_bytes_max = 0;
};

/// control, page, log: passed along with a kStart.
inline constexpr int kPassedDescriptors = 3;

/// Serves requests until the other end closes; then kills every executor and exits.
[[noreturn]] void run_zygote(int socket);

}  // namespace fanfold::worker
