#include "worker/service/host_room.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "common/host/cgroups.hpp"

namespace fanfold::worker {
namespace {

void look_at_memory(proto::HostRoom* room) {
  std::ifstream file("/proc/meminfo");
  std::uint64_t all = 0;
  std::uint64_t available = 0;
  // Both are among the first lines.
  for (std::string line; (all == 0 || available == 0) && std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t kilobytes = 0;
    words >> name >> kilobytes;
    if (name == "MemTotal:") all = kilobytes << 10;
    if (name == "MemAvailable:") available = kilobytes << 10;
  }
  room->memory_bytes = all;
  room->memory_bytes_free = available;
  // In a container that may have less than its host.
  const CgroupFacts group = look_at_cgroups("");
  if (!group.memory_bytes || *group.memory_bytes >= all) return;
  room->memory_bytes = *group.memory_bytes;
  room->memory_bytes_free = std::min(available, group.memory_bytes_free.value_or(available));
  room->memory_bytes_free = std::min(room->memory_bytes_free, room->memory_bytes);
}

void look_at_scratch(const std::string& scratch, proto::HostRoom* room) {
  std::error_code failed;
  const std::filesystem::space_info space = std::filesystem::space(scratch, failed);
  if (failed) return;
  room->scratch_bytes = space.capacity;
  room->scratch_bytes_free = space.available;
}

}  // namespace

proto::HostRoom look_at_room(const std::string& scratch, std::uint64_t executor_bytes) {
  proto::HostRoom room;
  room.executor_bytes = executor_bytes;
  look_at_memory(&room);
  look_at_scratch(scratch, &room);
  return room;
}

}  // namespace fanfold::worker
