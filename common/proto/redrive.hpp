// A redrive as a job (docs/patterns/dead_letters.md): its maps pass on what reduces of the earlier
// generation of an output kept, and map the records that it lacks.  Its one input names the
// directory where both lie.

#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/proto/types.hpp"

namespace fanfold::proto {

/// The first protocol whose workers know such jobs.
inline constexpr std::uint32_t kRedriveSince = 7;

/// As an input: "redrive:/home/me/out.work/redrive/earlier", with files named as
/// io::pairs_file_name() says and io::kDeadLettersName.
std::string redrive_input(const std::string& directory);
/// That directory; nullopt: an ordinary job.
std::optional<std::string> redriven_directory(const JobSpec& spec);

/// What tells whether a record is still what it was when it was put aside: of the XXH3-64 of its
/// bytes, in place of the version of a piece's file.
std::string record_version(std::uint64_t xxh3_64);

/// Adds, as unsigned numbers are added: user code may count beyond the range of its counters.  Of
/// names that are longer so many bytes count.
void add_counters(const std::map<std::string, std::int64_t>& from, std::size_t name_bytes,
                  std::map<std::string, std::int64_t>* to);

/// Whether the reduces of such a job keep what they read when records have been put aside.  Not
/// where results are gathered, nor in an object store.
bool keeps_pairs(const JobSpec& spec, std::uint32_t partitions);

}  // namespace fanfold::proto
