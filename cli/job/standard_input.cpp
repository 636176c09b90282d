// Standard input becomes a file: splits can be read again, a pipe cannot.

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "cli/job/job_spec.hpp"
#include "common/io/scheme.hpp"

namespace fanfold::cli {
namespace {

constexpr std::size_t kCopyBytes = 1u << 20;

Status io_error(const std::string& what) {
  if (errno == ENOSPC) {
    return Status(StatusCode::kNoSpace, what + ": " + std::strerror(errno) +
                                            ".\nSet TMPDIR to a directory with more space.");
  }
  return Status(StatusCode::kIoError, what + ": " + std::strerror(errno));
}

Status write_all(int file, const char* bytes, std::size_t size, const std::string& path) {
  while (size > 0) {
    const ssize_t written = ::write(file, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return io_error("cannot copy standard input to " + path);
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
  return Status();
}

Status copy_until_end(int from, int to, const InterruptCheck& interrupt, const std::string& path) {
  std::vector<char> buffer(kCopyBytes);
  for (;;) {
    std::array<pollfd, 2> waits = {{{from, POLLIN, 0}, {interrupt.descriptor, POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return io_error("cannot wait for standard input");
    }
    if (waits[1].revents != 0 && interrupt.happened()) {
      return Status(StatusCode::kAborted, "interrupted");
    }
    if (waits[0].revents == 0) continue;
    const ssize_t count = ::read(from, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return io_error("cannot read standard input");
    if (count == 0) return Status();
    FANFOLD_RETURN_IF_ERROR(write_all(to, buffer.data(), static_cast<std::size_t>(count), path));
  }
}

}  // namespace

bool is_standard_input(const std::string& input) {
  // Paths are absolute by now, so they are no tags.
  return input == "-" || (!input.starts_with('/') && io::scheme_of(input).empty() &&
                          input.ends_with("=-") && input.find('=') + 2 == input.size());
}

bool has_standard_input(const proto::JobSpec& spec) {
  for (const std::string& input : spec.inputs) {
    if (is_standard_input(input)) return true;
  }
  return false;
}

Status copy_standard_input(int from, const std::string& path, const InterruptCheck& interrupt,
                           proto::JobSpec* spec) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) return io_error("cannot create " + path);
  Status status = copy_until_end(from, file, interrupt, path);
  if (::close(file) != 0 && status.ok()) status = io_error("cannot write " + path);
  FANFOLD_RETURN_IF_ERROR(std::move(status));
  for (std::string& input : spec->inputs) {
    if (is_standard_input(input)) input.replace(input.size() - 1, 1, path);
  }
  return Status();
}

}  // namespace fanfold::cli
