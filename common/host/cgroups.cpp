// The limit of a group around ours binds us too.

#include "common/host/cgroups.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace fanfold {
namespace {

/// Version 1 says "unlimited" by a number that no machine has.
constexpr std::uint64_t kUnlimited = 1ull << 60;

std::optional<std::uint64_t> number(const std::string& word) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::vector<std::string> words_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> words;
  for (std::string word; file >> word;) words.push_back(word);
  return words;
}

void tighten(std::optional<std::uint64_t>* limit, std::optional<std::uint64_t> other) {
  if (!other || *other >= kUnlimited) return;
  *limit = limit->has_value() ? std::min(**limit, *other) : *other;
}

void read_number(const std::string& path, std::optional<std::uint64_t>* limit) {
  const std::vector<std::string> words = words_of(path);
  if (!words.empty()) tighten(limit, number(words[0]));
}

/// The number behind a word of memory.stat; 0: it is not there.
std::uint64_t number_after(const std::vector<std::string>& words, const std::string& name) {
  const auto found = std::find(words.begin(), words.end(), name);
  const bool there = found != words.end() && std::next(found) != words.end();
  return there ? number(*std::next(found)).value_or(0) : 0;
}

struct MemoryFiles {
  const char* limit;
  const char* used;
  const char* droppable;  // A word in memory.stat.
};

void read_memory(const std::string& directory, const MemoryFiles& files, CgroupFacts* facts) {
  std::optional<std::uint64_t> limit;
  read_number(directory + "/" + files.limit, &limit);
  if (!limit) return;
  tighten(&facts->memory_bytes, limit);
  std::optional<std::uint64_t> used;
  read_number(directory + "/" + files.used, &used);
  if (!used) return;
  *used -= std::min(*used, number_after(words_of(directory + "/memory.stat"), files.droppable));
  tighten(&facts->memory_bytes_free, *limit - std::min(*limit, *used));
}

std::optional<std::uint64_t> share_of(const std::string& quota, const std::string& period) {
  const auto some = number(quota);
  const auto of = number(period);
  if (!some || !of || *of == 0) return std::nullopt;
  return *some * 1000 / *of;
}

void read_version_2(const std::string& directory, CgroupFacts* facts) {
  read_memory(directory,
              {.limit = "memory.max", .used = "memory.current", .droppable = "inactive_file"},
              facts);
  read_number(directory + "/pids.max", &facts->processes);
  const std::vector<std::string> cpu = words_of(directory + "/cpu.max");
  if (cpu.size() == 2) tighten(&facts->cpus_thousandths, share_of(cpu[0], cpu[1]));
}

void read_version_1(const std::string& controller, const std::string& directory,
                    CgroupFacts* facts) {
  if (controller == "memory") {
    read_memory(directory,
                {.limit = "memory.limit_in_bytes",
                 .used = "memory.usage_in_bytes",
                 .droppable = "total_inactive_file"},
                facts);
  } else if (controller == "pids") {
    read_number(directory + "/pids.max", &facts->processes);
  } else if (controller == "cpu") {
    const auto quota = words_of(directory + "/cpu.cfs_quota_us");
    const auto period = words_of(directory + "/cpu.cfs_period_us");
    if (!quota.empty() && !period.empty()) {
      tighten(&facts->cpus_thousandths, share_of(quota[0], period[0]));
    }
  }
}

/// Calls visit for the group and each one around it.  Inside a container the path may be one of the
/// host's, which is not there: the root is.
template <class Visit>
void up_from(std::string group, const Visit& visit) {
  while (true) {
    visit(group == "/" ? "" : group);
    const std::size_t slash = group.rfind('/');
    if (group.empty() || group == "/" || slash == std::string::npos) return;
    group.erase(std::max<std::size_t>(slash, 1));
  }
}

}  // namespace

CgroupFacts look_at_cgroups(const std::string& root) {
  CgroupFacts facts;
  std::ifstream file(root + "/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      up_from(group, [&](const std::string& path) {
        read_version_2(root + "/sys/fs/cgroup" + path, &facts);
      });
      continue;
    }
    std::istringstream names(controllers);
    for (std::string name; std::getline(names, name, ',');) {
      up_from(group, [&](const std::string& path) {
        read_version_1(name, root + "/sys/fs/cgroup/" + name + path, &facts);
      });
    }
  }
  return facts;
}

}  // namespace fanfold
