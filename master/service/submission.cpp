#include "master/service/submission.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "common/core/limits.hpp"
#include "common/inputs/host_input.hpp"
#include "common/io/scheme.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/redrive.hpp"
#include "common/text/trace_context.hpp"
#include "master/planner/input_files.hpp"
#include "master/service/completion.hpp"
#include "master/service/replication.hpp"

namespace fanfold::master {
namespace {

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

/// Names travel into paths, log lines and tables.
bool is_name(std::string_view name) {
  if (name.empty() || name.size() > limits::kNameBytes || name == "." || name == "..") return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

Status check_path(const char* what, std::string_view path, bool in_store = false) {
  const std::string quoted = std::string(what) + " '" + std::string(path.substr(0, 200)) + "'";
  const bool absolute = !path.empty() && path.front() == '/';
  if (!absolute && !in_store) return refuse(quoted + " is not an absolute path");
  if (path.size() > limits::kPathBytes) {
    return refuse(quoted + "... is longer than " + std::to_string(limits::kPathBytes) + " bytes");
  }
  if (path.find('\0') != std::string_view::npos) return refuse(quoted + " contains a zero byte");
  return {};
}

/// Of data: where all workers can reach it.
Status check_place(const char* what, std::string_view path) {
  return check_path(what, path, io::scheme_of(path) == "s3");
}

Status check_reference(const char* what, const proto::FileReference& file) {
  if (file.name.empty() || file.name.size() > limits::kWorkerTextBytes ||
      file.name.find('/') != std::string::npos || file.name.find('\0') != std::string::npos) {
    return refuse(std::string(what) + " has an unusable name '" + file.name.substr(0, 200) + "'");
  }
  FANFOLD_RETURN_IF_ERROR(check_path(what, file.path));
  const bool is_digest = file.sha256.size() == 64 &&
                         file.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!is_digest) {
    return refuse(std::string(what) + " '" + file.name + "' comes without a SHA-256 digest");
  }
  return {};
}

/// "TAG=/path", "@/list", "TAG=@/list" or "/path"; or, alone, what a redrive reads.
Status check_input(const proto::JobSpec& spec, std::string_view input) {
  if (const auto directory = proto::redriven_directory(spec)) {
    if (spec.open) return refuse("a redrive maps certain records, and cannot be fed others");
    return check_path("input", *directory);
  }
  std::string_view path = input;
  std::string_view tag;
  const bool plain = path.starts_with('/') || path.starts_with('@') || path.starts_with("s3://") ||
                     inputs::is_host_input(path);
  if (!plain) {
    const std::size_t equals = path.find('=');
    if (equals != std::string_view::npos) {
      tag = path.substr(0, equals);
      path.remove_prefix(equals + 1);
    }
  }
  if (inputs::is_host_input(path)) {
    FANFOLD_RETURN_IF_ERROR(inputs::check_host_input(path));
  } else {
    if (path.starts_with('@')) path.remove_prefix(1);
    FANFOLD_RETURN_IF_ERROR(check_place("input", path));
  }
  if (tag.empty()) return {};
  const auto& tags = spec.input_tags;
  if (std::find(tags.begin(), tags.end(), tag) != tags.end()) return {};
  std::string message = "input '" + std::string(input.substr(0, 200)) + "': job " + spec.job_name;
  if (tags.empty()) return refuse(message + " declares no named inputs; give the path alone");
  message += " has no input called '" + std::string(tag.substr(0, 64)) + "'; it has";
  for (const std::string& known : tags) message += " " + known;
  return refuse(message);
}

Status check_parameters(const proto::JobSpec& spec) {
  if (spec.parameters.size() > limits::kParametersPerJob) {
    return refuse("a job may have at most " + std::to_string(limits::kParametersPerJob) +
                  " parameters");
  }
  for (const auto& [name, value] : spec.parameters) {
    if (!is_name(name)) return refuse("parameter name '" + name.substr(0, 200) + "' is unusable");
  }
  return {};
}

Status check_side_files(const proto::JobSpec& spec) {
  if (spec.side_files.size() > limits::kSideFilesPerJob) {
    return refuse("a job may have at most " + std::to_string(limits::kSideFilesPerJob) +
                  " side files");
  }
  std::set<std::string_view> names;
  for (const proto::FileReference& file : spec.side_files) {
    FANFOLD_RETURN_IF_ERROR(check_reference("side file", file));
    if (!names.insert(file.name).second) {
      return refuse("two side files are called '" + file.name + "'");
    }
  }
  return {};
}

Status check_preferences(const proto::JobSpec& spec) {
  if (spec.locality_wait_ms > limits::kLocalityWaitMsMost) {
    return refuse("a task can wait for a preferred host for an hour at most");
  }
  if (spec.prefer.size() > limits::kPreferences) {
    return refuse(std::to_string(spec.prefer.size()) + " preferences are too many: at most " +
                  std::to_string(limits::kPreferences));
  }
  for (const proto::Preference& one : spec.prefer) {
    FANFOLD_RETURN_IF_ERROR(check_place("preferred input", one.pattern));
    if (one.hosts.empty() || one.hosts.size() > limits::kPreferredHosts) {
      return refuse("input '" + one.pattern.substr(0, 200) + "' prefers " +
                    std::to_string(one.hosts.size()) + " hosts: it is 1 to " +
                    std::to_string(limits::kPreferredHosts));
    }
    for (const std::string& host : one.hosts) {
      if (inputs::is_host_name(host)) continue;
      return refuse("'" + host.substr(0, 200) + "' is not the name of a host");
    }
  }
  return {};
}

Status check_gather(const proto::GatherPolicy& gather) {
  const bool gathers = gather.how != abi::Gather::kNone;
  if (!gathers && gather.arity == 0) return {};
  if (!gathers) return refuse("it is said how many results are gathered at once, but not how");
  if (gather.arity >= abi::kGatherArityLeast && gather.arity <= abi::kGatherArityMost) return {};
  return refuse("a gather task cannot bring " + std::to_string(gather.arity) +
                " results together: it is " + std::to_string(abi::kGatherArityLeast) + " to " +
                std::to_string(abi::kGatherArityMost));
}

bool enums_are_known(const proto::JobSpec& spec) {
  const auto within = [](auto value, int first, int last) {
    return static_cast<int>(value) >= first && static_cast<int>(value) <= last;
  };
  return within(spec.on_exists, 0, 1) && within(spec.output_format, 1, 3) &&
         within(spec.output_compression, 0, 2) && within(spec.shuffle, 0, 1) &&
         within(spec.replicas.accept, 0, 2) && within(spec.format, 1, 6) &&
         within(spec.partitioning, 1, 3) && within(spec.gather.how, 0, 3) &&
         within(spec.shuffle_mode, 0, 3);
}

Status check_numbers(const proto::JobSpec& spec) {
  if (spec.partitions > limits::kPartitions) {
    return refuse(std::to_string(spec.partitions) + " reducers are too many: at most " +
                  std::to_string(limits::kPartitions));
  }
  if (spec.verify_per_million > 1'000'000) {
    return refuse("more than all map tasks cannot be compared with a second run");
  }
  if (spec.attempts_max > limits::kAttemptsPerTaskMost) {
    return refuse(std::to_string(spec.attempts_max) + " attempts a task are too many: at most " +
                  std::to_string(limits::kAttemptsPerTaskMost));
  }
  if (spec.record_bytes_max > limits::kRecordBytes) {
    return refuse("records of " + std::to_string(spec.record_bytes_max) +
                  " bytes are too large: at most " + std::to_string(limits::kRecordBytes));
  }
  if (spec.format == abi::RecordFormat::kFixed && spec.fixed_length == 0) {
    return refuse("job " + spec.job_name +
                  " reads records of a fixed length, but the length is not given: pass "
                  "--param record_length=BYTES");
  }
  if (spec.fixed_length > limits::kRecordBytes) {
    return refuse("a fixed record length of " + std::to_string(spec.fixed_length) +
                  " bytes is too large: at most " + std::to_string(limits::kRecordBytes));
  }
  return {};
}

const char* name_of(abi::RecordFormat format) {
  switch (format) {
    case abi::RecordFormat::kLines:
      return "lines";
    case abi::RecordFormat::kKeyValue:
      return "keys and values";
    case abi::RecordFormat::kCsv:
      return "CSV";
    case abi::RecordFormat::kJsonLines:
      return "JSON lines";
    case abi::RecordFormat::kFixed:
      return "records of a fixed length";
    case abi::RecordFormat::kWholeFile:
      return "whole files";
  }
  return "something unknown";
}

/// What has to be known of all of the input before its first record is mapped does not go together
/// with input that comes later.
Status check_open(const proto::JobSpec& spec) {
  if (!spec.open) return {};
  const std::string name = "an open job, whose input grows, ";
  using abi::RecordFormat;
  if (spec.format != RecordFormat::kLines && spec.format != RecordFormat::kKeyValue &&
      spec.format != RecordFormat::kJsonLines) {
    return refuse(name + "is fed lines; job " + spec.job_name + " reads " + name_of(spec.format) +
                  ", and where one record of them ends only a reader of a whole file knows");
  }
  using proto::CompletionRule;
  if (spec.completion.rule != CompletionRule::kAll &&
      spec.completion.rule != CompletionRule::kAllCompleted) {
    return refuse(name + "can be completed by all or all-completed: nobody knows how many tasks " +
                  "there will be");
  }
  if (spec.deadline_ms != 0) return refuse(name + "has no deadline: close it when it is time");
  if (spec.partitioning == abi::Partitioning::kRange && spec.partitions != 1) {
    return refuse(name + "cannot be sorted over several parts, which takes a look at all of the " +
                  "input first; ask for one part (-r 1)");
  }
  if (!spec.input_tags.empty()) {
    return refuse(name + "cannot have named inputs: what is fed belongs to none of them");
  }
  if (!io::scheme_of(spec.output).empty()) {
    return refuse(name + "writes to a directory, where what it is fed is kept, and not to a store");
  }
  if (!spec.prefer.empty())
    return refuse(name + "can prefer no hosts: what it is fed is near none");
  if (spec.items != 0) return refuse(name + "has no number of items that shares could be of");
  if (spec.gather.how == abi::Gather::kReduce) {
    return refuse(name +
                  "cannot be gathered by reducing, for which the number of its maps decides " +
                  "where each goes: use --gather concat or merge-sort");
  }
  if (spec.partitions == 0) {
    return refuse(name +
                  "needs to be told how many reduce tasks it has (-r N): nobody knows how "
                  "much there will be to reduce");
  }
  return {};
}

}  // namespace

Status check_submission(const proto::JobSpec& spec) {
  if (!is_name(spec.job_name)) {
    return refuse("job name '" + spec.job_name.substr(0, 200) +
                  "' is unusable: letters, digits, '_', '-' and '.', at most " +
                  std::to_string(limits::kNameBytes));
  }
  FANFOLD_RETURN_IF_ERROR(check_reference("plugin", spec.plugin));
  if (spec.inputs.empty() && !spec.open) {
    return refuse("job " + spec.job_name + " has no input");
  }
  for (const std::string& input : spec.inputs) {
    FANFOLD_RETURN_IF_ERROR(check_input(spec, input));
  }
  FANFOLD_RETURN_IF_ERROR(check_place("output", spec.output));
  if (!spec.profile.empty()) {
    FANFOLD_RETURN_IF_ERROR(check_path("directory for samples", spec.profile));
  }
  if (spec.output.find_first_not_of('/') == std::string::npos) {
    return refuse("the root directory cannot be the output of a job");
  }
  if (!enums_are_known(spec)) {
    return refuse(
        "the job uses an option that this master does not know: is it older than the "
        "command that submitted?");
  }
  FANFOLD_RETURN_IF_ERROR(check_open(spec));
  FANFOLD_RETURN_IF_ERROR(check_numbers(spec));
  FANFOLD_RETURN_IF_ERROR(check_completion(spec));
  FANFOLD_RETURN_IF_ERROR(check_gather(spec.gather));
  FANFOLD_RETURN_IF_ERROR(check_retry(spec));
  FANFOLD_RETURN_IF_ERROR(check_bad_records(spec));
  FANFOLD_RETURN_IF_ERROR(check_control(spec.control));
  FANFOLD_RETURN_IF_ERROR(check_replicas(spec));
  FANFOLD_RETURN_IF_ERROR(check_preferences(spec));
  FANFOLD_RETURN_IF_ERROR(check_parameters(spec));
  FANFOLD_RETURN_IF_ERROR(check_side_files(spec));
  if (spec.client_id.size() > limits::kNameBytes || spec.submitted_by.size() > limits::kNameBytes) {
    return refuse("the client id or user name is longer than " +
                  std::to_string(limits::kNameBytes) + " bytes");
  }
  if (!spec.traceparent.empty() && !parse_traceparent(spec.traceparent)) {
    return refuse("the traceparent is none: 00-TRACE-PARENT-FLAGS, in lower-case hex digits");
  }
  // The description travels with every task.
  const std::size_t bytes = proto::encode(proto::Submit{.spec = spec}).size();
  if (bytes > limits::kJobSpecBytes) {
    return {StatusCode::kExhausted,
            "the description of job " + spec.job_name + " is " + std::to_string(bytes) +
                " bytes, more than the " + std::to_string(limits::kJobSpecBytes) +
                " that fit: put the inputs into a file and pass @FILE, or shorten the parameters"};
  }
  return {};
}

Status check_reads_hosts(const proto::JobSpec& spec) {
  if (spec.open) return refuse("an open job, whose input grows, cannot read what lies on hosts");
  if (!spec.replicas.replicated()) return {};
  return refuse(
      "what lies on a host is read by workers of that host alone, which may all be wrong in the "
      "same way: leave out the replicas");
}

}  // namespace fanfold::master
