// The keys of workers, as the master told them to one of them: who may fetch from its data server.

#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "common/core/mutex.hpp"
#include "common/security/keys.hpp"

namespace fanfold::security {

/// May be called by any thread.  Until it is told, nobody is admitted.
class PeerList final : public Authority {
 public:
  void replace(std::uint64_t generation, std::vector<PublicKey> keys) {
    MutexLock lock(mutex_);
    generation_ = generation;
    keys_ = std::move(keys);
  }

  std::uint64_t generation() override {
    MutexLock lock(mutex_);
    return generation_;
  }

  std::shared_ptr<const KeyHolder> admit(const PublicKey& key) override {
    MutexLock lock(mutex_);
    bool found = false;
    for (const PublicKey& known : keys_) {
      if (equal_in_constant_time(known, key)) found = true;
    }
    if (!found) return nullptr;
    return std::make_shared<const KeyHolder>(
        KeyHolder{.name = fingerprint(key), .role = Role::kWorker, .key = key, .quota = {}});
  }

 private:
  Mutex mutex_;
  std::uint64_t generation_ FANFOLD_GUARDED_BY(mutex_) = 0;
  std::vector<PublicKey> keys_ FANFOLD_GUARDED_BY(mutex_);
};

}  // namespace fanfold::security
