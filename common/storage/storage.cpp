#include "common/storage/storage.hpp"

#include "common/s3/location.hpp"
#include "common/s3/s3_file_system.hpp"
#include "common/storage/host_file_system.hpp"

namespace fanfold {
namespace {

/// Hands each call to the file system that the path is of.
class Storage final : public io::FileSystem {
 public:
  explicit Storage(inputs::HostInputs readable) : on_host_(std::move(readable)) {}

  Result<std::unique_ptr<io::ReadableFile>> open(const std::string& path) override {
    return of(path).open(path);
  }
  Result<std::unique_ptr<io::ReadableFile>> open_version(const std::string& path,
                                                         const std::string& version) override {
    return of(path).open_version(path, version);
  }
  Result<std::unique_ptr<io::WritableFile>> create(const std::string& path) override {
    return of(path).create(path);
  }
  Result<io::FileInfo> stat(const std::string& path) override { return of(path).stat(path); }
  Status check_readable(const std::string& path) override { return of(path).check_readable(path); }
  Result<std::vector<std::string>> list(const std::string& path) override {
    return of(path).list(path);
  }
  Result<std::vector<Entry>> list_with_info(const std::string& path) override {
    return of(path).list_with_info(path);
  }
  Result<std::vector<Entry>> list_matching(const std::string& path,
                                           const NameFilter& filter) override {
    return of(path).list_matching(path, filter);
  }
  Status make_directories(const std::string& path) override {
    return of(path).make_directories(path);
  }
  Status make_directory(const std::string& path) override { return of(path).make_directory(path); }
  // Never from one file system to another: what is renamed lies beside its new name.
  Status rename(const std::string& from, const std::string& to) override {
    return of(to).rename(from, to);
  }
  Status publish(const std::string& from, const std::string& to, io::Replace replace) override {
    return of(to).publish(from, to, replace);
  }
  Status hard_link_or_copy(const std::string& from, const std::string& to) override {
    return of(to).hard_link_or_copy(from, to);
  }
  bool renames(const std::string& path) override { return of(path).renames(path); }
  Result<std::unique_ptr<io::WritableFile>> create_unseen(const std::string& path,
                                                          const std::string& target) override {
    return of(path).create_unseen(path, target);
  }
  Status check_unseen(const std::string& path, const std::string& target) override {
    return of(target).check_unseen(path, target);
  }
  Status reveal(const std::string& path, const std::string& target) override {
    return of(target).reveal(path, target);
  }
  Status remove_file(const std::string& path) override { return of(path).remove_file(path); }
  Status remove_tree(const std::string& path) override { return of(path).remove_tree(path); }
  Status sync_directory(const std::string& path) override { return of(path).sync_directory(path); }
  Result<std::uint64_t> free_bytes(const std::string& path) override {
    return of(path).free_bytes(path);
  }

 private:
  io::FileSystem& of(const std::string& path) {
    if (inputs::is_host_input(path)) return on_host_;
    return s3::is_s3_path(path) ? s3::s3_file_system() : io::posix_file_system();
  }

  HostFileSystem on_host_;
};

}  // namespace

io::FileSystem& storage() {
  static Storage& instance = *new Storage({});
  return instance;
}

std::unique_ptr<io::FileSystem> storage_on_host(inputs::HostInputs readable) {
  return std::make_unique<Storage>(std::move(readable));
}

}  // namespace fanfold
