#include "cli/slurm/slurm_commands.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "cli/process/run_programs.hpp"
#include "cli/process/spawn.hpp"

namespace fanfold::cli {
namespace {

std::vector<std::string> words_of(const std::vector<std::uint64_t>& jobs) {
  std::vector<std::string> words;
  for (const std::uint64_t job : jobs) words.push_back(std::to_string(job));
  return words;
}

}  // namespace

SlurmCommands::SlurmCommands(std::string directory, std::string name)
    : directory_(std::move(directory)), name_(std::move(name)) {}

Result<std::string> SlurmCommands::run(const std::string& program,
                                       std::vector<std::string> arguments, const std::string& input,
                                       Interrupts& interrupts) const {
  ProgramEnd end =
      run_programs({{program, std::move(arguments), input}}, directory_, interrupts).front();
  if (!end.status.ok()) return std::move(end.status).with_context(program);
  if (end.wait_status == 0) return std::move(end.output);
  return Status(StatusCode::kUnavailable,
                program + ": " + (end.error.empty() ? describe_exit(end.wait_status) : end.error));
}

Status SlurmCommands::submit(const std::vector<std::string>& options, const std::string& script,
                             Interrupts& interrupts) const {
  // A node that fails is replaced by whoever called this, not by Slurm as well.
  std::vector<std::string> words = {"--parsable", "--job-name=" + name_, "--nodes=1", "--ntasks=1",
                                    "--no-requeue"};
  words.insert(words.end(), options.begin(), options.end());
  return run("sbatch", std::move(words), script, interrupts).status();
}

Result<std::vector<NodeJob>> SlurmCommands::list(Interrupts& interrupts) const {
  FANFOLD_ASSIGN_OR_RETURN(
      const std::string text,
      run("squeue", {"--me", "--noheader", "--name=" + name_, "--format=%i %T"}, "", interrupts));
  return parse_queue(text);
}

Status SlurmCommands::release(const std::vector<std::uint64_t>& jobs,
                              Interrupts& interrupts) const {
  if (jobs.empty()) return {};
  std::vector<std::string> words = words_of(jobs);
  words.insert(words.begin(), {"--signal=TERM", "--batch"});
  return run("scancel", std::move(words), "", interrupts).status();
}

Status SlurmCommands::cancel(const std::vector<std::uint64_t>& jobs, Interrupts& interrupts) const {
  if (jobs.empty()) return {};
  return run("scancel", words_of(jobs), "", interrupts).status();
}

Status SlurmCommands::cancel_all(Interrupts& interrupts) const {
  return run("scancel", {"--me", "--name=" + name_}, "", interrupts).status();
}

Result<std::vector<NodeJob>> parse_queue(const std::string& text) {
  std::vector<NodeJob> jobs;
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
    if (job.runs || state == "PENDING" || state == "CONFIGURING") jobs.push_back(job);
  }
  return jobs;
}

}  // namespace fanfold::cli
