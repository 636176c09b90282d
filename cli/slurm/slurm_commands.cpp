#include "cli/slurm/slurm_commands.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>

#include "cli/process/spawn.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

/// Some 200,000 lines.
constexpr std::size_t kQueueBytesMax = 4u << 20;

/// Options of sbatch; -J, -a and -M are the same.
constexpr std::string_view kHiding[] = {"job-name", "array", "clusters"};

std::vector<std::string> words_of(const std::vector<std::uint64_t>& jobs) {
  std::vector<std::string> words;
  for (const std::uint64_t job : jobs) words.push_back(std::to_string(job));
  return words;
}

/// Without what the user's environment says of queues and jobs in general: it would hide some of
/// ours, or make many of one.
ProgramCall slurm_call(std::string program, std::vector<std::string> arguments,
                       std::string input = "") {
  return {std::move(program),
          std::move(arguments),
          std::move(input),
          {"SQUEUE_", "SCANCEL_", "SLURM_CLUSTERS=", "SBATCH_CLUSTERS=", "SBATCH_ARRAY_INX="}};
}

/// Whether it did what it was asked for, and all that it said is here.
Status check(const ProgramCall& call, const ProgramEnd& end) {
  if (!end.status.ok()) return Status(end.status).with_context(call.program);
  if (end.wait_status != 0) {
    return Status(
        StatusCode::kUnavailable,
        call.program + ": " + (end.error.empty() ? describe_exit(end.wait_status) : end.error));
  }
  if (!end.cut) return {};
  return Status(StatusCode::kUnavailable, call.program + " says more than " +
                                              format_bytes(call.output_bytes_max) +
                                              ", and what it says is cut off");
}

}  // namespace

SlurmCommands::SlurmCommands(std::string directory, std::string name)
    : directory_(std::move(directory)), name_(std::move(name)) {}

Result<std::string> SlurmCommands::run(ProgramCall call, Interrupts& interrupts) const {
  ProgramEnd end = run_programs({call}, directory_, interrupts).front();
  FANFOLD_RETURN_IF_ERROR(check(call, end));
  return std::move(end.output);
}

Result<std::uint64_t> SlurmCommands::submit(const std::vector<std::string>& options,
                                            const std::string& script,
                                            Interrupts& interrupts) const {
  std::vector<std::string> words = options;
  // Last, for of two that contradict each other sbatch takes the later.  A node that fails is
  // replaced by whoever called this, not by Slurm as well.
  words.insert(words.end(),
               {"--parsable", "--job-name=" + name_, "--nodes=1", "--ntasks=1", "--no-requeue"});
  FANFOLD_ASSIGN_OR_RETURN(const std::string text,
                           run(slurm_call("sbatch", std::move(words), script), interrupts));
  return parse_submitted(text);
}

Result<Queue> SlurmCommands::list(Interrupts& interrupts) const {
  FANFOLD_ASSIGN_OR_RETURN(const std::string text, run(queue_call(name_), interrupts));
  return parse_queue(text);
}

Status SlurmCommands::release(const std::vector<std::uint64_t>& jobs, Interrupts& interrupts,
                              std::vector<std::uint64_t>* told) const {
  std::vector<ProgramCall> calls;
  for (const std::string& job : words_of(jobs)) {
    calls.push_back(slurm_call("scancel", {"--signal=TERM", "--batch", job}));
  }
  const std::vector<ProgramEnd> ends = run_programs(calls, directory_, interrupts);
  told->clear();
  Status first;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    Status status = check(calls[i], ends[i]);
    if (status.ok()) told->push_back(jobs[i]);
    if (first.ok()) first = std::move(status);
  }
  return first;
}

Status SlurmCommands::cancel(const std::vector<std::uint64_t>& jobs, Interrupts& interrupts) const {
  if (jobs.empty()) return {};
  return run(slurm_call("scancel", words_of(jobs)), interrupts).status();
}

Status SlurmCommands::cancel_all(Interrupts& interrupts) const {
  return run(slurm_call("scancel", {"--me", "--name=" + name_}), interrupts).status();
}

ProgramCall queue_call(const std::string& name) {
  ProgramCall call = slurm_call(
      "squeue", {"--me", "--noheader", "--states=all", "--name=" + name, "--format=%i %T"});
  call.output_bytes_max = kQueueBytesMax;
  return call;
}

Result<Queue> parse_queue(const std::string& text) {
  Queue queue;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    if (line.empty()) continue;
    NodeJob job;
    const auto number = std::from_chars(line.data(), line.data() + line.size(), job.id);
    const std::size_t used = static_cast<std::size_t>(number.ptr - line.data());
    if (number.ec != std::errc() || used >= line.size() || line[used] != ' ') {
      return Status(StatusCode::kCorruption,
                    "squeue says something that is no queue: " + std::string(line.substr(0, 100)));
    }
    const std::string_view state = line.substr(used + 1);
    job.runs = state == "RUNNING" || state == "SUSPENDED";
    if (job.runs || state == "PENDING" || state == "CONFIGURING") {
      queue.jobs.push_back(job);
    } else {
      queue.ended.push_back(job.id);
    }
  }
  return queue;
}

Result<std::uint64_t> parse_submitted(const std::string& text) {
  std::uint64_t job = 0;
  const char* end = text.data() + text.size();
  const auto number = std::from_chars(text.data(), end, job);
  const bool whole = number.ptr == end || *number.ptr == '\n' || *number.ptr == ';';
  if (number.ec == std::errc() && whole) return job;
  return Status(StatusCode::kCorruption,
                "sbatch says something that is no job: " + printable(text.substr(0, 100), false));
}

bool hides_jobs(std::string_view word) {
  if (word.starts_with("--")) {
    const std::string_view name = word.substr(2, word.find('=') - 2);
    // sbatch takes beginnings of names for the names.
    return std::any_of(std::begin(kHiding), std::end(kHiding), [&](std::string_view one) {
      return !name.empty() && one.starts_with(name);
    });
  }
  // Letters may stand together; the first that takes a value takes the rest.
  const std::size_t last = word.find_first_not_of("hHkKOQsvVW", 1);
  return last != word.npos && std::string_view("JaM").find(word[last]) != std::string_view::npos;
}

}  // namespace fanfold::cli
