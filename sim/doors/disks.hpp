// The disks of the simulated cluster, as one tree of paths.  What was written and not synced is
// remembered as such, by who wrote it: a power failure of the writer tears it.
//
// The first part of a path names the disk: "/shared" holds inputs, outputs and staging directories,
// "/w3" is worker 3's own.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/io/file_system.hpp"
#include "sim/world/world.hpp"

namespace fanfold::sim {

struct FileBytes {
  std::string bytes;
  std::size_t synced = 0;
  std::uint32_t writer = 0;
};

class Disks {
 public:
  struct Entry {
    bool directory = false;
    std::uint64_t inode = 0;
    std::shared_ptr<FileBytes> file;  // Shared by hard links and open handles.
  };

  explicit Disks(World& world) : world_(world) { entries_["/"] = {true, 1, nullptr}; }

  const Entry* find(const std::string& path) const;
  /// Everything strictly below it, in byte order of paths.
  std::vector<std::string> below(const std::string& directory) const;
  std::vector<std::string> children(const std::string& directory) const;

  // Changes by `writer`; the caller has checked that they make sense.
  void add(const std::string& path, Entry entry, std::uint32_t writer);
  void remove(const std::string& path, std::uint32_t writer);
  void move(const std::string& from, const std::string& to, std::uint32_t writer);
  void exchange(const std::string& a, const std::string& b, std::uint32_t writer);
  /// What `writer` did to names in this directory is durable.
  void sync_names(const std::string& directory, std::uint32_t writer);
  std::uint64_t new_inode() { return ++last_inode_; }
  void tell(const std::string& path);

  /// The power of `writer`'s host fails: names and bytes that it did not sync are lost, all or
  /// some.
  void lose_power(std::uint32_t writer, const Fault& fault);
  /// Everything below it is gone.
  void wipe(const std::string& directory);
  /// Of all map outputs below it, one vanishes or rots.  False: there is none.
  bool lose_map_output(const std::string& directory, const Fault& fault);
  bool rot_map_output(const std::string& directory, const Fault& fault);

  void fill(const std::string& disk, Duration time) { full_until_[disk] = world_.now() + time; }
  bool full(const std::string& path) const;

 private:
  struct Undo {
    std::string directory;  // Whose sync makes it durable.
    std::function<void()> undo;
  };

  void note(std::uint32_t writer, const std::string& directory, std::function<void()> undo);
  std::vector<std::string> map_outputs(const std::string& directory) const;
  void place(const std::string& path, Entry entry) { entries_[path] = std::move(entry); }
  std::map<std::string, Entry> cut(const std::string& path);

  World& world_;
  std::map<std::string, Entry> entries_;
  std::map<std::uint32_t, std::vector<Undo>> unsynced_;  // By writer, oldest first.
  std::map<std::string, Instant> full_until_;
  std::uint64_t last_inode_ = 1;
};

std::string parent_of(const std::string& path);
/// "/w3" of "/w3/scratch/1".
std::string disk_of(const std::string& path);

}  // namespace fanfold::sim
