#include "cli/slurm/slurm_record.hpp"

#include <chrono>
#include <nlohmann/json.hpp>

#include "cli/cluster/private_record.hpp"
#include "common/security/key_file.hpp"

namespace fanfold::cli {
namespace {

std::string record_path(const std::string& directory) { return directory + "/" + kSlurmRecord; }

std::optional<SlurmRecord> record_of(const nlohmann::json& json) {
  SlurmRecord record;
  record.name = json.value("name", "");
  record.limits.nodes_min = json.value("nodes_min", 0u);
  record.limits.nodes_max = json.value("nodes_max", 0u);
  record.limits.slots = json.value("slots", 0u);
  record.limits.idle_max = std::chrono::milliseconds(json.value("idle_ms", std::int64_t{0}));
  record.memory_bytes = json.value("memory", std::uint64_t{0});
  record.scratch = json.value("scratch", "");
  record.host_inputs = json.value("inputs", std::vector<std::string>());
  record.sbatch_words = json.value("sbatch", std::vector<std::string>());
  record.scaler = json.value("scaler", pid_t{0});
  const bool sound = security::is_key_name(record.name) && record.limits.slots > 0 &&
                     record.limits.nodes_max > 0 &&
                     record.limits.nodes_min <= record.limits.nodes_max;
  return sound ? std::optional<SlurmRecord>(record) : std::nullopt;
}

}  // namespace

Result<std::optional<SlurmRecord>> read_slurm_record(const std::string& directory) {
  return read_private_record<SlurmRecord>(
      record_path(directory),
      [](const std::string& text) { return record_of(nlohmann::json::parse(text)); },
      "Cancel the Slurm jobs of the cluster by hand ('scancel') and remove " + directory + ".");
}

Status write_slurm_record(const std::string& directory, const SlurmRecord& record) {
  const auto idle =
      std::chrono::duration_cast<std::chrono::milliseconds>(record.limits.idle_max).count();
  const nlohmann::json json = {{"name", record.name},
                               {"nodes_min", record.limits.nodes_min},
                               {"nodes_max", record.limits.nodes_max},
                               {"slots", record.limits.slots},
                               {"idle_ms", idle},
                               {"memory", record.memory_bytes},
                               {"scratch", record.scratch},
                               {"inputs", record.host_inputs},
                               {"sbatch", record.sbatch_words},
                               {"scaler", record.scaler}};
  return security::write_private_file(record_path(directory), json.dump(2) + "\n");
}

}  // namespace fanfold::cli
