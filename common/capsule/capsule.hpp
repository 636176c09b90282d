// What a failed attempt leaves behind: enough to run exactly that attempt once more, later and
// without its cluster (`fanfold replay`).  A capsule is a small file beside the event log of its
// job: a line that says what it is, a checksum, the fields.  It holds no input, only what the input
// looked like; docs/operating/replay.md.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/proto/stored.hpp"

namespace fanfold {

/// Capsules that are kept of one job: those of its first failed attempts, and of its last.
inline constexpr std::size_t kCapsulesPerJob = 1000;

/// "map-3.1.capsule"
std::string capsule_name(const TaskId& task, std::uint32_t attempt_number);
/// Where the capsules of the job lie whose event log is `event_log`.
std::string capsule_directory(const std::string& event_log);

/// Whether an attempt that ended like this leaves one: not when its worker went away, or when
/// nobody needed it any more.
bool leaves_capsule(proto::FailureKind kind);

std::string seal_capsule(const proto::Capsule& capsule);
/// Total.  kCorruption: `bytes` are no capsule, a damaged one, or one of another version.
Result<proto::Capsule> open_capsule(std::string_view bytes);

/// Notes what the inputs of the attempt look like now: their sizes, the bytes at the beginning and
/// end of each share of a file (of many files, the first), the record that failed.  Blocks.
void mark_inputs(io::FileSystem& files, proto::Capsule* capsule);

/// What of the marks is not so any more, one line a file; empty: all is as it was.
std::vector<std::string> changed_inputs(io::FileSystem& files, const proto::Capsule& capsule);

/// The piece of its split in which the record lies that it failed at; nullopt: it is not known.
std::optional<std::uint32_t> piece_of_record(const proto::Capsule& capsule);

}  // namespace fanfold
