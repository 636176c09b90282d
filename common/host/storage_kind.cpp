#include "common/host/storage_kind.hpp"

#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace fanfold {
namespace {

struct Known {
  std::uint64_t magic;
  const char* name;
  bool shared;
};
constexpr std::uint64_t kFuse = 0x65735546;
// By their numbers in statfs(2), those that matter.
constexpr std::array<Known, 21> kKnown = {
    {{0xef53, "ext4", false},      {0x58465342, "xfs", false},   {0x9123683e, "btrfs", false},
     {0x01021994, "tmpfs", false}, {0x858458f6, "ramfs", false}, {0x794c7630, "overlay", false},
     {0x2fc12fc1, "zfs", false},   {0xf2f52010, "f2fs", false},  {0x6969, "nfs", true},
     {0xff534d42, "cifs", true},   {0xfe534d42, "smb2", true},   {0x517b, "smb", true},
     {0x0bd00bd0, "lustre", true}, {0x00c36400, "ceph", true},   {0x01161970, "gfs2", true},
     {0x7461636f, "ocfs2", true},  {0x47504653, "gpfs", true},   {0x19830326, "beegfs", true},
     {0x5346414f, "afs", true},    {0x01021997, "9p", false},    {kFuse, "fuse", true}}};

/// The type that a mount of this device says it has: "fuse.glusterfs".  Empty: there is none.
std::string type_of_mount(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  const std::string device =
      std::to_string(major(info.st_dev)) + ":" + std::to_string(minor(info.st_dev));
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string id;
    std::string parent;
    std::string number;
    words >> id >> parent >> number;
    const std::size_t dash = line.find(" - ");
    if (number != device || dash == line.npos) continue;
    return line.substr(dash + 3, line.find(' ', dash + 3) - dash - 3);
  }
  return {};
}

/// Behind FUSE is anything; these are disks of this host, or of the one that a virtual machine or a
/// container is on.
bool is_of_this_host(const std::string& type) {
  constexpr std::array kLocal = {
      "fuseblk",       "virtiofs",       "fuse.ntfs-3g", "fuse.fuse-overlayfs", "fuse.bindfs",
      "fuse.mergerfs", "fuse.gocryptfs", "fuse.encfs",   "fuse.grpcfuse"};
  return std::find(kLocal.begin(), kLocal.end(), type) != kLocal.end();
}

}  // namespace

StorageKind storage_kind_of(std::uint64_t magic, const std::string& mounted_type) {
  const auto known = std::find_if(kKnown.begin(), kKnown.end(),
                                  [magic](const Known& one) { return one.magic == magic; });
  if (known == kKnown.end()) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "type 0x%llx", static_cast<unsigned long long>(magic));
    return {.name = text.data()};
  }
  if (magic != kFuse) return {.name = known->name, .shared = known->shared};
  return {.name = mounted_type.empty() ? known->name : mounted_type,
          .shared = !is_of_this_host(mounted_type)};
}

StorageKind storage_kind(const std::string& path) {
  struct statfs info {};
  if (::statfs(path.c_str(), &info) != 0) return {.name = "unknown"};
  const auto magic = static_cast<std::uint64_t>(info.f_type) & 0xffffffff;
  return storage_kind_of(magic, magic == kFuse ? type_of_mount(path) : std::string());
}

}  // namespace fanfold
