#include "cli/pipeline/small_files.hpp"

#include <filesystem>

#include "cli/job/whole_file.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::cli {

Result<std::string> read_small_file(const std::string& path) {
  constexpr std::size_t kBytesMax = 256u << 20;
  return read_whole_file(path, kBytesMax);
}

Status write_small_file(const std::string& path, std::string_view text) {
  io::FileSystem& files = io::posix_file_system();
  // One writer: the directory is locked.  What a killed one left is in the way.
  const std::string fresh = path + ".new";
  Status removed = files.remove_file(fresh);
  if (!removed.ok() && removed.code() != StatusCode::kNotFound) return removed;
  FANFOLD_ASSIGN_OR_RETURN(const auto file, files.create(fresh));
  FANFOLD_RETURN_IF_ERROR(file->append(text));
  FANFOLD_RETURN_IF_ERROR(file->sync());
  FANFOLD_RETURN_IF_ERROR(file->close());
  FANFOLD_RETURN_IF_ERROR(files.rename(fresh, path));
  return files.sync_directory(std::filesystem::path(path).parent_path().string());
}

}  // namespace fanfold::cli
