// One key on disk: what a client, a worker or the master proves itself with.  Text, mode 0600:
//
//   fanfold-key 1
//   name alice
//   role client
//   public 64 hexadecimal digits
//   secret 64 hexadecimal digits
//   other 64 hexadecimal digits: while the master's key is rotated, another that it may have
//   other-secret 64 hexadecimal digits: in the master's own file, until it uses that one
//   master 64 hexadecimal digits: the master's public key, by which its holder knows the master

#pragma once

#include <optional>
#include <string>

#include "common/core/status.hpp"
#include "common/security/keys.hpp"

namespace fanfold::security {

struct KeyFile {
  std::string name;
  Role role = Role::kClient;
  KeyPair pair;
  PublicKey master;
  std::optional<PublicKey> other = {};
  std::optional<SecretKey> other_secret = {};
};

/// Errors name the file, what is wrong with it, and what to do.
Result<KeyFile> read_key_file(const std::string& path);
Status write_key_file(const std::string& path, const KeyFile& key);

/// From now on the holder of the key knows the master by `master` and, if there is one, `other`.
/// kInvalidArgument: it is the master's own file, or the two are the same.
Status tell_key_file(const std::string& path, const PublicKey& master,
                     const std::optional<PublicKey>& other);

/// Letters, digits, '.', '_', '-', beginning with a letter or digit; at most limits::kNameBytes.
/// It becomes part of a file's name.
bool is_key_name(std::string_view name);

}  // namespace fanfold::security
