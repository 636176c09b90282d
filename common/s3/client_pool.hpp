// Clients with their connections, lent to whoever makes calls and kept for the next.

#pragma once

#include <memory>
#include <vector>

#include "common/core/mutex.hpp"
#include "common/core/status.hpp"
#include "common/s3/client.hpp"

namespace fanfold::s3 {

/// Thread-safe.  Outlives what it lends.
class ClientPool {
 public:
  ClientPool(Settings settings, std::shared_ptr<CredentialSource> source)
      : settings_(std::move(settings)), source_(std::move(source)) {}

  struct GiveBack {
    ClientPool* pool = nullptr;
    void operator()(Client* client) const { pool->take_back(client); }
  };
  using Lease = std::unique_ptr<Client, GiveBack>;
  Result<Lease> lend();

 private:
  void take_back(Client* client);

  const Settings settings_;
  const std::shared_ptr<CredentialSource> source_;  // Shared with the clients.
  Mutex mutex_;
  std::vector<std::unique_ptr<Client>> idle_ FANFOLD_GUARDED_BY(mutex_);
};

}  // namespace fanfold::s3
