// The input of an item job: reads the items of a Map, selects from each, gathers them in batches,
// and writes one line for each child (common/items/child_line.hpp).

#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "cli/items/map_state.hpp"
#include "common/core/status.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::cli {

struct ChildFile {
  std::uint64_t items = 0;
  std::uint64_t children = 0;
  std::uint64_t bytes = 0;
  /// So large are the splits of it: a child each when there are few, and many in one when there are
  /// many.  0: there are no children.
  std::uint64_t split_bytes = 0;
};

struct ChildFileOptions {
  std::string path;  // Replaced when it is there.
  std::function<bool()> interrupted;
};

/// kAborted: interrupted.  Memory does not depend on the number of items.
Result<ChildFile> write_children(io::FileSystem& files, MapState* state,
                                 const ChildFileOptions& options);

/// Appends the lines of children, then decides how the file is cut.  The file is there in one step:
/// tasks of an earlier run may be reading the one before, which has the same children.
class ChildFileWriter {
 public:
  ChildFileWriter(io::FileSystem& files, std::string path)
      : files_(files), path_(std::move(path)), fresh_(path_ + ".new") {}

  Status open();
  Status add(std::uint64_t index, std::uint64_t items, std::string_view input);
  Result<ChildFile> finish();

 private:
  Status flush();
  Status spread();

  io::FileSystem& files_;
  const std::string path_;
  const std::string fresh_;  // Where it is written.
  std::unique_ptr<io::WritableFile> file_;
  std::string buffer_;
  std::size_t longest_ = 0;
  ChildFile made_;
};

}  // namespace fanfold::cli
