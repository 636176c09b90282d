#include "cli/job/whole_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/core/unique_fd.hpp"

namespace fanfold::cli {

Result<std::string> read_to_end(int descriptor, std::size_t bytes_max, const std::string& name) {
  std::string text;
  char buffer[64u << 10];
  for (;;) {
    const ssize_t got = ::read(descriptor, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Status(StatusCode::kIoError, "cannot read " + name + ": " + std::strerror(errno));
    }
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > bytes_max) {
      return Status(StatusCode::kExhausted,
                    name + " has more than " + std::to_string(bytes_max >> 20) + " MiB");
    }
  }
}

Result<std::string> read_whole_file(const std::string& path, std::size_t bytes_max) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.open()) return read_to_end(file.get(), bytes_max, path);
  const StatusCode code =
      errno == ENOENT || errno == ENOTDIR ? StatusCode::kNotFound : StatusCode::kIoError;
  return Status(code, "cannot open " + path + ": " + std::strerror(errno));
}

}  // namespace fanfold::cli
