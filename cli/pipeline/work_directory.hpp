// Where a pipeline keeps what its jobs have written, and what it knows of them.
//
//   NAME.work/.pipeline          whose it is, and whether the last run came to its end
//            /.lock              held by the run that uses it
//            /.inputs            digests of input files: input_digests.hpp
//            /STAGE/1.json       which job round 1 is, and with what it was begun
//            /STAGE/1-ID/        what that job wrote, unless the stage says where
//
// A job's own manifest decides whether it is done: it holds the client id that its record has had
// since before it was submitted.  So a run that is killed at any moment leaves nothing in doubt.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/part_file.hpp"

namespace fanfold::cli {

/// What a finished job has to offer to those after it.
struct StageResult {
  std::string directory;
  std::vector<io::PartInfo> files;
  std::map<std::string, std::int64_t> counters;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  bool partial = false;
};

struct StageRecord {
  std::string key;        // Digest of all that the output depends on.
  std::string client_id;  // Of the job.
  std::string output;
  std::optional<StageResult> result;  // Once it is known; the directory may be gone since.
};

class WorkDirectory {
 public:
  WorkDirectory() = default;
  ~WorkDirectory();
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;

  /// Makes it, or takes it over.  What a run left that came to its end is removed, unless `reuse`.
  /// kAlreadyExists: it is something else, or another run uses it.
  Status open(const std::string& path, bool reuse);

  const std::string& path() const { return path_; }
  std::string inputs_file() const { return path_ + "/.inputs"; }
  std::string data_of(const std::string& stage, std::uint32_t round,
                      const std::string& client_id) const;

  std::optional<StageRecord> record(const std::string& stage, std::uint32_t round) const;
  Status write(const std::string& stage, std::uint32_t round, const StageRecord& record) const;
  Status forget(const std::string& stage, std::uint32_t round) const;
  /// Removes an output that lies in here; others are left alone.
  Status remove_data(const std::string& directory) const;

  /// Removes it when nothing of a stage is in it.
  Status leave_if_unused();

  /// The pipeline has come to its end.  With `keep`, only what is no directory of `used` goes.
  Status finish(bool keep, const std::set<std::string>& used);

 private:
  Status lock();
  /// Killed in the middle, it leaves all of `path`, or nothing by that name.
  Status remove_whole(const std::string& path) const;
  Status remove_stages(const std::set<std::string>* used) const;
  std::string record_of(const std::string& stage, std::uint32_t round) const;

  std::string path_;
  int lock_ = -1;
};

/// The result that the record's output holds; nullopt: it is not there, not complete, or of another
/// job.
std::optional<StageResult> result_of(const StageRecord& record);

}  // namespace fanfold::cli
