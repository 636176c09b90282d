#include "master/service/socket_guard.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace fanfold::master {

Status check_socket_directory(const std::string& address) {
  constexpr std::string_view kScheme = "ipc://";
  if (address.compare(0, kScheme.size(), kScheme) != 0) return {};
  const std::string path = address.substr(kScheme.size());
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return {};
  const std::string directory = slash == 0 ? "/" : path.substr(0, slash);
  const auto refuse = [&](const std::string& why) {
    return Status(StatusCode::kInvalidArgument,
                  "cannot listen at " + address + ": directory " + directory + " " + why);
  };
  struct stat info {};
  // Not following a link: the directory that was checked must be the one that is used.
  if (::lstat(directory.c_str(), &info) != 0)
    return refuse(std::string("is unusable: ") + std::strerror(errno));
  if (!S_ISDIR(info.st_mode)) return refuse("is not a directory (or is a symbolic link)");
  if (info.st_uid != ::geteuid()) {
    return refuse("belongs to another user, who could reach the socket; use one of your own");
  }
  if ((info.st_mode & 077) != 0) {
    return refuse(
        "is open to other users, and whoever reaches the socket can run code as you: "
        "chmod 700 " +
        directory);
  }
  return {};
}

}  // namespace fanfold::master
