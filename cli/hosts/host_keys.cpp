#include "cli/hosts/host_keys.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "cli/cluster/keyed_master.hpp"
#include "cli/cluster/processes.hpp"
#include "common/net/key_pair.hpp"
#include "common/security/key_directory.hpp"
#include "common/security/private_file.hpp"

namespace fanfold::cli {
namespace {

constexpr std::size_t kKeyFileBytesMax = 4096;

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool is_of(const security::KeyEntry& entry, const std::string& host) {
  return entry.holder.name == host && entry.holder.role == security::Role::kWorker;
}

}  // namespace

Result<std::string> cluster_name(const std::string& directory) {
  FANFOLD_ASSIGN_OR_RETURN(const security::KeyDirectory keys,
                           security::KeyDirectory::open(key_directory(directory)));
  return security::fingerprint(keys.master());
}

Result<bool> accepts_key(const std::string& directory, const std::string& host,
                         const std::string& public_key) {
  FANFOLD_ASSIGN_OR_RETURN(const security::KeyDirectory keys,
                           security::KeyDirectory::open(key_directory(directory)));
  const std::int64_t now = seconds_now();
  return std::any_of(keys.entries().begin(), keys.entries().end(),
                     [&](const security::KeyEntry& entry) {
                       return is_of(entry, host) && entry.valid_at(now) &&
                              security::to_hex(entry.holder.key.bytes) == public_key;
                     });
}

Result<MasterKeys> master_keys(const std::string& directory) {
  FANFOLD_ASSIGN_OR_RETURN(const security::KeyDirectory keys,
                           security::KeyDirectory::open(key_directory(directory)));
  MasterKeys master;
  master.in_use = security::to_hex(keys.master().bytes);
  if (keys.other_master()) master.other = security::to_hex(keys.other_master()->bytes);
  return master;
}

Result<std::string> make_host_key(const std::string& directory, const std::string& host) {
  FANFOLD_ASSIGN_OR_RETURN(security::KeyDirectory keys,
                           security::KeyDirectory::open(key_directory(directory)));
  const bool known =
      std::any_of(keys.entries().begin(), keys.entries().end(),
                  [&](const security::KeyEntry& entry) { return is_of(entry, host); });
  const std::int64_t now = seconds_now();
  security::KeyDirectory::NewKey key;
  key.name = host;
  key.role = security::Role::kWorker;
  key.pair = net::make_key_pair();
  FANFOLD_ASSIGN_OR_RETURN(const std::string path,
                           known ? keys.rotate(host, key.pair, now, 0) : keys.add(key, now));
  auto text = security::read_private_file(path, kKeyFileBytesMax);
  if (::unlink(path.c_str()) != 0) return io_error("cannot remove " + path);
  return text;
}

Status end_host_key(const std::string& directory, const std::string& host) {
  FANFOLD_ASSIGN_OR_RETURN(security::KeyDirectory keys,
                           security::KeyDirectory::open(key_directory(directory)));
  const Status revoked = keys.revoke(host);
  return revoked.code() == StatusCode::kNotFound ? Status() : revoked;
}

}  // namespace fanfold::cli
