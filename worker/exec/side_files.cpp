#include "worker/exec/side_files.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "worker/plugin/plugin.hpp"

namespace fanfold::worker {
namespace {

Status cannot(const char* what, const proto::FileReference& reference) {
  return {StatusCode::kIoError, std::string("cannot ") + what + " side file '" + reference.name +
                                    "' (" + reference.path + "): " + std::strerror(errno)};
}

Result<std::string_view> map_file(const proto::FileReference& reference, const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return cannot("open", reference);
  struct stat info {};
  if (::fstat(descriptor, &info) != 0) {
    const Status status = cannot("examine", reference);
    ::close(descriptor);
    return status;
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  void* memory = size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
  const Status failed = memory == MAP_FAILED ? cannot("map", reference) : Status();
  ::close(descriptor);
  if (!failed.ok()) return failed;
  return std::string_view(static_cast<const char*>(memory), size);
}

void unmap(std::string_view bytes) {
  if (!bytes.empty()) ::munmap(const_cast<char*>(bytes.data()), bytes.size());
}

}  // namespace

SideFiles::~SideFiles() {
  for (const auto& [sha256, bytes] : mapped_) unmap(bytes);
}

Result<std::string_view> SideFiles::contents(const proto::FileReference& reference) {
  const auto found = mapped_.find(reference.sha256);
  if (found != mapped_.end()) return found->second;
  const auto map = [&reference](const std::string& path) -> Result<std::string_view> {
    FANFOLD_ASSIGN_OR_RETURN(const std::string_view bytes, map_file(reference, path));
    if (sha256_of_bytes(bytes) == reference.sha256) return bytes;
    unmap(bytes);
    return Status(StatusCode::kInvalidArgument,
                  "side file '" + reference.name + "' (" + reference.path +
                      ") is not the file that was submitted (it changed since)");
  };
  FANFOLD_ASSIGN_OR_RETURN(const std::string_view bytes, look_or_bring(reference, bring_, map));
  mapped_.emplace(reference.sha256, bytes);
  return bytes;
}

}  // namespace fanfold::worker
