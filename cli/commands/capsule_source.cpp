#include "cli/commands/capsule_source.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "cli/client/event_stream.hpp"
#include "cli/commands/connection.hpp"
#include "common/capsule/capsule.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

constexpr std::string_view kSuffix = ".capsule";
constexpr std::string_view kIpc = "ipc://";
constexpr std::string_view kSocket = "/master.sock";

std::string job_log(const std::string& directory, JobId job) {
  return directory + "/job-" + std::to_string(job.value) + ".jsonl";
}

std::string capsule_path(const std::string& event_log, const ReplayTarget& target) {
  return capsule_directory(event_log) + "/" + capsule_name(target.task, target.attempt_number);
}

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.is_open() && !file.bad()) return text;
  return Status(StatusCode::kNotFound,
                "there is no capsule " + path + ": " + std::strerror(errno) +
                    ".\nThe attempt did not fail, its worker was lost, or too many others failed.");
}

/// The event directory of a cluster of `fanfold cluster up`; empty: the address is not that of one.
std::string events_of_cluster(const std::string& address) {
  if (!address.starts_with(kIpc) || !address.ends_with(kSocket)) return {};
  const std::string directory =
      address.substr(kIpc.size(), address.size() - kIpc.size() - kSocket.size());
  return directory + "/state/events";
}

Result<std::string> capsule_of_master(const MasterPlace& master, const ReplayTarget& target) {
  // A master that is gone has left its files.
  const std::string events = events_of_cluster(master.address);
  if (!events.empty()) {
    Result<std::string> bytes = read_file(capsule_path(job_log(events, target.task.job), target));
    if (bytes.ok()) return bytes;
  }
  FANFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<Client> client,
                           connect_client(master, steady_clock(), {}));
  return read_capsule(*client, target.task, target.attempt_number);
}

Status cannot_write(const std::string& path, const std::string& why) {
  return {StatusCode::kIoError, "cannot write the capsule " + path + ": " + why};
}

}  // namespace

Result<ReplayTarget> parse_replay_target(std::string_view text) {
  const std::size_t slash = text.rfind('/');
  const std::string_view source = text.substr(0, slash);
  const bool is_file = slash != text.npos && std::filesystem::exists(std::string(source));
  // The name of a task is read as that of a job's task.
  const std::string word = is_file ? "1" + std::string(text.substr(slash)) : std::string(text);
  const Result<LogTarget> read = parse_log_target(word);
  if (slash == text.npos || !read.ok() || read->attempt_number == 0) {
    return Status(
        StatusCode::kInvalidArgument,
        "'" + std::string(text) +
            "' is no attempt; write JOB/TASK.ATTEMPT, such as 3/map-7.1, or the event log "
            "of a run instead of the job: events.jsonl/map-7.1.\n'fanfold why' tells "
            "which attempts failed.");
  }
  ReplayTarget target;
  if (is_file) target.event_log = source;
  target.task = *read->task;
  target.attempt_number = read->attempt_number;
  return target;
}

Result<std::string> find_capsule(const Environment& environment, const Arguments& arguments,
                                 const ReplayTarget& target) {
  if (!target.event_log.empty()) return read_file(capsule_path(target.event_log, target));
  if (const auto directory = arguments.value("events")) {
    return read_file(capsule_path(job_log(*directory, target.task.job), target));
  }
  const Result<MasterPlace> master = find_master(environment, arguments);
  if (!master.ok()) {
    return Status(master.status().code(),
                  master.status().message() +
                      "\nOf a master that is gone, name its event directory: --events DIR.");
  }
  return capsule_of_master(*master, target);
}

void remove_capsules(const std::string& event_log) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(capsule_directory(event_log), error), last;
       !error && entry != last; entry.increment(error)) {
    std::error_code ignored;
    if (entry->path().extension() == kSuffix) std::filesystem::remove(entry->path(), ignored);
  }
  std::filesystem::remove(capsule_directory(event_log), error);  // Unless there is more in it.
}

Status write_capsule(const std::string& event_log, const std::string& name,
                     std::string_view bytes) {
  const std::string directory = capsule_directory(event_log);
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return cannot_write(directory, std::strerror(errno));
  }
  const std::string path = directory + "/" + name;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  return file ? Status() : cannot_write(path, std::strerror(errno));
}

Status copy_capsules(const std::string& from, const std::string& event_log) {
  remove_capsules(event_log);
  std::error_code error;
  for (std::filesystem::directory_iterator entry(from, error), last; !error && entry != last;
       entry.increment(error)) {
    if (entry->path().extension() != kSuffix) continue;
    FANFOLD_ASSIGN_OR_RETURN(const std::string bytes, read_file(entry->path().string()));
    FANFOLD_RETURN_IF_ERROR(write_capsule(event_log, entry->path().filename().string(), bytes));
  }
  return {};
}

}  // namespace fanfold::cli
