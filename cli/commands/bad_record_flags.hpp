// The flags that say what becomes of records that map() throws, crashes or hangs on.

#pragma once

#include <vector>

#include "cli/job/job_spec.hpp"
#include "cli/options/command_line.hpp"

namespace fanfold::cli {

std::vector<Flag> bad_record_flags();

Status read_bad_record_flags(const Arguments& arguments, JobRequest* request);

/// `--stall-timeout` alone: of a redrive, too.  0: not given.
Flag stall_timeout_flag_entry();
Result<std::uint64_t> stall_timeout_flag(const Arguments& arguments);

}  // namespace fanfold::cli
