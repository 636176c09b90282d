#include "master/service/worker_directory.hpp"

#include <algorithm>
#include <utility>

#include "common/core/limits.hpp"
#include "common/inputs/host_input.hpp"

namespace fanfold::master {

WorkerDirectory::Introduction WorkerDirectory::introduce(const net::PeerId& peer,
                                                         proto::Hello hello,
                                                         const std::string& key) {
  const auto known = by_uuid_.find(hello.uuid);
  if (known != by_uuid_.end()) {
    const auto present = workers_.find(known->second);
    if (present != workers_.end()) {
      if (present->second.key != key) return {};
      present->second.peer = peer;
      present->second.hello.protocol = hello.protocol;
      return {.worker = &present->second, .is_new = false};
    }
  }
  const WorkerId id = known != by_uuid_.end() ? known->second : WorkerId{next_++};
  by_uuid_.emplace(hello.uuid, id);
  remembered_.erase(id);
  const auto added = workers_.emplace(id, KnownWorker{id, peer, std::move(hello), key});
  return {.worker = &added.first->second, .is_new = true};
}

void WorkerDirectory::remember(WorkerId worker, const std::string& uuid) {
  by_uuid_.emplace(uuid, worker);
  remembered_.emplace(worker, uuid);
}

const KnownWorker* WorkerDirectory::heard_from(WorkerId worker, const net::PeerId& peer,
                                               const std::string& key) {
  const auto found = workers_.find(worker);
  if (found == workers_.end() || found->second.key != key) return nullptr;
  if (found->second.peer != peer) found->second.peer = peer;
  return &found->second;
}

const KnownWorker* WorkerDirectory::find(WorkerId worker) const {
  const auto found = workers_.find(worker);
  return found == workers_.end() ? nullptr : &found->second;
}

void WorkerDirectory::note_room(WorkerId worker, const proto::HostRoom& room) {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;
  found->second.room = room;
  // Nobody has more than all of it.
  proto::HostRoom& kept = found->second.room;
  kept.memory_bytes_free = std::min(kept.memory_bytes_free, kept.memory_bytes);
  kept.scratch_bytes_free = std::min(kept.scratch_bytes_free, kept.scratch_bytes);
}

void WorkerDirectory::describe(std::vector<proto::WorkerStatus>* workers) const {
  for (proto::WorkerStatus& status : *workers) {
    const KnownWorker* worker = find(status.worker);
    if (worker == nullptr) continue;
    status.name = worker->hello.name;
    status.process = worker->hello.process;
    status.room = worker->room;
  }
}

std::optional<WorkerId> WorkerDirectory::find_uuid(std::string_view uuid) const {
  const auto found = by_uuid_.find(uuid);
  if (found == by_uuid_.end()) return std::nullopt;
  return found->second;
}

void WorkerDirectory::remove(WorkerId worker) {
  if (const auto absent = remembered_.find(worker); absent != remembered_.end()) {
    by_uuid_.erase(absent->second);
    remembered_.erase(absent);
  }
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;
  by_uuid_.erase(found->second.hello.uuid);
  workers_.erase(found);
}

const KnownWorker* WorkerDirectory::older() const {
  for (const auto& [id, worker] : workers_) {
    if (worker.hello.protocol != proto::kProtocolVersion) return &worker;
  }
  return nullptr;
}

const KnownWorker* WorkerDirectory::other_host_called(const proto::Hello& hello) const {
  if (!hello.host_inputs) return nullptr;
  for (const auto& [id, worker] : workers_) {
    const bool same_name = worker.hello.host_inputs && worker.hello.host == hello.host;
    if (same_name && machine_of(worker.hello.host_id) != machine_of(hello.host_id)) return &worker;
  }
  return nullptr;
}

std::string_view machine_of(std::string_view host_id) {
  // The boot of a system, and then the view of its mounts.
  return host_id.substr(0, host_id.find('/'));
}

std::uint32_t WorkerDirectory::slots() const {
  std::uint32_t slots = 0;
  for (const auto& [id, worker] : workers_) slots += worker.hello.slots;
  return slots;
}

Status check_hello(const proto::Hello& hello) {
  const auto refuse = [](const std::string& why) {
    return Status(StatusCode::kInvalidArgument, "worker refused: " + why);
  };
  if (hello.uuid.empty() || hello.uuid.size() > limits::kNameBytes) {
    return refuse("its uuid must have 1 to " + std::to_string(limits::kNameBytes) + " bytes");
  }
  if (hello.name.size() > limits::kWorkerTextBytes ||
      hello.host_id.size() > limits::kWorkerTextBytes ||
      hello.data_endpoint.size() > limits::kWorkerTextBytes ||
      hello.scratch.size() > limits::kPathBytes) {
    return refuse("its name, host id, data endpoint or scratch path is too long");
  }
  const bool named = inputs::is_host_name(hello.host);
  if (!named && (hello.host_inputs || !hello.host.empty())) {
    return refuse("the name of its host is none");
  }
  if (hello.scratch.empty() || hello.scratch.front() != '/') {
    return refuse("its scratch directory '" + hello.scratch + "' is not an absolute path");
  }
  if (hello.slots == 0 || hello.slots > limits::kSlotsPerWorker) {
    return refuse("it offers " + std::to_string(hello.slots) + " slots, allowed are 1 to " +
                  std::to_string(limits::kSlotsPerWorker));
  }
  return {};
}

}  // namespace fanfold::master
