// The part of the desk that keeps the name of a host with one machine.

#include "master/service/worker_desk.hpp"

namespace fanfold::master {

bool WorkerDesk::has_host_to_itself(const net::PeerId& peer, const proto::Hello& hello) {
  const KnownWorker* other = state_.workers.other_host_called(hello);
  if (other == nullptr) {
    waiting_hosts_.erase(hello.uuid);
    return true;
  }
  constexpr std::size_t kWaitingMost = 1000;
  if (waiting_hosts_.size() == kWaitingMost) waiting_hosts_.clear();
  const auto [since, fresh] = waiting_hosts_.try_emplace(hello.uuid, state_.now);
  const std::string why = "worker " + hello.name + " calls its host " + hello.host +
                          ", as worker " + other->hello.name +
                          " does on another machine: start it with another --host-name";
  if (fresh) {
    state_.measures.refused(Refusal::kWorker);
    state_.log.warn("worker.refused", {{"name", hello.name}, {"reason", why}});
  }
  if (state_.now - since->second <= state_.settings.worker_silence_max) return false;
  state_.outbox.add(peer,
                    proto::Answer{.code = static_cast<std::uint8_t>(StatusCode::kAlreadyExists),
                                  .message = why,
                                  .job = {}});
  return false;
}

}  // namespace fanfold::master
