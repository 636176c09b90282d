// A store for clusters that live as long as one command: nothing is kept, because nobody could
// come back for it.

#include "master/store/store.hpp"

namespace fanfold::master {
namespace {

class MemoryStore final : public Store {
 public:
  Status append(std::span<const StoredFact> /*facts*/) override { return {}; }
  Status confirm() override { return {}; }
};

}  // namespace

OpenedStore memory_store(std::uint64_t epoch) {
  OpenedStore opened;
  opened.store = std::make_unique<MemoryStore>();
  opened.stored.epoch = epoch;
  return opened;
}

}  // namespace fanfold::master
