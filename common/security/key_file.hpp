// One key on disk: what a client, a worker or the master proves itself with.  Text, mode 0600:
//
//   fanfold-key 1
//   name alice
//   role client
//   public 64 hexadecimal digits
//   secret 64 hexadecimal digits
//   master 64 hexadecimal digits: the master's public key, by which its holder knows the master

#pragma once

#include <string>

#include "common/core/status.hpp"
#include "common/security/keys.hpp"

namespace fanfold::security {

struct KeyFile {
  std::string name;
  Role role = Role::kClient;
  KeyPair pair;
  PublicKey master;
};

/// Errors name the file, what is wrong with it, and what to do.
Result<KeyFile> read_key_file(const std::string& path);
Status write_key_file(const std::string& path, const KeyFile& key);

/// Letters, digits, '.', '_', '-', beginning with a letter or digit; at most limits::kNameBytes.
/// It becomes part of a file's name.
bool is_key_name(std::string_view name);

}  // namespace fanfold::security
