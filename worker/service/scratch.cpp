#include "worker/service/scratch.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace fanfold::worker {
namespace {

std::string attempt_path(const std::string& scratch, JobId job, AttemptId attempt) {
  return scratch + "/" + std::to_string(job.value) + "/" + std::to_string(attempt.value);
}

constexpr int kRounds = 8;
constexpr std::string_view kUuidPrefix = "uuid-";

/// Whose directory it is, or was; nothing when that cannot be read.
void note_owner(io::FileSystem& files, const std::string& directory,
                std::vector<std::string>* owners) {
  const auto names = files.list(directory);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (name.starts_with(kUuidPrefix)) owners->push_back(name.substr(kUuidPrefix.size()));
  }
}

UniqueFd open_directory(const std::string& path) {
  return UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

/// Whether `path` still leads to what `descriptor` has open.
bool is_at(int descriptor, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(descriptor, &opened) == 0 && ::lstat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

Status cannot_make(const std::string& directory) {
  return {StatusCode::kIoError, "cannot make the scratch directory '" + directory + "': " +
                                    std::strerror(errno) + "; choose another with --scratch"};
}

/// Everything up to the process id that ends the name.
std::string_view stem_of(std::string_view name) {
  return name.substr(0, name.find_last_not_of("0123456789") + 1);
}

/// Workers that were killed could not remove theirs: what nobody holds the lock of goes.  Anything
/// that does not work out now is tried again by the next worker.
void sweep(io::FileSystem& files, const std::string& parent, std::string_view own_name,
           std::vector<std::string>* died) {
  const auto names = files.list(parent);
  if (!names.ok() || stem_of(own_name).empty()) return;
  for (const std::string& name : *names) {
    if (name.size() == stem_of(name).size() || stem_of(name) != stem_of(own_name)) continue;
    const std::string path = parent + "/" + name;
    const UniqueFd lock = open_directory(path);
    if (!lock.open() || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) continue;
    if (!is_at(lock.get(), path)) continue;
    note_owner(files, path, died);
    static_cast<void>(files.remove_tree(path));
  }
}

}  // namespace

Result<Scratch> Scratch::make(io::FileSystem& files, const ScratchOptions& options) {
  const std::string& directory = options.directory;
  std::vector<std::string> died;
  const std::size_t slash = directory.rfind('/');
  if (slash != directory.npos && slash > 0) {
    const std::string parent = directory.substr(0, slash);
    FANFOLD_RETURN_IF_ERROR(files.make_directories(parent));
    sweep(files, parent, directory.substr(slash + 1), &died);
  }
  // The name carries our process id: whoever made it before us is gone.
  note_owner(files, directory, &died);
  FANFOLD_RETURN_IF_ERROR(files.remove_tree(directory));
  for (int round = 0; round < kRounds; ++round) {
    // FileSystem makes directories that others may read; intermediate files are the user's data.
    if (::mkdir(directory.c_str(), 0700) != 0) return cannot_make(directory);
    UniqueFd lock = open_directory(directory);
    if (lock.open() && ::flock(lock.get(), LOCK_EX) == 0 && is_at(lock.get(), directory)) {
      const std::string name = std::string(kUuidPrefix) + options.uuid;
      FANFOLD_RETURN_IF_ERROR(files.make_directories(directory + "/" + name));
      Scratch scratch(files, options, std::move(lock));
      scratch.died_ = std::move(died);
      return scratch;
    }
    // A worker that started at the same moment saw it without its lock, and swept it away.
  }
  return cannot_make(directory);
}

Scratch::Scratch(Scratch&& other) noexcept
    : files_(other.files_),
      directory_(std::exchange(other.directory_, std::string())),
      uuid_(std::move(other.uuid_)),
      died_(std::move(other.died_)),
      lock_(std::move(other.lock_)) {}

Scratch::~Scratch() {
  // Nobody is left to tell; what cannot be removed stays under a name that says whose it was.
  if (!directory_.empty() && lock_.open()) static_cast<void>(files_.remove_tree(directory_));
}

std::string Scratch::attempt_directory(JobId job, AttemptId attempt) const {
  return attempt_path(directory_, job, attempt);
}

Status Scratch::drop_attempt(JobId job, AttemptId attempt) {
  return files_.remove_tree(attempt_directory(job, attempt));
}

Status Scratch::drop_job(JobId job) {
  return files_.remove_tree(directory_ + "/" + std::to_string(job.value));
}

std::string map_output_path(const std::string& scratch, JobId job, AttemptId attempt) {
  return attempt_path(scratch, job, attempt) + "/output.run";
}

}  // namespace fanfold::worker
