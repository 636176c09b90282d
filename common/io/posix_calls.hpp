// What the files of the production door share: words for what POSIX calls refuse, and directories.

#pragma once

#include <sys/stat.h>

#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::io {

/// "cannot read /data/x: Permission denied"
Status error_of(int error, const char* action, const std::string& path);

FileInfo info_of(const struct stat& info);

/// FileSystem::list() and list_with_info().
Result<std::vector<std::string>> list_directory(const std::string& directory);
Result<std::vector<FileSystem::Entry>> look_at_directory(const std::string& directory);
/// Removes what it can of a directory with many entries, several at a time; nothing of one with
/// few.  Not the directory itself.
void remove_many_entries(const std::string& directory);

}  // namespace fanfold::io
