#include "sim/doors/disks.hpp"

#include <algorithm>

#include "sim/world/witness.hpp"

namespace fanfold::sim {
namespace {

constexpr std::size_t kSectorBytes = 512;
/// Undone by one failure at most; what is older is safe, as with a journal that commits by itself.
constexpr std::size_t kUnsyncedNamesMax = 500;

bool is_below(const std::string& path, const std::string& directory) {
  return path.size() > directory.size() + 1 && path.starts_with(directory) &&
         path[directory.size()] == '/';
}

}  // namespace

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::string disk_of(const std::string& path) { return path.substr(0, path.find('/', 1)); }

const Disks::Entry* Disks::find(const std::string& path) const {
  const auto known = entries_.find(path);
  return known == entries_.end() ? nullptr : &known->second;
}

std::vector<std::string> Disks::below(const std::string& directory) const {
  std::vector<std::string> found;
  for (auto it = entries_.upper_bound(directory + "/"); it != entries_.end(); ++it) {
    if (!is_below(it->first, directory)) break;
    found.push_back(it->first);
  }
  return found;
}

std::vector<std::string> Disks::children(const std::string& directory) const {
  std::vector<std::string> names;
  for (const std::string& path : below(directory)) {
    const std::string name = path.substr(directory.size() + 1);
    if (name.find('/') == std::string::npos) names.push_back(name);
  }
  return names;
}

void Disks::tell(const std::string& path) {
  world_.trace.note(world_.now(), "path", {hash(path)});
  world_.witness->path_changed(path);
}

void Disks::note(std::uint32_t writer, const std::string& directory, std::function<void()> undo) {
  std::vector<Undo>& mine = unsynced_[writer];
  if (mine.size() == kUnsyncedNamesMax) mine.erase(mine.begin(), mine.begin() + mine.size() / 2);
  mine.push_back({directory, std::move(undo)});
}

void Disks::add(const std::string& path, Entry entry, std::uint32_t writer) {
  place(path, std::move(entry));
  note(writer, parent_of(path), [this, path] { wipe(path); });
  tell(path);
}

std::map<std::string, Disks::Entry> Disks::cut(const std::string& path) {
  std::map<std::string, Entry> taken;
  std::vector<std::string> paths = below(path);
  paths.push_back(path);
  for (const std::string& one : paths) {
    const auto known = entries_.find(one);
    if (known == entries_.end()) continue;
    taken.emplace(one.substr(path.size()), std::move(known->second));
    entries_.erase(known);
  }
  return taken;
}

void Disks::remove(const std::string& path, std::uint32_t writer) {
  // A removal that comes undone leaves a file that nobody asks for; nothing to remember.
  static_cast<void>(writer);
  cut(path);
  tell(path);
}

void Disks::move(const std::string& from, const std::string& to, std::uint32_t writer) {
  for (auto& [rest, entry] : cut(from)) entries_[to + rest] = std::move(entry);
  note(writer, parent_of(to), [this, from, to] {
    if (find(to) == nullptr || find(from) != nullptr) return;
    for (auto& [rest, entry] : cut(to)) entries_[from + rest] = std::move(entry);
    tell(to);
  });
  tell(to);
}

void Disks::exchange(const std::string& a, const std::string& b, std::uint32_t writer) {
  const auto swap_both = [this, a, b] {
    std::map<std::string, Entry> from_a = cut(a);
    for (auto& [rest, entry] : cut(b)) entries_[a + rest] = std::move(entry);
    for (auto& [rest, entry] : from_a) entries_[b + rest] = std::move(entry);
    tell(b);
  };
  swap_both();
  note(writer, parent_of(b), swap_both);
}

void Disks::sync_names(const std::string& directory, std::uint32_t writer) {
  std::erase_if(unsynced_[writer], [&](const Undo& one) { return one.directory == directory; });
}

void Disks::lose_power(std::uint32_t writer, const Fault& fault) {
  std::vector<Undo> names = std::exchange(unsynced_[writer], {});
  const std::size_t kept = world_.faults.measure(fault, 1, 0, names.size());
  while (names.size() > kept) {
    names.back().undo();
    names.pop_back();
  }
  std::uint64_t which = 1;
  for (auto& [path, entry] : entries_) {
    if (entry.file == nullptr || entry.file->writer != writer) continue;
    FileBytes& file = *entry.file;
    if (file.synced == file.bytes.size()) continue;
    const std::size_t unsynced = file.bytes.size() - file.synced;
    const std::size_t left = world_.faults.measure(fault, ++which, 0, unsynced);
    file.bytes.resize(file.synced + left);
    // A sector that was being written may hold anything.
    const std::size_t torn = std::min(left % kSectorBytes, left);
    if (torn > 0 && world_.faults.measure(fault, ++which, 0, 1) == 1) {
      for (std::size_t i = file.bytes.size() - torn; i < file.bytes.size(); ++i) file.bytes[i] = 0;
    }
    file.synced = file.bytes.size();
    tell(path);
  }
}

void Disks::wipe(const std::string& directory) {
  cut(directory);
  tell(directory);
}

std::vector<std::string> Disks::map_outputs(const std::string& directory) const {
  std::vector<std::string> found;
  for (std::string& path : below(directory)) {
    if (path.ends_with("/output.run")) found.push_back(std::move(path));
  }
  return found;
}

bool Disks::lose_map_output(const std::string& directory, const Fault& fault) {
  const std::vector<std::string> outputs = map_outputs(directory);
  if (outputs.empty()) return false;
  wipe(outputs[world_.faults.measure(fault, 1, 0, outputs.size() - 1)]);
  return true;
}

bool Disks::rot_map_output(const std::string& directory, const Fault& fault) {
  const std::vector<std::string> outputs = map_outputs(directory);
  if (outputs.empty()) return false;
  const std::string& path = outputs[world_.faults.measure(fault, 1, 0, outputs.size() - 1)];
  std::string& bytes = entries_.at(path).file->bytes;
  if (bytes.empty()) return false;
  char& byte = bytes[world_.faults.measure(fault, 2, 0, bytes.size() - 1)];
  byte = static_cast<char>(byte ^ (1 << world_.faults.measure(fault, 3, 0, 7)));
  tell(path);
  return true;
}

bool Disks::full(const std::string& path) const {
  const auto until = full_until_.find(disk_of(path));
  return until != full_until_.end() && world_.now() < until->second && !world_.faults.healed();
}

}  // namespace fanfold::sim
