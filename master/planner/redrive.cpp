#include "master/planner/redrive.hpp"

#include <algorithm>
#include <utility>

#include "common/core/limits.hpp"
#include "common/inputs/host_input.hpp"
#include "common/io/dead_letter.hpp"
#include "common/io/pairs_file.hpp"
#include "common/proto/redrive.hpp"
#include "master/planner/cut.hpp"
#include "master/planner/input_files.hpp"

namespace fanfold::master {
namespace {

/// Of one task: as many may end its executor without ending it.
constexpr std::size_t kRecordsPerSplit = 100;

Status add_pairs(io::FileSystem& files, const std::string& directory, Plan* plan) {
  FANFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.list(directory));
  for (const std::string& name : names) {
    const auto pairs = io::parse_pairs_file_name(name);
    if (!pairs) continue;
    if (pairs->partitions != plan->partitions) {
      return Status(StatusCode::kInvalidArgument,
                    directory + "/" + name + " is of a job with another number of reducers than " +
                        std::to_string(plan->partitions));
    }
    io::Piece piece;
    piece.path = directory + "/" + name;
    FANFOLD_ASSIGN_OR_RETURN(const io::FileInfo info, files.stat(piece.path));
    piece.end = info.size;
    plan->sample.pieces.push_back(piece);
    plan->sample.bytes += piece.end;
    plan->splits.push_back({{piece}, piece.end});
    plan->input_bytes += piece.end;
  }
  return {};
}

class RecordSplits {
 public:
  RecordSplits(io::FileSystem& files, const HostListing* hosts, Plan& plan)
      : files_(files), hosts_(hosts), plan_(plan) {}

  Status add(const io::DeadLetterPlace& place) {
    // Records of one host are read there.
    if (host_of(place.file) != host_of(path_)) flush();
    if (place.file != path_) FANFOLD_RETURN_IF_ERROR(look_at(place.file));
    io::Piece piece;
    piece.path = place.file;
    piece.tag = place.tag;
    piece.begin = place.offset;
    piece.end = place.offset + place.bytes;
    // A file of no bytes may be a record, too.
    if (piece.end < piece.begin) {
      return Status(StatusCode::kCorruption,
                    "a dead letter tells of a record of " + std::to_string(place.bytes) +
                        " bytes at byte " + std::to_string(place.offset) + " of " + place.file);
    }
    piece.compression = compression_;
    piece.version = proto::record_version(place.xxh3_64);
    if (split_.pieces.size() == kRecordsPerSplit) flush();
    split_.bytes += place.bytes;
    plan_.input_bytes += place.bytes;
    split_.pieces.push_back(std::move(piece));
    return {};
  }

  void flush() {
    if (!split_.pieces.empty()) plan_.splits.push_back(std::exchange(split_, {}));
  }

 private:
  Status look_at(const std::string& path) {
    FANFOLD_ASSIGN_OR_RETURN(const InputFile input, find(path));
    FANFOLD_ASSIGN_OR_RETURN(compression_, compression_of(files_, input));
    path_ = path;
    ++plan_.input_files;
    return {};
  }

  Result<InputFile> find(const std::string& path) {
    if (host_of(path).empty()) {
      FANFOLD_ASSIGN_OR_RETURN(const io::FileInfo info, files_.stat(path));
      return InputFile{path, "", info.size, info.version};
    }
    if (hosts_ != nullptr) {
      const auto found = hosts_->files.find(path);
      if (found != hosts_->files.end()) return found->second.front();
    }
    return Status(StatusCode::kInvalidArgument,
                  path + " lies on a host, and nobody there was asked for it");
  }

  io::FileSystem& files_;
  const HostListing* const hosts_;
  Plan& plan_;
  proto::Split split_;
  std::string path_;  // Of the last record.
  io::Compression compression_ = io::Compression::kNone;
};

}  // namespace

Result<std::vector<std::string>> redriven_on_hosts(io::FileSystem& files,
                                                   const std::string& directory) {
  FANFOLD_ASSIGN_OR_RETURN(const auto places, io::dead_letter_places(files, directory));
  std::vector<std::string> found;
  for (const io::DeadLetterPlace& place : places) {
    if (!inputs::is_host_input(place.file)) continue;
    FANFOLD_RETURN_IF_ERROR(inputs::check_host_input(place.file));
    // Files come by name.
    if (found.empty() || found.back() != place.file) found.push_back(place.file);
  }
  return found;
}

Result<Plan> plan_redrive(io::FileSystem& files, const proto::JobSpec& spec,
                          const std::string& directory, const HostListing* hosts) {
  Plan plan;
  plan.partitions = spec.partitions;
  if (plan.partitions == 0) {
    return Status(StatusCode::kInvalidArgument,
                  "a redrive has as many reducers as the job whose records it maps");
  }
  FANFOLD_RETURN_IF_ERROR(add_pairs(files, directory, &plan));
  FANFOLD_ASSIGN_OR_RETURN(const auto places, io::dead_letter_places(files, directory));
  if (places.empty()) {
    return Status(StatusCode::kInvalidArgument, directory + " has no dead letters");
  }
  RecordSplits splits(files, hosts, plan);
  for (const io::DeadLetterPlace& place : places) FANFOLD_RETURN_IF_ERROR(splits.add(place));
  splits.flush();
  return plan;
}

}  // namespace fanfold::master
