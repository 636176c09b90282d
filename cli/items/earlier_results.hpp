// What an item job has left in its output: which items are still to be done, and with what they
// were run.  For `fanfold redrive`.

#pragma once

#include <string>
#include <vector>

#include "cli/items/child_file.hpp"
#include "cli/items/map_state.hpp"
#include "cli/items/result_writer.hpp"
#include "common/core/status.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::cli {

/// In an output: what redrive needs and nobody else.
inline constexpr const char* kItemJobName = "item_job.json";

/// As it stands there.
std::string item_job_text(const MapState& state, const std::string& directory);

struct EarlierResults {
  MapState state;         // But for where its items come from.
  std::string directory;  // Where programs run.
  std::string run;
  std::uint64_t generation = 1;
  ItemCounts counts;
  std::vector<std::string> succeeded;  // Names of files.
  std::vector<std::string> unfinished;
};

/// kNotFound: there is no item job's output.  kInvalidArgument: nothing of it is to be done again.
Result<EarlierResults> read_earlier_results(io::FileSystem& files, const std::string& output);

/// The children that failed, then those that were not run to their end.
Result<ChildFile> write_unfinished(io::FileSystem& files, const EarlierResults& earlier,
                                   const std::string& output, const ChildFileOptions& options);

/// Tasks that run a job of a plugin run that of another build of it.  Describes it: call it before
/// any thread exists.
Status replace_plugin(const std::string& plugin, Json* processor);

}  // namespace fanfold::cli
