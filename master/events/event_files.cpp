#include "master/events/event_files.hpp"

#include "common/capsule/capsule.hpp"
#include "common/core/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

namespace fanfold::master {
namespace {

constexpr std::string_view kPrefix = "job-";
constexpr std::string_view kSuffix = ".jsonl";

Status failed(const std::string& what, const std::string& path) {
  const int error = errno;
  return {error == ENOSPC || error == EDQUOT ? StatusCode::kNoSpace : StatusCode::kIoError,
          "cannot " + what + " " + path + ": " + std::strerror(error)};
}

std::optional<JobId> job_of(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  name.remove_suffix(kSuffix.size());
  JobId job;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), job.value);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return job;
}

/// A crash may have cut the last line off; what is appended must not become a part of it.
bool ends_within_a_line(int descriptor, std::uint64_t size) {
  char last = '\n';
  if (size > 0) static_cast<void>(::pread(descriptor, &last, 1, static_cast<off_t>(size - 1)));
  return last != '\n';
}

/// At most `bytes_max` bytes from `offset` on; kNotFound: there is no such file.
Result<std::string> read_part(const std::string& path, std::uint64_t offset,
                              std::size_t bytes_max) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.open()) {
    const StatusCode code = errno == ENOENT ? StatusCode::kNotFound : StatusCode::kIoError;
    return Status(code, failed("open", path).message());
  }
  std::string bytes(bytes_max, '\0');
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t count = ::pread(file.get(), bytes.data() + filled, bytes.size() - filled,
                                  static_cast<off_t>(offset + filled));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failed("read", path);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace

Result<std::unique_ptr<EventFiles>> EventFiles::open(std::string directory,
                                                     EventFilesLimits limits) {
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return failed("make the directory of event logs", directory);
  }
  std::unique_ptr<EventFiles> files(new EventFiles(std::move(directory), limits));
  files->take_over();
  return files;
}

void EventFiles::take_over() {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory_, error), last; !error && entry != last;
       entry.increment(error)) {
    const std::optional<JobId> job = job_of(entry->path().filename().string());
    std::error_code unreadable;
    const std::uintmax_t size = entry->file_size(unreadable);
    if (!job || unreadable) continue;
    sizes_[*job] = size;
    measure_capsules(*job);
  }
}

std::string event_log_path(const std::string& directory, JobId job) {
  return directory + "/" + std::string(kPrefix) + std::to_string(job.value) + std::string(kSuffix);
}

std::string EventFiles::path(JobId job) const { return event_log_path(directory_, job); }

Status EventFiles::begin(JobId job) {
  // Of another job that had this number.
  std::error_code error;
  std::filesystem::remove_all(capsule_directory(job), error);
  capsule_bytes_.erase(job);
  const UniqueFd file(::open(path(job).c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.open()) return failed("make the event log", path(job));
  sizes_[job] = 0;
  open_.insert(job);
  return {};
}

Status EventFiles::append(JobId job, std::string_view lines) {
  const UniqueFd file(::open(path(job).c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
  if (!file.open()) return failed("open the event log", path(job));
  struct statvfs disk {};
  if (::fstatvfs(file.get(), &disk) == 0) {
    const std::uint64_t free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
    if (free < limits_.disk_reserve + lines.size()) {
      errno = ENOSPC;
      return failed("write the event log, as the disk has less than its reserve left,", path(job));
    }
  }
  std::uint64_t& size = sizes_[job];
  if (open_.insert(job).second && ends_within_a_line(file.get(), size)) {
    FANFOLD_RETURN_IF_ERROR(write(file.get(), job, "\n"));
  }
  return write(file.get(), job, lines);
}

Status EventFiles::write(int descriptor, JobId job, std::string_view lines) {
  std::uint64_t& size = sizes_[job];
  std::string_view left = lines;
  while (!left.empty()) {
    const ssize_t count = ::write(descriptor, left.data(), left.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      Status status = failed("write the event log", path(job));
      // Half a line would spoil the next one.
      if (::ftruncate(descriptor, static_cast<off_t>(size)) != 0) open_.erase(job);
      return status;
    }
    left.remove_prefix(static_cast<std::size_t>(count));
  }
  size += lines.size();
  return {};
}

void EventFiles::end(JobId job) {
  open_.erase(job);
  measure_capsules(job);
  for (auto oldest = sizes_.begin(); oldest != sizes_.end();) {
    if (bytes_total() <= limits_.bytes_total && sizes_.size() <= limits_.jobs) return;
    // The one that has just ended is asked for soon.
    const JobId one = (oldest++)->first;
    if (!open_.contains(one) && one != job) remove(one);
  }
}

void EventFiles::remove(JobId job) {
  ::unlink(path(job).c_str());
  std::error_code error;
  std::filesystem::remove_all(capsule_directory(job), error);
  capsule_bytes_.erase(job);
  sizes_.erase(job);
}

void EventFiles::measure_capsules(JobId job) {
  std::error_code error;
  std::uint64_t bytes = 0;
  for (std::filesystem::directory_iterator entry(capsule_directory(job), error), last;
       !error && entry != last; entry.increment(error)) {
    std::error_code gone;
    const std::uintmax_t size = entry->file_size(gone);
    if (!gone) bytes += size;
  }
  if (bytes > 0) capsule_bytes_[job] = bytes;
}

std::uint64_t EventFiles::bytes_total() const {
  std::uint64_t bytes = 0;
  for (const auto& [job, size] : sizes_) bytes += size;
  for (const auto& [job, size] : capsule_bytes_) bytes += size;
  return bytes;
}

std::string EventFiles::capsule_directory(JobId job) const {
  return fanfold::capsule_directory(path(job));
}

Result<std::string> EventFiles::read(JobId job, std::uint64_t offset, std::size_t bytes_max) {
  return read_part(path(job), offset, bytes_max);
}

Result<std::string> EventFiles::read_capsule(JobId job, const std::string& name,
                                             std::uint64_t offset, std::size_t bytes_max) {
  return read_part(capsule_directory(job) + "/" + name, offset, bytes_max);
}

std::uint64_t EventFiles::size(JobId job) {
  const auto found = sizes_.find(job);
  return found == sizes_.end() ? 0 : found->second;
}

}  // namespace fanfold::master
