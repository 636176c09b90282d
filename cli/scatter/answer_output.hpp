// Where the answers of a scatter go: into a directory that is there whole or not at all, or printed
// with what came of the scatter.

#pragma once

#include <string>
#include <vector>

#include "cli/scatter/scatter_result.hpp"
#include "common/core/status.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::cli {

/// What `-o DIR` asks for.
struct KeepRequest {
  std::string output;  // Absolute.
  bool replace = false;
  std::vector<std::string> inputs;  // Absolute.  The output may not be one of them or hold one.
};

/// The output of a scatter from before its start to its end.  What it replaces is an earlier output
/// and nothing else (master/publish).
class KeptAnswers {
 public:
  /// `unique` names its staging directory, beside the output.
  KeptAnswers(io::FileSystem& files, KeepRequest request, const std::string& unique);

  /// Whoever made it has it removed, whatever happens.
  const std::string& staging() const { return staging_; }

  /// Refuses an output that could not be written or may not be replaced.  Makes the staging
  /// directory.
  Status prepare();

  /// The answers as they lie in `directory`, with manifest.json, which is `result`.  kAborted: the
  /// output is not as prepare() found it, and stays as it is.
  Status keep(const ScatterResult& result, const std::string& directory);

 private:
  Status check();
  Status copy(const ScatterResult& result, const std::string& directory);
  Status publish();
  Status write(const std::string& name, const std::string& text);

  io::FileSystem& files_;
  const KeepRequest request_;
  const std::string staging_;
  const std::string built_;  // In it; becomes the output.
};

/// `result` as JSON, with the answers that lie in `directory` in it.  Holds one answer at a time.
/// kNoSpace, kIoError: not all of it could be written.
Status print_with_answers(io::FileSystem& files, const ScatterResult& result,
                          const std::string& directory, bool json_answers, int descriptor);

}  // namespace fanfold::cli
