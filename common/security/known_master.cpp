#include "common/security/known_master.hpp"

#include <utility>

namespace fanfold::security {
namespace {

std::vector<PublicKey> keys_in(const KeyFile& file) {
  std::vector<PublicKey> keys = {file.master};
  if (file.other) keys.push_back(*file.other);
  return keys;
}

bool same_file(const struct stat& one, const struct stat& other) {
  return one.st_ino == other.st_ino && one.st_dev == other.st_dev && one.st_size == other.st_size &&
         one.st_mode == other.st_mode && one.st_mtim.tv_sec == other.st_mtim.tv_sec &&
         one.st_mtim.tv_nsec == other.st_mtim.tv_nsec &&
         one.st_ctim.tv_sec == other.st_ctim.tv_sec && one.st_ctim.tv_nsec == other.st_ctim.tv_nsec;
}

}  // namespace

KnownMaster::KnownMaster(std::string path, const KeyFile& file)
    : path_(std::move(path)), keys_(keys_in(file)) {}

const std::vector<PublicKey>& KnownMaster::keys() {
  struct stat info {};
  if (::stat(path_.c_str(), &info) != 0 || same_file(info, seen_)) return keys_;
  const auto file = read_key_file(path_);
  // One that cannot be read may be readable the next time.
  if (!file.ok()) return keys_;
  keys_ = keys_in(*file);
  seen_ = info;
  return keys_;
}

}  // namespace fanfold::security
