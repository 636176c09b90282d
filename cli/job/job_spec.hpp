// From the words of `run` and `submit` to a complete JobSpec: the plugin described, parameters
// checked and completed, paths absolute, files digested.  Whether inputs exist is the planner's
// business, not ours.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/core/limits.hpp"
#include "common/core/status.hpp"
#include "common/proto/types.hpp"

namespace fanfold::cli {

/// Flags of `run` and `submit` that say what the job is, as typed.
struct JobRequest {
  std::string job;
  std::optional<std::string> plugin;
  std::vector<std::string> inputs;
  std::string output;
  std::vector<std::string> parameters;
  std::vector<std::string> side_files;
  std::uint32_t partitions = 0;  // 0: auto.
  proto::OnExists on_exists = proto::OnExists::kFail;
  std::optional<abi::OutputFormat> format;
  io::PartCompression compression = io::PartCompression::kNone;
  proto::ShufflePath shuffle = proto::ShufflePath::kAuto;
  proto::ShuffleMode shuffle_mode = proto::ShuffleMode::kPull;
  std::uint64_t split_bytes = 0;
  std::uint64_t memory_bytes = 0;
  std::uint32_t attempts_max = 0;
  std::uint64_t task_timeout_ms = 0;
  bool speculate = true;
  bool measure_keys = true;
  std::uint64_t hot_partition_bytes = 0;  // As in JobSpec.
  std::string client_id;                  // Empty: a new one.
  std::uint32_t verify_per_million = 0;
  proto::CompletionPolicy completion;
  proto::JobControl control;
  std::uint64_t deadline_ms = 0;
  proto::OnDeadline on_deadline = proto::OnDeadline::kFail;
  std::vector<proto::Retrier> retry;
  std::string traceparent;  // Empty: that of the surroundings.
  proto::BadRecordPolicy bad_records;
  proto::ReplicaPolicy replicas;
  std::uint64_t stall_timeout_ms = 0;  // 0: the default.
  std::optional<abi::Gather> gather;   // Not given: as the job says.
  std::uint32_t gather_arity = 0;      // 0: not given.
  bool open = false;
  std::vector<proto::Preference> prefer;  // Patterns as typed.
  std::uint64_t locality_wait_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(limits::kLocalityWait).count();
};

struct Surroundings {
  std::string program_directory;
  std::string working_directory;
  std::string user;
  std::string traceparent;  // Of whoever started this command; empty: it is in no trace.
  std::string search_path = "/usr/local/bin:/usr/bin:/bin";  // Of programs.
};

/// Runs a child process that loads the plugin: call it before any thread exists.  Standard input
/// ("-") is left as it is: see has_standard_input().
Result<proto::JobSpec> make_job_spec(const Surroundings& surroundings, const JobRequest& request);

/// Unguessable is not needed, different for each submission is.
std::string make_client_id();

/// Whether an input, made absolute, is "-" or "TAG=-".
bool is_standard_input(const std::string& input);

/// Whether an input of `spec` is standard input.
bool has_standard_input(const proto::JobSpec& spec);

/// What may end a long wait: when `descriptor` becomes readable, `happened` is asked.
struct InterruptCheck {
  int descriptor = -1;  // -1: nothing does.
  std::function<bool()> happened;
};

/// Copies what descriptor `from` gives into the new file `path` and makes it the input instead of
/// "-".  kAborted when an interrupt comes first.
Status copy_standard_input(int from, const std::string& path, const InterruptCheck& interrupt,
                           proto::JobSpec* spec);

/// Absolute, without "." and trailing slashes; symbolic links are left alone.
std::string absolute_path(const std::string& working_directory, const std::string& path);

}  // namespace fanfold::cli
