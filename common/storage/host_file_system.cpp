#include "common/storage/host_file_system.hpp"

#include "common/io/open_within.hpp"

namespace fanfold {
namespace {

Status refused(const std::string& path) {
  return Status(StatusCode::kInvalidArgument,
                path +
                    " lies on a host: a job can read it there, and nothing else is done with "
                    "it by this name");
}

}  // namespace

Result<std::unique_ptr<io::ReadableFile>> HostFileSystem::open(const std::string& path) {
  const inputs::HostInput parts = inputs::split_host_input(path);
  FANFOLD_RETURN_IF_ERROR(inputs::check_path_on_host(parts.path).with_context(path));
  if (parts.host != readable_.host || readable_.directories.empty()) {
    const std::string here = readable_.directories.empty()
                                 ? "nothing is read here by the name of a host"
                                 : "this is host " + readable_.host;
    return Status(StatusCode::kInvalidArgument,
                  path + " lies on host " + std::string(parts.host) + ", and " + here);
  }
  return io::open_within(std::string(parts.path), readable_.directories, path);
}

Result<std::unique_ptr<io::WritableFile>> HostFileSystem::create(const std::string& path) {
  return refused(path);
}
Result<io::FileInfo> HostFileSystem::stat(const std::string& path) { return refused(path); }
Result<std::vector<std::string>> HostFileSystem::list(const std::string& directory) {
  return refused(directory);
}
Status HostFileSystem::make_directories(const std::string& path) { return refused(path); }
Status HostFileSystem::make_directory(const std::string& path) { return refused(path); }
Status HostFileSystem::rename(const std::string& from, const std::string& /*to*/) {
  return refused(from);
}
Status HostFileSystem::publish(const std::string& from, const std::string& /*to*/,
                               io::Replace /*replace*/) {
  return refused(from);
}
Status HostFileSystem::hard_link_or_copy(const std::string& from, const std::string& /*to*/) {
  return refused(from);
}
Status HostFileSystem::remove_file(const std::string& path) { return refused(path); }
Status HostFileSystem::remove_tree(const std::string& path) { return refused(path); }
Status HostFileSystem::sync_directory(const std::string& path) { return refused(path); }
Result<std::uint64_t> HostFileSystem::free_bytes(const std::string& path) { return refused(path); }

}  // namespace fanfold
