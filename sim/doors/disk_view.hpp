// The FileSystem door of one simulated process: the disks as it sees them, with its share of
// errors.

#pragma once

#include <optional>
#include <string>

#include "sim/doors/disks.hpp"

namespace fanfold::sim {

class DiskView final : public io::FileSystem {
 public:
  DiskView(World& world, Disks& disks, std::uint32_t process)
      : world_(world), disks_(disks), process_(process) {}

  Result<std::unique_ptr<io::ReadableFile>> open(const std::string& path) override;
  Result<std::unique_ptr<io::WritableFile>> create(const std::string& path) override;
  Result<io::FileInfo> stat(const std::string& path) override;
  Status check_readable(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Status make_directories(const std::string& path) override;
  Status make_directory(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status publish(const std::string& from, const std::string& to, io::Replace replace) override;
  Status hard_link_or_copy(const std::string& from, const std::string& to) override;
  Status remove_file(const std::string& path) override;
  Status remove_tree(const std::string& path) override;
  Status sync_directory(const std::string& path) override;
  Result<std::uint64_t> free_bytes(const std::string& path) override;

  /// The process dies in the middle of what it does: after so many more operations nothing has any
  /// effect.  nullopt: it lives.
  void die_after(std::optional<std::uint64_t> operations) { left_ = operations; }
  /// Every operation has come to its end and the process with it.
  bool dead() const { return left_ && *left_ == 0; }

  /// Counts an operation; what it met instead of success.
  Status meet_fate(const std::string& path, bool writes);
  World& world() { return world_; }
  std::uint32_t process() const { return process_; }

 private:
  Status expect_directory(const std::string& path);

  World& world_;
  Disks& disks_;
  const std::uint32_t process_;
  std::uint64_t operations_ = 0;
  std::optional<std::uint64_t> left_;
};

}  // namespace fanfold::sim
