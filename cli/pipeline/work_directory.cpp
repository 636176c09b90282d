#include "cli/pipeline/work_directory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "cli/pipeline/small_files.hpp"
#include "common/io/file_system.hpp"
#include "common/io/manifest.hpp"
#include "common/storage/storage.hpp"

namespace fanfold::cli {
namespace {

using Json = nlohmann::json;

constexpr const char* kMarker = "/.pipeline";
constexpr const char* kUnfinished = "unfinished";
constexpr const char* kFinished = "finished";
/// What is being removed, so that nothing that is there by its own name ever lacks a part.
constexpr const char* kGoing = "/.pipeline.going";

io::FileSystem& files() { return storage(); }

Json to_json(const StageRecord& record) {
  Json json = {{"key", record.key}, {"client_id", record.client_id}, {"output", record.output}};
  if (!record.result) return json;
  const StageResult& result = *record.result;
  Json list = Json::array();
  for (const io::PartInfo& file : result.files) {
    list.push_back({file.name, file.bytes, file.records, file.checksum});
  }
  json["result"] = {{"files", std::move(list)},
                    {"counters", result.counters},
                    {"records", result.records},
                    {"bytes", result.bytes},
                    {"partial", result.partial}};
  return json;
}

/// Throws what nlohmann-json throws when it is not as to_json() makes it.
StageRecord record_from(const Json& json) {
  StageRecord record;
  record.key = json.at("key").get<std::string>();
  record.client_id = json.at("client_id").get<std::string>();
  record.output = json.at("output").get<std::string>();
  if (!json.contains("result")) return record;
  const Json& known = json.at("result");
  StageResult result;
  result.directory = record.output;
  for (const Json& row : known.at("files")) {
    result.files.push_back({row.at(0).get<std::string>(), row.at(1).get<std::uint64_t>(),
                            row.at(2).get<std::uint64_t>(), row.at(3).get<std::uint64_t>()});
  }
  result.counters = known.at("counters").get<std::map<std::string, std::int64_t>>();
  result.records = known.at("records").get<std::uint64_t>();
  result.bytes = known.at("bytes").get<std::uint64_t>();
  result.partial = known.at("partial").get<bool>();
  record.result = std::move(result);
  return record;
}

/// A run that is killed while it begins or ends leaves no marker.
bool holds_nothing_else(const std::string& path) {
  const Result<std::vector<std::string>> names = files().list(path);
  return names.ok() && std::all_of(names->begin(), names->end(), [](const std::string& name) {
           return name.starts_with(".lock") || name.starts_with(".inputs") ||
                  name.starts_with(".pipeline");
         });
}

}  // namespace

WorkDirectory::~WorkDirectory() {
  if (lock_ >= 0) ::close(lock_);
}

Status WorkDirectory::open(const std::string& path, bool reuse) {
  path_ = path;
  const Result<io::FileInfo> info = files().stat(path);
  if (info.ok()) {
    const bool ours = info->kind == io::FileKind::kDirectory && files().stat(path + kMarker).ok();
    if (!ours && !holds_nothing_else(path)) {
      return Status(StatusCode::kAlreadyExists,
                    path + " is no work directory of a pipeline; name another one with --work");
    }
  } else {
    FANFOLD_RETURN_IF_ERROR(files().make_directories(path));
  }
  FANFOLD_RETURN_IF_ERROR(lock());
  FANFOLD_RETURN_IF_ERROR(files().remove_tree(path + kGoing));
  const Result<std::string> marker = read_small_file(path + kMarker);
  if (marker.ok() && *marker == kFinished && !reuse) {
    FANFOLD_RETURN_IF_ERROR(remove_stages(nullptr));
  }
  return write_small_file(path + kMarker, kUnfinished);
}

Status WorkDirectory::lock() {
  const std::string path = path_ + "/.lock";
  lock_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (lock_ < 0) {
    return Status(StatusCode::kIoError, "cannot open " + path + ": " + std::strerror(errno));
  }
  // Not inherited by the processes of a private cluster, which may outlive this one for a moment.
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(lock_, F_SETLK, &whole) == 0) return {};
  if (errno != EACCES && errno != EAGAIN) {
    return Status(StatusCode::kIoError, "cannot lock " + path + ": " + std::strerror(errno));
  }
  std::string who = "another run";
  if (::fcntl(lock_, F_GETLK, &whole) == 0 && whole.l_type != F_UNLCK) {
    who += " (process " + std::to_string(whole.l_pid) + ")";
  }
  return Status(StatusCode::kAlreadyExists,
                who + " uses " + path_ + "; wait for it, or name another directory with --work");
}

std::string WorkDirectory::data_of(const std::string& stage, std::uint32_t round,
                                   const std::string& client_id) const {
  return path_ + "/" + stage + "/" + std::to_string(round) + "-" + client_id;
}

std::string WorkDirectory::record_of(const std::string& stage, std::uint32_t round) const {
  return path_ + "/" + stage + "/" + std::to_string(round) + ".json";
}

std::optional<StageRecord> WorkDirectory::record(const std::string& stage,
                                                 std::uint32_t round) const {
  const Result<std::string> text = read_small_file(record_of(stage, round));
  if (!text.ok()) return std::nullopt;
  try {
    return record_from(Json::parse(*text));
  } catch (const Json::exception&) {
    // Whatever it is, it is no record: the job runs again.
    return std::nullopt;
  }
}

Status WorkDirectory::write(const std::string& stage, std::uint32_t round,
                            const StageRecord& record) const {
  FANFOLD_RETURN_IF_ERROR(files().make_directories(path_ + "/" + stage));
  return write_small_file(record_of(stage, round),
                          to_json(record).dump(-1, ' ', false, Json::error_handler_t::replace));
}

Status WorkDirectory::forget(const std::string& stage, std::uint32_t round) const {
  Status status = files().remove_file(record_of(stage, round));
  return status.code() == StatusCode::kNotFound ? Status() : status;
}

Status WorkDirectory::remove_data(const std::string& directory) const {
  return directory.starts_with(path_ + "/") ? remove_whole(directory) : Status();
}

Status WorkDirectory::remove_whole(const std::string& path) const {
  FANFOLD_RETURN_IF_ERROR(files().remove_tree(path_ + kGoing));
  const Status moved = files().rename(path, path_ + kGoing);
  if (moved.code() == StatusCode::kNotFound) return {};
  FANFOLD_RETURN_IF_ERROR(moved);
  return files().remove_tree(path_ + kGoing);
}

Status WorkDirectory::remove_stages(const std::set<std::string>* used) const {
  FANFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> names, files().list(path_));
  for (const std::string& name : names) {
    if (name.starts_with('.')) continue;
    const std::string stage = path_ + "/" + name;
    if (used == nullptr || used->count(stage) == 0) {
      FANFOLD_RETURN_IF_ERROR(remove_whole(stage));
      continue;
    }
    FANFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> inner, files().list(stage));
    for (const std::string& one : inner) {
      if (used->count(stage + "/" + one) != 0) continue;
      FANFOLD_RETURN_IF_ERROR(remove_whole(stage + "/" + one));
    }
  }
  return {};
}

Status WorkDirectory::leave_if_unused() {
  return holds_nothing_else(path_) ? files().remove_tree(path_) : Status();
}

Status WorkDirectory::finish(bool keep, const std::set<std::string>& used) {
  if (!keep) {
    // From here on it is over, however much of this is done: nobody goes on from what is left.
    FANFOLD_RETURN_IF_ERROR(write_small_file(path_ + kMarker, kFinished));
    FANFOLD_RETURN_IF_ERROR(remove_stages(nullptr));
    return files().remove_tree(path_);
  }
  std::set<std::string> all;
  for (const std::string& entry : used) {
    all.insert(entry);
    all.insert(entry.substr(0, entry.rfind('/')));
  }
  FANFOLD_RETURN_IF_ERROR(remove_stages(&all));
  return write_small_file(path_ + kMarker, kFinished);
}

std::optional<StageResult> result_of(const StageRecord& record) {
  const Result<io::Manifest> manifest = io::read_manifest(files(), record.output);
  if (!manifest.ok() || manifest->run.client_id != record.client_id) return std::nullopt;
  for (const io::PartInfo& file : manifest->files) {
    const Result<io::FileInfo> info = files().stat(record.output + "/" + file.name);
    if (!info.ok() || info->size != file.bytes) return std::nullopt;
  }
  StageResult result;
  result.directory = record.output;
  result.files = manifest->files;
  result.counters = manifest->counters;
  result.records = manifest->records;
  result.bytes = manifest->bytes;
  result.partial = manifest->partial();
  return result;
}

}  // namespace fanfold::cli
