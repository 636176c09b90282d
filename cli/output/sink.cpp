#include "cli/output/sink.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace fanfold::cli {
namespace {

constexpr std::size_t kWriteBytes = 256u << 10;

}  // namespace

Status Sink::write(std::string_view bytes) {
  buffer_.append(bytes);
  return buffer_.size() < kWriteBytes ? Status() : flush();
}

Status Sink::flush() {
  std::string_view left = buffer_;
  while (!left.empty() && !closed_) {
    const ssize_t count = ::write(descriptor_, left.data(), left.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EPIPE) {
      closed_ = true;
      break;
    }
    if (count < 0) {
      return Status(errno == ENOSPC ? StatusCode::kNoSpace : StatusCode::kIoError,
                    std::string("cannot write the output: ") + std::strerror(errno) + ".");
    }
    left.remove_prefix(static_cast<std::size_t>(count));
  }
  buffer_.clear();
  return Status();
}

Status write_whole(int descriptor, std::string_view text) {
  Sink sink(descriptor);
  FANFOLD_RETURN_IF_ERROR(sink.write(text));
  return sink.flush();
}

}  // namespace fanfold::cli
