// Who the workers are and which route leads to each.
//
// A worker is known by the uuid that its process chose; its route (the transport's peer) changes
// when its connection breaks and comes back.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::master {

struct KnownWorker {
  WorkerId worker;
  net::PeerId peer;
  proto::Hello hello;
  std::string key;            // The name of that it proved itself with; empty: none was asked for.
  proto::HostRoom room = {};  // As its latest heartbeat said.
};

class WorkerDirectory {
 public:
  /// Ids carry the epoch, so that an id given by an earlier master is never mistaken for a new one,
  /// and begin where only this state does: one of another state is unknown here.
  WorkerDirectory(std::uint64_t epoch, std::uint64_t state_id)
      : next_((epoch << 32) + (state_id & 0x7fffffff) + 1) {}

  /// Registered with an earlier master: under this uuid it has this id, once it says Hello.
  void remember(WorkerId worker, const std::string& uuid);

  /// Adds a worker, or binds the new route of a known one.  A uuid that is known belongs to the
  /// key it came with first: for any other the introduction has no worker.
  struct Introduction {
    const KnownWorker* worker = nullptr;  // Null: refused.
    bool is_new = false;                  // It was not there yet, in the time of this master.
  };
  Introduction introduce(const net::PeerId& peer, proto::Hello hello, const std::string& key);

  /// Null when unknown, or another key's.  A message is proof of life from `peer`: the route is
  /// bound to it.
  const KnownWorker* heard_from(WorkerId worker, const net::PeerId& peer, const std::string& key);

  const KnownWorker* find(WorkerId worker) const;
  void note_room(WorkerId worker, const proto::HostRoom& room);
  void remove(WorkerId worker);
  /// Adds what workers have said of themselves to what the scheduler knows of them.
  void describe(std::vector<proto::WorkerStatus>* workers) const;

  const std::map<WorkerId, KnownWorker>& all() const { return workers_; }
  /// Whether it has come back after a restart or not.
  std::optional<WorkerId> find_uuid(std::string_view uuid) const;
  std::uint32_t slots() const;
  /// Who calls its host so and is on another machine; null: nobody.
  const KnownWorker* other_host_called(const proto::Hello& hello) const;
  /// Some that an earlier master knew have not come back yet.
  bool expects_some() const { return !remembered_.empty(); }
  /// One that speaks the protocol before this one; null: there is none.
  const KnownWorker* older() const;

 private:
  std::uint64_t next_;
  std::map<WorkerId, KnownWorker> workers_;
  std::map<std::string, WorkerId, std::less<>> by_uuid_;
  std::map<WorkerId, std::string> remembered_;  // Not in workers_: they have not come back yet.
};

/// Of a host id: what its workers share whatever they see of its file systems.
std::string_view machine_of(std::string_view host_id);

/// What a Hello must look like before it is believed.
Status check_hello(const proto::Hello& hello);

}  // namespace fanfold::master
