// An item job from its items to its results, for `run` and `redrive`.

#pragma once

#include <functional>
#include <string>

#include "cli/client/client.hpp"
#include "cli/cluster/private_cluster.hpp"
#include "cli/commands/command.hpp"
#include "cli/items/child_file.hpp"
#include "cli/items/map_state.hpp"
#include "cli/items/result_writer.hpp"
#include "cli/job/job_spec.hpp"

namespace fanfold::cli {

/// Where it runs and what is said of it.
struct ItemRunFlags {
  MasterPlace master;  // At no address: a private cluster of this shape.
  ClusterShape shape;
  JobRequest request;
  std::string work;  // Absolute.
  bool quiet = false;
  bool json = false;
};

/// The flags that `run` and `redrive` share; `work` is as given.
Result<ItemRunFlags> read_item_run_flags(const Environment& environment,
                                         const Arguments& arguments);
std::vector<Flag> item_run_flags();

struct ItemWork {
  MapState* state = nullptr;
  std::string output;     // Absolute.
  std::string directory;  // Where programs run.
  bool replace = false;
  std::string run;  // Its name; empty: a new one, or that of the run that it goes on with.
  EarlierFiles earlier;
  std::uint64_t items = 0;  // Of earlier generations too; 0: as many as are written.
  /// Writes the input of the job to a file.
  std::function<Result<ChildFile>(const ChildFileOptions& options)> write_children;
};

/// Whether the output is what a run with this work directory has published that was killed before
/// it had cleared up.
bool is_output_of(const std::string& work, const std::string& output);

/// Returns the exit code; says all that is to be said.
int run_item_work(const Environment& environment, const ItemRunFlags& flags, const ItemWork& work);

}  // namespace fanfold::cli
