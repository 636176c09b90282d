// Where `replay` gets the capsule of a failed attempt from: a master, the event directory of one
// that is gone, or what `run --events` kept.

#pragma once

#include <string>
#include <string_view>

#include "cli/commands/command.hpp"
#include "cli/view/names.hpp"

namespace fanfold::cli {

/// "3/map-7.1": a job that a master knows; "events.jsonl/map-7.1": one whose log is in that file.
struct ReplayTarget {
  std::string event_log;  // Empty: a job.
  TaskId task;
  std::uint32_t attempt_number = 1;
};
Result<ReplayTarget> parse_replay_target(std::string_view text);

/// Its bytes.  kNotFound says where it was looked for, and why it may not be there.
Result<std::string> find_capsule(const Environment& environment, const Arguments& arguments,
                                 const ReplayTarget& target);

/// Copies the capsules of `from` to where those of the event log `event_log` belong, in place of
/// what an earlier run left there.  Without any, nothing is made.
Status copy_capsules(const std::string& from, const std::string& event_log);
/// Writes one of them there.
Status write_capsule(const std::string& event_log, const std::string& name, std::string_view bytes);
/// Removes those of an earlier run.
void remove_capsules(const std::string& event_log);

}  // namespace fanfold::cli
