#include "common/security/live_keys.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <utility>

#include "common/security/key_directory.hpp"

namespace fanfold::security {
namespace {

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool same_file(const struct stat& one, const struct stat& other) {
  const auto same_time = [](const timespec& a, const timespec& b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
  };
  return one.st_ino == other.st_ino && one.st_dev == other.st_dev && one.st_size == other.st_size &&
         one.st_mode == other.st_mode && same_time(one.st_mtim, other.st_mtim) &&
         same_time(one.st_ctim, other.st_ctim);
}

std::set<std::string> lines_of(const KeyTable& table) {
  std::set<std::string> lines;
  for (const KeyEntry& entry : table.entries()) {
    lines.insert(entry.holder.name + " " + name_of(entry.holder.role) + " " +
                 fingerprint(entry.holder.key));
  }
  return lines;
}

void append_missing(const std::set<std::string>& from, const std::set<std::string>& in,
                    std::vector<std::string>* missing) {
  std::set_difference(from.begin(), from.end(), in.begin(), in.end(), std::back_inserter(*missing));
}

}  // namespace

Result<std::shared_ptr<LiveKeys>> LiveKeys::open(const std::string& directory) {
  std::shared_ptr<LiveKeys> keys(new LiveKeys(directory));
  MutexLock lock(keys->mutex_);
  // Other processes keep the number: a master that starts again must not meet its own old ones.
  keys->generation_ =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count());
  keys->refresh();
  if (!keys->unreadable_.empty()) return Status(StatusCode::kInvalidArgument, keys->unreadable_);
  keys->news_ = {};
  return keys;
}

void LiveKeys::refresh() {
  const std::int64_t now = seconds_now();
  struct stat info {};
  if (::stat(key_table_path(directory_).c_str(), &info) != 0) info = {};
  const bool runs_out = next_end_ != 0 && now >= next_end_;
  if (same_file(info, seen_) && info.st_ino != 0 && !runs_out) return;
  if (info.st_ino == 0 && !unreadable_.empty()) return;  // Still away.
  seen_ = info;
  load(now);
}

void LiveKeys::load(std::int64_t now) {
  auto table = read_key_table(directory_);
  const std::string unreadable = table.ok() ? "" : table.status().message();
  if (!unreadable.empty() && unreadable != unreadable_) news_.unreadable = unreadable;
  unreadable_ = unreadable;
  KeyTable fresh = table.ok() ? *table : KeyTable();
  std::erase_if(fresh.entries(), [&](const KeyEntry& entry) { return !entry.valid_at(now); });
  // What could not be read, for want of a descriptor perhaps, may be readable in a second.
  next_end_ = table.ok() ? fresh.next_end(now).value_or(0) : now + 1;
  const std::set<std::string> before = lines_of(table_);
  const std::set<std::string> after = lines_of(fresh);
  append_missing(after, before, &news_.added);
  append_missing(before, after, &news_.removed);
  table_ = std::move(fresh);
  ++generation_;
}

std::uint64_t LiveKeys::generation() {
  MutexLock lock(mutex_);
  refresh();
  return generation_;
}

std::shared_ptr<const KeyHolder> LiveKeys::admit(const PublicKey& key) {
  MutexLock lock(mutex_);
  refresh();
  const auto holder = table_.find(key, seconds_now());
  return holder ? std::make_shared<const KeyHolder>(*holder) : nullptr;
}

LiveKeys::Workers LiveKeys::workers() {
  MutexLock lock(mutex_);
  refresh();
  Workers workers;
  workers.generation = generation_;
  for (const KeyEntry& entry : table_.entries()) {
    if (entry.holder.role == Role::kWorker) workers.keys.push_back(entry.holder.key);
  }
  return workers;
}

bool LiveKeys::has(const std::string& name) {
  MutexLock lock(mutex_);
  refresh();
  return std::any_of(table_.entries().begin(), table_.entries().end(),
                     [&](const KeyEntry& entry) { return entry.holder.name == name; });
}

LiveKeys::News LiveKeys::take_news() {
  MutexLock lock(mutex_);
  refresh();
  return std::exchange(news_, {});
}

}  // namespace fanfold::security
