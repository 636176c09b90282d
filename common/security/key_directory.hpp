// The directory (mode 0700) from which a master takes its keys, and what `fanfold keys` does to it:
//
//   master.key   the master's own            NAME.key   made for NAME, to be taken to where it is
//   used keys         those that are accepted     lock       held while one of them is changed
//
// Every change is one file replaced in one step; a running master sees it at the next message.

#pragma once

#include <cstdint>
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

  const std::vector<KeyEntry>& entries() const { return table_.entries(); }
  const PublicKey& master() const { return master_.pair.public_key; }
  std::string key_path(const std::string& name) const;

 private:
  Status store(const KeyTable& table);

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
