#include "common/security/key_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "common/security/private_file.hpp"

namespace fanfold::security {
namespace {

/// Some 10,000 keys.
constexpr std::size_t kTableBytesMax = 2u << 20;
constexpr const char* kMaster = "master";

std::string master_path(const std::string& directory) { return directory + "/master.key"; }

Status failed(const std::string& what, const std::string& path) {
  char buffer[128];
  return {errno == ENOSPC ? StatusCode::kNoSpace : StatusCode::kIoError,
          "cannot " + what + " " + path + ": " + ::strerror_r(errno, buffer, sizeof buffer)};
}

/// "init" of a place that exists, or a command for one that does not.
Status no_keys(const std::string& directory) {
  return {StatusCode::kNotFound,
          "there are no keys in " + directory + ".\n'fanfold keys init --dir " + directory +
              "' makes the master's; name another directory with --dir or FANFOLD_KEYS"};
}

Result<UniqueFd> take_lock(const std::string& directory) {
  const std::string path = directory + "/lock";
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock.open()) return failed("open", path);
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return failed("lock", path);
  }
  return lock;
}

std::vector<KeyEntry>::iterator first_of(std::vector<KeyEntry>& entries, const std::string& name) {
  return std::find_if(entries.begin(), entries.end(),
                      [&](const KeyEntry& entry) { return entry.holder.name == name; });
}

Status unknown(const std::string& name) {
  return {StatusCode::kNotFound,
          "no key is named '" + name + "'; 'fanfold keys list' shows those there are"};
}

}  // namespace

std::string key_table_path(const std::string& directory) { return directory + "/keys"; }

Result<KeyFile> read_master_key(const std::string& directory) {
  FANFOLD_RETURN_IF_ERROR(check_private_directory(directory));
  auto key = read_key_file(master_path(directory));
  if (key.status().code() == StatusCode::kNotFound) return no_keys(directory);
  return key;
}

Result<KeyTable> read_key_table(const std::string& directory) {
  const std::string path = key_table_path(directory);
  FANFOLD_ASSIGN_OR_RETURN(const std::string text, read_private_file(path, kTableBytesMax));
  auto table = KeyTable::parse(text);
  if (!table.ok()) return table.status().with_context(path + " is damaged");
  return table;
}

Status KeyDirectory::init(const std::string& path, const KeyPair& master) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed("create", path);
  FANFOLD_RETURN_IF_ERROR(check_private_directory(path));
  FANFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, take_lock(path));
  for (const std::string& file : {master_path(path), key_table_path(path)}) {
    if (::access(file.c_str(), F_OK) != 0) continue;
    return {StatusCode::kAlreadyExists,
            path + " holds the keys of a cluster already (" + file +
                "); with another master key none of those given away would be of use.\nName "
                "another directory with --dir"};
  }
  FANFOLD_RETURN_IF_ERROR(write_private_file(key_table_path(path), KeyTable().format()));
  return write_key_file(
      master_path(path),
      {.name = kMaster, .role = Role::kMaster, .pair = master, .master = master.public_key});
}

Result<KeyDirectory> KeyDirectory::open(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return no_keys(path);
  KeyDirectory directory;
  directory.path_ = path;
  FANFOLD_RETURN_IF_ERROR(check_private_directory(path));
  FANFOLD_ASSIGN_OR_RETURN(directory.lock_, take_lock(path));
  FANFOLD_ASSIGN_OR_RETURN(directory.master_, read_master_key(path));
  FANFOLD_ASSIGN_OR_RETURN(directory.table_, read_key_table(path));
  return directory;
}

std::string KeyDirectory::key_path(const std::string& name) const {
  return path_ + "/" + name + ".key";
}

Status KeyDirectory::store(const KeyTable& table) {
  FANFOLD_RETURN_IF_ERROR(write_private_file(key_table_path(path_), table.format()));
  table_ = table;
  return {};
}

Result<std::string> KeyDirectory::add(const NewKey& key, std::int64_t now) {
  if (!is_key_name(key.name)) {
    return Status(StatusCode::kInvalidArgument,
                  "'" + key.name +
                      "' cannot be the name of a key: letters, digits, '.', '_' and '-', at most "
                      "64 of them, beginning with a letter or digit");
  }
  KeyTable table = table_;
  if (key.name == kMaster || first_of(table.entries(), key.name) != table.entries().end()) {
    return Status(StatusCode::kAlreadyExists,
                  "there is a key named '" + key.name +
                      "': 'fanfold keys rotate' replaces it, 'fanfold keys revoke' ends it");
  }
  KeyEntry entry;
  entry.holder = {key.name, key.role, key.pair.public_key, key.quota};
  entry.added = now;
  table.entries().push_back(entry);
  // The key first: what is listed and was never written could not be used by anybody.
  FANFOLD_RETURN_IF_ERROR(write_holder(key.name, key.role, key.pair));
  FANFOLD_RETURN_IF_ERROR(store(table));
  return key_path(key.name);
}

Status KeyDirectory::revoke(const std::string& name) {
  KeyTable table = table_;
  const auto removed = std::erase_if(
      table.entries(), [&](const KeyEntry& entry) { return entry.holder.name == name; });
  if (removed == 0) return unknown(name);
  FANFOLD_RETURN_IF_ERROR(store(table));
  if (::unlink(key_path(name).c_str()) != 0 && errno != ENOENT) {
    return failed("remove", key_path(name));
  }
  return {};
}

Result<std::string> KeyDirectory::rotate(const std::string& name, const KeyPair& pair,
                                         std::int64_t now, std::int64_t overlap) {
  KeyTable table = table_;
  // What an earlier rotation left is over by now, or ends with this one: two keys at most.
  std::erase_if(table.entries(), [&](const KeyEntry& entry) {
    return entry.holder.name == name && entry.until != 0;
  });
  const auto old = first_of(table.entries(), name);
  if (old == table.entries().end()) return unknown(name);
  KeyEntry fresh = *old;
  fresh.holder.key = pair.public_key;
  fresh.added = now;
  const Role role = fresh.holder.role;
  if (overlap > 0) {
    old->until = now + overlap;
    table.entries().push_back(std::move(fresh));
  } else {
    *old = std::move(fresh);
  }
  FANFOLD_RETURN_IF_ERROR(write_holder(name, role, pair));
  FANFOLD_RETURN_IF_ERROR(store(table));
  return key_path(name);
}

Status KeyDirectory::write_holder(const std::string& name, Role role, const KeyPair& pair) const {
  return write_key_file(
      key_path(name),
      {.name = name, .role = role, .pair = pair, .master = master(), .other = master_.other});
}

KeyDirectory::Told KeyDirectory::tell_holders(std::int64_t now) const {
  Told told;
  std::set<std::string> names;
  for (const KeyEntry& entry : table_.entries()) {
    if (entry.valid_at(now)) names.insert(entry.holder.name);
  }
  for (const std::string& name : names) {
    Status status = tell_key_file(key_path(name), master(), master_.other);
    if (!status.ok() && status.code() != StatusCode::kNotFound) {
      told.failures.push_back(std::move(status));
    } else {
      (status.ok() ? told.here : told.elsewhere).push_back(name);
    }
  }
  return told;
}

Result<KeyDirectory::Told> KeyDirectory::begin_master_rotation(const KeyPair& fresh, bool anew,
                                                               std::int64_t now) {
  if (master_.other && !master_.other_secret) {
    return Status(StatusCode::kAlreadyExists,
                  "the rotation before has not ended: the master may still be known as " +
                      fingerprint(*master_.other) +
                      ".\n'fanfold keys rotate master --finish' ends it");
  }
  const bool earlier = master_.other && !anew;
  if (!earlier) {
    KeyFile both = master_;
    both.other = fresh.public_key;
    both.other_secret = fresh.secret;
    FANFOLD_RETURN_IF_ERROR(write_key_file(master_path(path_), both));
    master_ = both;
  }
  Told told = tell_holders(now);
  told.earlier = earlier;
  return told;
}

Result<KeyDirectory::Told> KeyDirectory::switch_master(std::int64_t now) {
  if (!master_.other) {
    return Status(StatusCode::kNotFound,
                  "the master has one key alone; 'fanfold keys rotate master' makes another");
  }
  if (master_.other_secret) {
    KeyFile switched = master_;
    switched.other = master_.master;
    switched.other_secret.reset();
    switched.pair = {*master_.other, *master_.other_secret};
    switched.master = *master_.other;
    FANFOLD_RETURN_IF_ERROR(write_key_file(master_path(path_), switched));
    master_ = switched;
  }
  return tell_holders(now);
}

Result<KeyDirectory::Told> KeyDirectory::finish_master_rotation(std::int64_t now) {
  if (master_.other_secret) {
    return Status(StatusCode::kInvalidArgument,
                  "the master uses its old key still; 'fanfold keys rotate master --switch' comes "
                  "first");
  }
  if (master_.other) {
    KeyFile finished = master_;
    finished.other.reset();
    FANFOLD_RETURN_IF_ERROR(write_key_file(master_path(path_), finished));
    master_ = finished;
  }
  return tell_holders(now);
}

}  // namespace fanfold::security
