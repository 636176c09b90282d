#include "cli/commands/job_flags.hpp"

#include <array>
#include <charconv>
#include <utility>

#include "cli/commands/bad_record_flags.hpp"
#include "cli/commands/completion_flags.hpp"
#include "cli/commands/control_flags.hpp"
#include "cli/commands/gather_flags.hpp"
#include "cli/commands/locality_flags.hpp"
#include "cli/commands/replica_flags.hpp"
#include "cli/text/suggest.hpp"
#include "common/core/limits.hpp"
#include "common/text/trace_context.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

constexpr std::uint64_t kAttemptsMax = 100;
// Less than this and a task could not hold its own buffers.
constexpr std::uint64_t kMemoryLeast = 32u << 20;

Status about(const std::string& flag, const Status& status) {
  return Status(status.code(), "--" + flag + ": " + status.message() + ".");
}

template <class Value>
struct Choice {
  const char* name;
  Value value;
};

template <class Value, std::size_t N>
Result<Value> choose(const Arguments& arguments, const std::string& flag,
                     const std::array<Choice<Value>, N>& choices) {
  const std::optional<std::string> word = arguments.value(flag);
  if (!word.has_value()) return choices[0].value;
  std::vector<std::string> names;
  for (const Choice<Value>& choice : choices) {
    if (*word == choice.name) return choice.value;
    names.emplace_back(choice.name);
  }
  return Status(StatusCode::kInvalidArgument, "--" + flag + ": '" + *word + "' is not " +
                                                  join_words(names, " or ") + "." +
                                                  did_you_mean(*word, names));
}

Result<std::uint64_t> size_flag(const Arguments& arguments, const std::string& flag,
                                std::uint64_t least) {
  const std::optional<std::string> word = arguments.value(flag);
  if (!word.has_value()) return std::uint64_t{0};
  const Result<std::uint64_t> bytes = parse_bytes(*word);
  if (!bytes.ok()) return about(flag, bytes.status());
  if (*bytes < least) {
    return Status(StatusCode::kInvalidArgument, "--" + flag + ": " + *word + " is too little; " +
                                                    format_bytes(least) + " is the least.");
  }
  return *bytes;
}

Status read_limits(const Arguments& arguments, JobRequest* request) {
  FANFOLD_ASSIGN_OR_RETURN(request->split_bytes, size_flag(arguments, "split-bytes", 1));
  FANFOLD_ASSIGN_OR_RETURN(request->memory_bytes, memory_flag(arguments));
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<std::uint32_t> attempts,
                           count_flag(arguments, "attempts", 1, kAttemptsMax));
  request->attempts_max = attempts.value_or(0);
  if (const auto word = arguments.value("task-timeout")) {
    const Result<Duration> timeout = parse_duration(*word);
    if (!timeout.ok()) return about("task-timeout", timeout.status());
    const auto milliseconds =
        std::chrono::duration_cast<std::chrono::milliseconds>(*timeout).count();
    if (milliseconds < 1) {
      return Status(StatusCode::kInvalidArgument,
                    "--task-timeout: " + *word + " is too short; 1ms is the least.");
    }
    request->task_timeout_ms = static_cast<std::uint64_t>(milliseconds);
  }
  return Status();
}

/// "1%", "0.5%" or "100%" as parts per million.
Result<std::uint32_t> sample_flag(const Arguments& arguments) {
  const std::optional<std::string> word = arguments.value("verify-sample");
  if (!word.has_value()) return std::uint32_t{0};
  double percent = 0;
  const char* const end = word->data() + word->size();
  const auto [rest, error] = std::from_chars(word->data(), end, percent);
  if (error != std::errc() || std::string_view(rest, end) != "%" || !(percent > 0) ||
      percent > 100) {
    return Status(StatusCode::kInvalidArgument,
                  "--verify-sample: '" + *word + "' is no share of the map tasks, such as 1%.");
  }
  return static_cast<std::uint32_t>(percent * 10'000);
}

Status read_identity(const Arguments& arguments, JobRequest* request) {
  request->client_id = arguments.value("client-id").value_or("");
  if (request->client_id.size() > limits::kNameBytes) {
    return Status(StatusCode::kInvalidArgument,
                  "--client-id: more than " + std::to_string(limits::kNameBytes) + " bytes.");
  }
  return Status();
}

Status read_traceparent(const Arguments& arguments, JobRequest* request) {
  request->traceparent = arguments.value("traceparent").value_or("");
  if (!arguments.has("traceparent") || parse_traceparent(request->traceparent)) return Status();
  return Status(StatusCode::kInvalidArgument,
                "--traceparent: '" + request->traceparent +
                    "' is none; it has to be 00-TRACE-PARENT-FLAGS, in lower-case hex digits: 32 "
                    "and 16, not all 0, and 2.");
}

Status read_output_flags(const Arguments& arguments, JobRequest* request) {
  using abi::OutputFormat;
  using io::PartCompression;
  FANFOLD_ASSIGN_OR_RETURN(
      request->on_exists,
      choose(arguments, "on-exists",
             std::array<Choice<proto::OnExists>, 2>{
                 {{"fail", proto::OnExists::kFail}, {"replace", proto::OnExists::kReplace}}}));
  FANFOLD_ASSIGN_OR_RETURN(
      request->format,
      choose(arguments, "format",
             std::array<Choice<OutputFormat>, 3>{{{"text", OutputFormat::kText},
                                                  {"jsonl", OutputFormat::kJsonLines},
                                                  {"binary", OutputFormat::kBinary}}}));
  FANFOLD_ASSIGN_OR_RETURN(
      request->compression,
      choose(arguments, "compress",
             std::array<Choice<PartCompression>, 3>{{{"none", PartCompression::kNone},
                                                     {"gzip", PartCompression::kGzip},
                                                     {"zstd", PartCompression::kZstd}}}));
  return Status();
}

}  // namespace

std::vector<Flag> job_flags() {
  std::vector<Flag> flags = {
      {"output", 'o', "DIR", "Directory to write; it appears complete or not at all.", false},
      {"reducers", 'r', "N|auto", "Reduce tasks, and so part files. Default: auto.", false},
      {"param", '\0', "NAME=VALUE", "Parameter of the job: 'fanfold jobs JOB' lists them.", true},
      {"file", '\0', "NAME=PATH",
       "Side file that every task can read under this name; over TCP it travels "
       "to the workers.",
       true},
      {"plugin", '\0', "FILE", "Shared object that JOB is to be found in.", false},
      {"on-exists", '\0', "fail|replace", "When DIR exists. Default: fail.", false},
      {"format", '\0', "text|jsonl|binary", "Format of the output. Default: text.", false},
      {"compress", '\0', "none|gzip|zstd", "Compression of the output. Default: none.", false},
      {"memory", '\0', "SIZE", "Memory of each executor. Default: a share of the machine's.",
       false},
      {"split-bytes", '\0', "SIZE", "Input of one map task. Default: chosen from the input.",
       false},
      {"attempts", '\0', "N", "Failed attempts at a task that fail the job. Default: 4.", false},
      {"task-timeout", '\0', "TIME", "Wall time of one attempt, such as 90s. Default: none.",
       false},
      {"no-speculation", '\0', "", "No second attempts at slow tasks.", false},
      {"no-hot-keys", '\0', "", "Maps do not look for the keys that most of their output is of.",
       false},
      {"hot-partitions", '\0', "SIZE",
       "From this size on a partition may be hot: it is reported, and several tasks share its "
       "reduce if the job can fold. auto: 64 MiB. off: none is hot. Default: auto.",
       false},
      {"verify-sample", '\0', "P%",
       "Run this share of the map tasks on a second worker and compare. Default: none.", false},
      {"client-id", '\0', "ID", "Submitting again under the same ID gives the same job.", false},
      {"shuffle", '\0', "pull|push|hybrid|auto",
       "When map output goes to other hosts: asked for by reducers, at once, or small parts at "
       "once (docs/operating/shuffle.md). Default: pull.",
       false},
      {"shuffle-over-network", '\0', "",
       "Reducers fetch everything from data servers, files of this host too.", false},
      {"traceparent", '\0', "TRACEPARENT",
       "The W3C trace context that the job is a part of. Default: TRACEPARENT, if it is one.",
       false},
  };
  for (Flag& flag : completion_flags()) flags.push_back(std::move(flag));
  for (Flag& flag : gather_flags()) flags.push_back(std::move(flag));
  for (Flag& flag : replica_flags()) flags.push_back(std::move(flag));
  for (Flag& flag : locality_flags()) flags.push_back(std::move(flag));
  for (Flag& flag : bad_record_flags()) flags.push_back(std::move(flag));
  for (Flag& flag : control_flags()) flags.push_back(std::move(flag));
  return flags;
}

Result<std::optional<std::uint32_t>> count_flag(const Arguments& arguments, const std::string& flag,
                                                std::uint64_t least, std::uint64_t most) {
  const std::optional<std::string> word = arguments.value(flag);
  if (!word.has_value()) return std::optional<std::uint32_t>();
  const Result<std::uint64_t> count = parse_count(*word, least, most);
  if (!count.ok()) return about(flag, count.status());
  return std::optional<std::uint32_t>(static_cast<std::uint32_t>(*count));
}

Flag http_flag() {
  return {"http", '\0', "PORT",
          "Show pages and /metrics at this port of 127.0.0.1 (docs/operating/dashboard.md).",
          false};
}

Result<std::optional<std::uint16_t>> http_flag_value(const Arguments& arguments) {
  FANFOLD_ASSIGN_OR_RETURN(const auto port, count_flag(arguments, "http", 1, 65535));
  if (!port) return std::optional<std::uint16_t>();
  return std::optional<std::uint16_t>(static_cast<std::uint16_t>(*port));
}

Result<std::uint64_t> hot_partitions_flag(const Arguments& arguments) {
  const std::string word = arguments.value("hot-partitions").value_or("auto");
  if (word == "auto") return std::uint64_t{0};
  if (word == "off") return proto::kNeverHot;
  if (parse_bytes(word).ok()) return size_flag(arguments, "hot-partitions", 1);
  return Status(StatusCode::kInvalidArgument,
                "--hot-partitions: '" + word + "' is not auto, off or a size such as 256M.");
}

Result<std::uint64_t> memory_flag(const Arguments& arguments) {
  return size_flag(arguments, "memory", kMemoryLeast);
}

Result<JobRequest> make_job_request(const Arguments& arguments, OutputFlag output_flag) {
  JobRequest request;
  const std::vector<std::string>& words = arguments.positionals();
  request.job = words.front();
  request.inputs.assign(words.begin() + 1, words.end());
  request.plugin = arguments.value("plugin");
  const std::optional<std::string> output = arguments.value("output");
  if (!output.has_value() && output_flag == OutputFlag::kRequired) {
    return Status(StatusCode::kInvalidArgument,
                  "the output directory is missing; name it with -o DIR.");
  }
  request.output = output.value_or("");
  request.parameters = arguments.values("param");
  request.side_files = arguments.values("file");
  if (arguments.value("reducers").value_or("auto") != "auto") {
    FANFOLD_ASSIGN_OR_RETURN(const std::optional<std::uint32_t> count,
                             count_flag(arguments, "reducers", 1, limits::kPartitions));
    request.partitions = count.value_or(0);
  }
  FANFOLD_RETURN_IF_ERROR(read_output_flags(arguments, &request));
  FANFOLD_RETURN_IF_ERROR(read_limits(arguments, &request));
  FANFOLD_RETURN_IF_ERROR(read_identity(arguments, &request));
  FANFOLD_RETURN_IF_ERROR(read_traceparent(arguments, &request));
  FANFOLD_RETURN_IF_ERROR(read_completion_flags(arguments, &request));
  FANFOLD_RETURN_IF_ERROR(read_gather_flags(arguments, &request));
  FANFOLD_RETURN_IF_ERROR(read_replica_flags(arguments, &request));
  FANFOLD_RETURN_IF_ERROR(read_locality_flags(arguments, &request));
  FANFOLD_RETURN_IF_ERROR(read_bad_record_flags(arguments, &request));
  FANFOLD_RETURN_IF_ERROR(read_control_flags(arguments, &request));
  using proto::ShuffleMode;
  FANFOLD_ASSIGN_OR_RETURN(
      request.shuffle_mode,
      choose(arguments, "shuffle",
             std::array<Choice<ShuffleMode>, 4>{{{"pull", ShuffleMode::kPull},
                                                 {"push", ShuffleMode::kPush},
                                                 {"hybrid", ShuffleMode::kHybrid},
                                                 {"auto", ShuffleMode::kAuto}}}));
  if (arguments.has("shuffle-over-network")) request.shuffle = proto::ShufflePath::kNetwork;
  request.speculate = !arguments.has("no-speculation");
  request.measure_keys = !arguments.has("no-hot-keys");
  FANFOLD_ASSIGN_OR_RETURN(request.hot_partition_bytes, hot_partitions_flag(arguments));
  FANFOLD_ASSIGN_OR_RETURN(request.verify_per_million, sample_flag(arguments));
  return request;
}

Surroundings surroundings_of(const Environment& environment) {
  // What is no trace context is that of nobody, as the standard has it.
  const std::string traceparent = environment.traceparent.value_or("");
  Surroundings surroundings{environment.program_directory, environment.working_directory,
                            environment.user, parse_traceparent(traceparent) ? traceparent : ""};
  if (environment.search_path) surroundings.search_path = *environment.search_path;
  return surroundings;
}

}  // namespace fanfold::cli
