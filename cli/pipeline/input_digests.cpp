#include "cli/pipeline/input_digests.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>

#include "cli/pipeline/small_files.hpp"
#include "common/io/file_system.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::cli {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kBlockBytes = 4u << 20;
/// A file that changed this shortly before it was looked at may change again without a new time.
constexpr std::int64_t kClockGrainNs = 2'000'000'000;

std::int64_t to_ns(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

InputDigests::InputDigests(std::string path) : path_(std::move(path)) {
  const Result<std::string> text = read_small_file(path_);
  if (!text.ok()) return;
  const Json json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return;
  for (const auto& [file, row] : json.items()) {
    // Whatever is not as save() writes it is not remembered.
    if (!row.is_array() || row.size() != 5 || !row[4].is_string()) continue;
    if (!std::all_of(row.begin(), row.begin() + 4,
                     [](const Json& number) { return number.is_number_integer(); })) {
      continue;
    }
    known_[file] = {row[0].get<std::uint64_t>(), row[1].get<std::int64_t>(),
                    row[2].get<std::uint64_t>(), row[3].get<std::int64_t>(),
                    row[4].get<std::string>()};
  }
}

Result<std::string> InputDigests::digest(const std::string& path,
                                         const std::function<bool()>& interrupted) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return Status(errno == ENOENT ? StatusCode::kNotFound : StatusCode::kIoError,
                  "cannot look at " + path + ": " + std::strerror(errno));
  }
  Known now;
  now.size = static_cast<std::uint64_t>(info.st_size);
  now.changed_ns = std::max(to_ns(info.st_mtim), to_ns(info.st_ctim));
  now.inode = info.st_ino;
  now.looked_ns = std::chrono::duration_cast<std::chrono::nanoseconds>(
                      std::chrono::system_clock::now().time_since_epoch())
                      .count();
  const auto known = known_.find(path);
  if (known != known_.end() && known->second.size == now.size &&
      known->second.changed_ns == now.changed_ns && known->second.inode == now.inode &&
      known->second.changed_ns + kClockGrainNs < known->second.looked_ns) {
    return known->second.digest;
  }
  FANFOLD_ASSIGN_OR_RETURN(const auto file, io::posix_file_system().open(path));
  // The digest of the digests of blocks: one block can be waited for, a large file cannot.
  std::string blocks;
  std::string buffer(kBlockBytes, '\0');
  for (std::uint64_t offset = 0;; offset += kBlockBytes) {
    if (interrupted()) return Status(StatusCode::kAborted, "interrupted");
    FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, file->read_at(offset, buffer));
    if (count == 0) break;
    blocks += worker::sha256_of_bytes(std::string_view(buffer).substr(0, count));
    if (count < kBlockBytes) break;
  }
  now.digest = worker::sha256_of_bytes(blocks);
  known_[path] = now;
  changed_ = true;
  return now.digest;
}

Status InputDigests::save() {
  if (!changed_) return {};
  changed_ = false;
  Json json = Json::object();
  for (const auto& [file, known] : known_) {
    json[file] = {known.size, known.changed_ns, known.inode, known.looked_ns, known.digest};
  }
  // A name that is no UTF-8 is not found again: its file is read again.
  return write_small_file(path_, json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

}  // namespace fanfold::cli
