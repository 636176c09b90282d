// The keys of a directory as they are now: a change of the file counts from the next question on.
// A file that cannot be read admits nobody until it can.

#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/core/mutex.hpp"
#include "common/core/status.hpp"
#include "common/security/key_table.hpp"
#include "common/security/keys.hpp"

namespace fanfold::security {

/// May be called by any thread.
class LiveKeys final : public Authority {
 public:
  /// The table must be readable now.
  static Result<std::shared_ptr<LiveKeys>> open(const std::string& directory);

  std::uint64_t generation() override;
  std::shared_ptr<const KeyHolder> admit(const PublicKey& key) override;

  /// Of workers, in the order of the file, and the generation that they belong to.
  struct Workers {
    std::uint64_t generation = 0;
    std::vector<PublicKey> keys;
  };
  Workers workers();
  /// Whether a key of this name is accepted.
  bool has(const std::string& name);

  /// What changed since the last call, for the log.
  struct News {
    std::vector<std::string> added;    // "NAME ROLE FINGERPRINT"
    std::vector<std::string> removed;  // Revoked, replaced or run out.
    std::string unreadable;            // Not empty: why nobody is admitted.
    bool empty() const { return added.empty() && removed.empty() && unreadable.empty(); }
  };
  News take_news();

 private:
  explicit LiveKeys(const std::string& directory) : directory_(directory) {}
  void refresh() FANFOLD_REQUIRES(mutex_);
  void load(std::int64_t now) FANFOLD_REQUIRES(mutex_);

  const std::string directory_;
  Mutex mutex_;
  KeyTable table_ FANFOLD_GUARDED_BY(mutex_);  // Without those that have run out.
  struct stat seen_ FANFOLD_GUARDED_BY(mutex_) {};
  std::int64_t next_end_ FANFOLD_GUARDED_BY(mutex_) = 0;  // 0: none.
  std::uint64_t generation_ FANFOLD_GUARDED_BY(mutex_) = 0;
  std::string unreadable_ FANFOLD_GUARDED_BY(mutex_);
  News news_ FANFOLD_GUARDED_BY(mutex_);
};

}  // namespace fanfold::security
