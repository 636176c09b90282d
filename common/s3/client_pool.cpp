#include "common/s3/client_pool.hpp"

#include <utility>

namespace fanfold::s3 {
namespace {

/// Each has a few connections open.
constexpr std::size_t kIdleMax = 16;

}  // namespace

Result<ClientPool::Lease> ClientPool::lend() {
  {
    MutexLock lock(mutex_);
    if (!idle_.empty()) {
      Lease lease(idle_.back().release(), {this});
      idle_.pop_back();
      return lease;
    }
  }
  FANFOLD_ASSIGN_OR_RETURN(auto made, Client::make(settings_, source_));
  return Lease(made.release(), {this});
}

void ClientPool::take_back(Client* client) {
  std::unique_ptr<Client> own(client);
  MutexLock lock(mutex_);
  if (idle_.size() < kIdleMax) idle_.push_back(std::move(own));
}

}  // namespace fanfold::s3
