#include "cli/slurm/worker_script.hpp"

#include <charconv>

#include "cli/cluster/programs.hpp"
#include "cli/hosts/remote_shell.hpp"

namespace fanfold::cli {
namespace {

/// Of a worker and its executors, beside what user code may have.
constexpr std::uint64_t kOwnMegabytes = 256;

}  // namespace

std::string worker_key(const std::string& directory) { return directory + "/nodes.key"; }

std::string scaler_directory(const std::string& directory) { return directory + "/scaler"; }

std::string worker_log_directory(const std::string& directory) { return directory + "/workers"; }

std::string worker_script(const WorkerScript& wish, const SlurmRecord& record) {
  DistantWorker worker;
  worker.master = wish.master;
  worker.slots = record.limits.slots;
  worker.memory_bytes = record.memory_bytes;
  worker.scratch = record.scratch;
  worker.host_inputs = record.host_inputs;
  std::string command = shell_word(wish.program_directory + "/fanfold-worker") + " --key " +
                        shell_word(worker_key(wish.directory));
  for (const std::string& word : distant_worker_arguments(worker))
    command += " " + shell_word(word);
  return "#!/bin/sh\nexec " + command + " --name \"${SLURMD_NODENAME:-node}.$SLURM_JOB_ID\"\n";
}

std::vector<std::string> sbatch_words(const std::string& directory, const SlurmRecord& record) {
  std::vector<std::string> words = {"--output=" + worker_log_directory(directory) + "/%j.log",
                                    "--chdir=/",
                                    "--cpus-per-task=" + std::to_string(record.limits.slots)};
  if (record.memory_bytes > 0) {
    const std::uint64_t megabytes =
        record.limits.slots * (record.memory_bytes >> 20) + kOwnMegabytes;
    words.push_back("--mem=" + std::to_string(megabytes) + "M");
  }
  words.insert(words.end(), record.sbatch_words.begin(), record.sbatch_words.end());
  return words;
}

std::optional<std::uint64_t> job_of_worker(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == name.npos) return std::nullopt;
  std::uint64_t job = 0;
  const char* end = name.data() + name.size();
  const auto parsed = std::from_chars(name.data() + dot + 1, end, job);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return job;
}

}  // namespace fanfold::cli
