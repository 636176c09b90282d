#include "cli/process/private_directory.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "common/core/limits.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::cli {

PrivateDirectory::~PrivateDirectory() {
  // Nothing can be done about a failure at this point; a later run does not mind the remains.
  if (!path_.empty()) static_cast<void>(io::posix_file_system().remove_tree(path_));
}

Status PrivateDirectory::create(const std::string& parent) {
  std::string path = parent + "/fanfold-XXXXXX";
  if (path.size() + kSocketNameBytes > limits::kSocketPathBytes) {
    return Status(StatusCode::kInvalidArgument,
                  "the temporary directory " + parent +
                      " has too long a name: sockets in it would "
                      "exceed " +
                      std::to_string(limits::kSocketPathBytes) +
                      " bytes.\nSet TMPDIR to a directory with a shorter name, such as /tmp.");
  }
  if (::mkdtemp(path.data()) == nullptr) {
    return Status(StatusCode::kIoError, "cannot create a private directory in " + parent + ": " +
                                            std::strerror(errno) +
                                            ".\nSet TMPDIR to a directory that can be written to.");
  }
  path_ = path;
  return Status();
}

}  // namespace fanfold::cli
