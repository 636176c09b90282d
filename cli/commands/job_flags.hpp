// The flags that `run` and `submit` share: what the job is.

#pragma once

#include <vector>

#include "cli/commands/command.hpp"
#include "cli/job/job_spec.hpp"

namespace fanfold::cli {

std::vector<Flag> job_flags();

enum class OutputFlag : std::uint8_t { kRequired = 0, kOptional = 1 };

/// Checks every value; messages name the flag.  An output that is optional and not given is empty.
Result<JobRequest> make_job_request(const Arguments& arguments,
                                    OutputFlag output_flag = OutputFlag::kRequired);

Surroundings surroundings_of(const Environment& environment);

/// The number after --`flag`, at least `least`; nullopt when the flag is not given.
Result<std::optional<std::uint32_t>> count_flag(const Arguments& arguments, const std::string& flag,
                                                std::uint64_t least, std::uint64_t most);

/// --http: the port of a master's pages; nullopt when it is not given.
Flag http_flag();
Result<std::optional<std::uint16_t>> http_flag_value(const Arguments& arguments);

/// --memory of an executor; 0 when it is not given.
Result<std::uint64_t> memory_flag(const Arguments& arguments);

}  // namespace fanfold::cli
