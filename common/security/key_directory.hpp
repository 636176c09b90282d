// The directory (mode 0700) from which a master takes its keys, and what `fanfold keys` does to it:
//
//   master.key   the master's own            NAME.key   made for NAME, to be taken to where it is
//   used keys         those that are accepted     lock       held while one of them is changed
//
// Every change is one file replaced in one step; a running master sees it at the next message.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/core/unique_fd.hpp"
#include "common/security/key_file.hpp"
#include "common/security/key_table.hpp"

namespace fanfold::security {

class KeyDirectory {
 public:
  /// Makes it, or uses an empty one of ours.  kAlreadyExists: there are keys in it.
  static Status init(const std::string& path, const KeyPair& master);
  /// Holds the lock until it goes; waits for whoever holds it.
  static Result<KeyDirectory> open(const std::string& path);

  struct NewKey {
    std::string name;
    Role role = Role::kClient;
    KeyPair pair;
    KeyQuota quota;
  };
  /// Returns the path of the key file.  kAlreadyExists: the name has a key.
  Result<std::string> add(const NewKey& key, std::int64_t now);
  /// All keys of the name, and its key file.  kNotFound: it has none.
  Status revoke(const std::string& name);
  /// A new key with the old one's role and quota, which stays valid for `overlap` seconds more.
  Result<std::string> rotate(const std::string& name, const KeyPair& pair, std::int64_t now,
                             std::int64_t overlap);

  // A rotation of the master's key: it begins, all who hold a key are told, the master switches and
  // is started again, and it ends.  Each step can be repeated, after a crash for instance.

  /// Whose key files are here, and know the master as it is now; whose have been taken away.
  struct Told {
    std::vector<std::string> here;
    std::vector<std::string> elsewhere;
    std::vector<Status> failures;  // Of files that are here and could not be told.
    bool earlier = false;          // The second key is one that an earlier call has made.
  };
  /// The master may be met under a second key from now on: `fresh`, or, unless `anew`, the one that
  /// an earlier call has made.  The first is still the one that it uses.  kAlreadyExists: the
  /// rotation before has not ended.
  Result<Told> begin_master_rotation(const KeyPair& fresh, bool anew, std::int64_t now);
  /// A master that is started from now on uses the second; the secret half of the first is gone.
  /// kNotFound: there is no second.
  Result<Told> switch_master(std::int64_t now);
  /// The first is not known any more.  kInvalidArgument: it is in use.
  Result<Told> finish_master_rotation(std::int64_t now);
  /// Another key that the master may be met under; nullopt: none.
  const std::optional<PublicKey>& other_master() const { return master_.other; }
  /// Whether that is the one to come, not the one to go.
  bool other_is_next() const { return master_.other_secret.has_value(); }

  const std::vector<KeyEntry>& entries() const { return table_.entries(); }
  const PublicKey& master() const { return master_.pair.public_key; }
  std::string key_path(const std::string& name) const;

 private:
  Status store(const KeyTable& table);
  Status write_holder(const std::string& name, Role role, const KeyPair& pair) const;
  Told tell_holders(std::int64_t now) const;

  std::string path_;
  UniqueFd lock_;
  KeyFile master_;
  KeyTable table_;
};

/// What a master reads at its start.
Result<KeyFile> read_master_key(const std::string& directory);
Result<KeyTable> read_key_table(const std::string& directory);
std::string key_table_path(const std::string& directory);

}  // namespace fanfold::security
