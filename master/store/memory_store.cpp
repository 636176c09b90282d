// A store for clusters that live as long as one command: nothing is kept, because nobody could
// come back for it.

#include <cstdint>
#include <random>

#include "master/store/store.hpp"

namespace fanfold::master {
namespace {

class MemoryStore final : public Store {
 public:
  Status append(std::span<const StoredFact> /*facts*/) override { return {}; }
  Status confirm() override { return {}; }
};

}  // namespace

std::uint64_t make_state_id() {
  std::random_device random;
  const std::uint64_t high = random();
  // Positive in every language, and not 0, which is that of nobody.
  return ((high << 31) ^ random()) % INT64_MAX + 1;
}

OpenedStore memory_store(std::uint64_t epoch) {
  OpenedStore opened;
  opened.store = std::make_unique<MemoryStore>();
  opened.stored.epoch = epoch;
  opened.stored.state_id = make_state_id();
  return opened;
}

}  // namespace fanfold::master
