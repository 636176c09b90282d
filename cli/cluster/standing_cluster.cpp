#include "cli/cluster/standing_cluster.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/cluster/processes.hpp"
#include "common/core/clock.hpp"
#include "common/core/limits.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;

constexpr Duration kStartPatience = 15s;
constexpr std::size_t kSocketNameBytes = 24;

std::string record_path(const std::string& directory) { return directory + "/cluster.json"; }

Status write_record(const std::string& directory, const ClusterRecord& record) {
  const nlohmann::json json = {{"address", record.address},           {"master", record.master},
                               {"workers", record.workers},           {"slots", record.shape.slots},
                               {"memory", record.shape.memory_bytes}, {"http", record.http_port}};
  const std::string temporary = record_path(directory) + ".new";
  std::ofstream file(temporary);
  file << json.dump(2) << "\n";
  file.close();
  if (!file || ::rename(temporary.c_str(), record_path(directory).c_str()) != 0) {
    return io_error("cannot write " + record_path(directory));
  }
  return Status();
}

/// The directory is there and ours afterwards, with the record of an earlier cluster, if any.
Result<std::optional<ClusterRecord>> make_directory(const std::string& directory) {
  if (std::string("ipc://").size() + directory.size() + kSocketNameBytes >
      limits::kSocketPathBytes) {
    return Status(StatusCode::kInvalidArgument, "the cluster directory " + directory +
                                                    " has too long a name: sockets in it "
                                                    "would exceed " +
                                                    std::to_string(limits::kSocketPathBytes) +
                                                    " bytes.\nName a shorter one with --dir.");
  }
  if (::mkdir(directory.c_str(), 0700) == 0) return std::optional<ClusterRecord>();
  if (errno != EEXIST) return io_error("cannot create the cluster directory " + directory);
  FANFOLD_RETURN_IF_ERROR(check_owner(directory));
  FANFOLD_ASSIGN_OR_RETURN(std::optional<ClusterRecord> record, read_cluster_record(directory));
  if (record.has_value()) return record;
  std::error_code error;
  if (std::filesystem::is_empty(directory, error)) return record;
  return Status(StatusCode::kAlreadyExists,
                directory + " exists and holds other files; name a new directory with --dir.");
}

struct Starting {
  ClusterRecord record;
  std::vector<pid_t> started;
  std::uint32_t workers = 0;  // Of them.
  Pipe master_ready;
  Pipe workers_ready;
};

void close_all(Starting* starting) {
  for (int* end : {&starting->master_ready.read_end, &starting->master_ready.write_end,
                   &starting->workers_ready.read_end, &starting->workers_ready.write_end}) {
    if (*end >= 0) ::close(std::exchange(*end, -1));
  }
}

/// What of the earlier cluster the new one has to agree with.
Result<ClusterShape> agreed_shape(const std::string& directory, const ClusterRecord& before,
                                  const ClusterWish& wish) {
  const bool alive = !living_processes(directory, before).empty();
  const auto count = static_cast<std::uint32_t>(before.workers.size());
  ClusterShape shape = before.shape;
  shape.workers = wish.workers.value_or(count);
  shape.slots = wish.slots.value_or(before.shape.slots);
  if (wish.memory_bytes != 0) shape.memory_bytes = wish.memory_bytes;
  const bool same = shape.workers == count && shape.slots == before.shape.slots &&
                    shape.memory_bytes == before.shape.memory_bytes;
  if (!alive || same) return shape;
  return Status(StatusCode::kInvalidArgument,
                "a part of the cluster in " + directory + " is still up, with " +
                    std::to_string(count) + " workers of " + std::to_string(before.shape.slots) +
                    " slots each.\nLeave --workers, --slots and --memory out to go on with it, or "
                    "take it down first: 'fanfold cluster down --dir " +
                    directory + "'.");
}

/// Starts what does not live, and writes down what it started before the next start: whatever
/// happens, `down` finds all of it.
Status start_programs(const std::string& program_directory, const std::string& directory,
                      Starting* starting) {
  ProgramOptions options;
  options.program_directory = program_directory;
  options.directory = directory;
  options.new_session = true;
  options.keeps_state = true;
  ClusterRecord& record = starting->record;
  options.http_port = record.http_port;
  FANFOLD_ASSIGN_OR_RETURN(starting->master_ready, make_pipe());
  FANFOLD_ASSIGN_OR_RETURN(starting->workers_ready, make_pipe());
  if (!lives(record.master, directory)) {
    options.ready_fd = starting->master_ready.write_end;
    FANFOLD_ASSIGN_OR_RETURN(record.master, spawn(master_program(options)));
    starting->started.push_back(record.master);
    FANFOLD_RETURN_IF_ERROR(write_record(directory, record));
  }
  options.ready_fd = starting->workers_ready.write_end;
  record.workers.resize(record.shape.workers);
  for (std::uint32_t number = 1; number <= record.shape.workers; ++number) {
    pid_t& worker = record.workers[number - 1];
    if (lives(worker, directory)) continue;
    FANFOLD_ASSIGN_OR_RETURN(worker, spawn(worker_program(options, record.shape, number)));
    starting->started.push_back(worker);
    ++starting->workers;
    FANFOLD_RETURN_IF_ERROR(write_record(directory, record));
  }
  ::close(std::exchange(starting->master_ready.write_end, -1));
  ::close(std::exchange(starting->workers_ready.write_end, -1));
  return Status();
}

// One byte per worker, and the end of file when one of them, or all, have gone without a word.
Status wait_for_bytes(int descriptor, std::uint32_t count, const std::string& who,
                      const std::string& log, Interrupts& interrupts) {
  const Instant deadline = steady_clock().now() + kStartPatience;
  while (count > 0) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock().now());
    if (left.count() <= 0) return did_not_start(who + " did not start within 15 s", log);
    std::array<pollfd, 2> waits = {{{descriptor, POLLIN, 0}, {interrupts.descriptor(), POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), static_cast<int>(left.count())) < 0) continue;
    interrupts.drain();
    if (interrupts.count() > 0) return Status(StatusCode::kAborted, "interrupted");
    if (waits[0].revents == 0) continue;
    std::array<char, 64> bytes{};
    const ssize_t got =
        ::read(descriptor, bytes.data(), std::min<std::size_t>(count, bytes.size()));
    if (got == 0) return did_not_start(who + " ended at once", log);
    if (got > 0) count -= static_cast<std::uint32_t>(got);
  }
  return Status();
}

}  // namespace

Result<std::optional<ClusterRecord>> read_cluster_record(const std::string& directory) {
  std::ifstream file(record_path(directory));
  if (!file) return std::optional<ClusterRecord>();
  const nlohmann::json json = nlohmann::json::parse(file, nullptr, false);
  ClusterRecord record;
  if (!json.is_object() || !json.contains("master") || !json["master"].is_number_integer() ||
      !json.contains("workers") || !json["workers"].is_array()) {
    return Status(StatusCode::kCorruption,
                  record_path(directory) +
                      " is damaged. Stop the processes fanfold-master and "
                      "fanfold-worker of that directory by hand and remove it.");
  }
  record.address = master_address(directory);
  record.master = json["master"].get<pid_t>();
  record.shape.slots = json.value("slots", 1u);
  record.shape.memory_bytes = json.value("memory", std::uint64_t{0});
  record.http_port = json.value("http", std::uint16_t{0});
  for (const auto& worker : json["workers"]) {
    if (worker.is_number_integer()) record.workers.push_back(worker.get<pid_t>());
  }
  return std::optional<ClusterRecord>(record);
}

std::vector<pid_t> living_processes(const std::string& directory, const ClusterRecord& record) {
  std::vector<pid_t> all = {record.master};
  all.insert(all.end(), record.workers.begin(), record.workers.end());
  return living_among(directory, all);
}

Result<BroughtUp> bring_up(const std::string& program_directory, const std::string& directory,
                           const ClusterWish& wish, Interrupts& interrupts) {
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<ClusterRecord> before, make_directory(directory));
  BroughtUp up;
  up.resumed = before.has_value();
  up.shape = choose_shape(wish.workers, wish.slots, usable_cores());
  up.shape.memory_bytes = wish.memory_bytes;
  Starting starting;
  if (before.has_value()) {
    const std::size_t living = living_processes(directory, *before).size();
    if (living == before->workers.size() + 1) {
      return Status(StatusCode::kAlreadyExists,
                    "a cluster is up in " + directory + " (address " + before->address +
                        " is in use).\n'fanfold cluster down --dir " + directory + "' stops it.");
    }
    FANFOLD_ASSIGN_OR_RETURN(up.shape, agreed_shape(directory, *before, wish));
    starting.record = *before;
    if (wish.http_port && *wish.http_port != before->http_port &&
        lives(before->master, directory)) {
      return Status(StatusCode::kInvalidArgument,
                    "the master of the cluster in " + directory +
                        " is up; --http is for one that is started.\nTake the cluster down first: "
                        "'fanfold cluster down --dir " +
                        directory + "'.");
    }
  }
  starting.record.address = master_address(directory);
  starting.record.shape = up.shape;
  if (wish.http_port) starting.record.http_port = *wish.http_port;
  up.http_port = starting.record.http_port;
  Status status = start_programs(program_directory, directory, &starting);
  const std::uint32_t masters = starting.started.size() > starting.workers ? 1 : 0;
  if (status.ok()) {
    status = wait_for_bytes(starting.master_ready.read_end, masters, "the master",
                            master_log(directory), interrupts);
  }
  if (status.ok()) {
    status = wait_for_bytes(starting.workers_ready.read_end, starting.workers, "a worker",
                            worker_log(directory, 1), interrupts);
  }
  close_all(&starting);
  if (status.ok()) return up;
  end_processes(directory, starting.started, false);
  // What was there before stays as it was, with the jobs in its state.
  if (!up.resumed) static_cast<void>(io::posix_file_system().remove_tree(directory));
  return status;
}

Status take_down(const std::string& directory, bool asked) {
  FANFOLD_ASSIGN_OR_RETURN(const std::optional<ClusterRecord> record,
                           read_cluster_record(directory));
  if (!record.has_value()) {
    return Status(StatusCode::kNotFound, "no cluster is up in " + directory + ".");
  }
  std::vector<pid_t> processes = {record->master};
  processes.insert(processes.end(), record->workers.begin(), record->workers.end());
  end_processes(directory, processes, asked);
  return io::posix_file_system().remove_tree(directory);
}

}  // namespace fanfold::cli
