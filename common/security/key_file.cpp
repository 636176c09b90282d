#include "common/security/key_file.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>

#include "common/core/limits.hpp"
#include "common/security/private_file.hpp"

namespace fanfold::security {
namespace {

constexpr std::size_t kFileBytesMax = 4096;
constexpr const char* kFirstLine = "fanfold-key 1";

Status damaged(const std::string& path, const std::string& why) {
  return {StatusCode::kCorruption, path + " is no key of Fanfold: " + why +
                                       "\n'fanfold keys add NAME --role ROLE' makes one"};
}

/// The lines after the first; nullopt: one of them is not "word value".
std::optional<std::map<std::string, std::string>> fields_of(std::string_view text) {
  std::map<std::string, std::string> fields;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    const std::size_t space = line.find(' ');
    if (space == line.npos) return std::nullopt;
    fields.emplace(line.substr(0, space), line.substr(space + 1));
  }
  return fields;
}

using Bytes = std::array<std::uint8_t, kKeyBytes>;

/// False: a line is there and wrong.
bool read_other(const std::map<std::string, std::string>& fields, KeyFile* key) {
  const auto read = [&fields](const char* name, std::optional<Bytes>* bytes) {
    const auto field = fields.find(name);
    if (field == fields.end()) return true;
    *bytes = parse_hex(field->second);
    return bytes->has_value();
  };
  std::optional<Bytes> other;
  std::optional<Bytes> secret;
  if (!read("other", &other) || !read("other-secret", &secret) || (secret && !other)) return false;
  if (other) key->other.emplace().bytes = *other;
  if (secret) key->other_secret.emplace().bytes = *secret;
  return true;
}

}  // namespace

Result<KeyFile> read_key_file(const std::string& path) {
  FANFOLD_ASSIGN_OR_RETURN(std::string text, read_private_file(path, kFileBytesMax));
  const std::size_t end = std::min(text.find('\n'), text.size());
  if (std::string_view(text).substr(0, end) != kFirstLine) {
    return damaged(path, "it does not begin with '" + std::string(kFirstLine) + "'");
  }
  auto fields = fields_of(std::string_view(text).substr(std::min(end + 1, text.size())));
  if (!fields) return damaged(path, "a line has no value");
  KeyFile key;
  key.name = (*fields)["name"];
  if (!is_key_name(key.name)) return damaged(path, "its name is missing or wrong");
  const std::string role = (*fields)["role"];
  const auto known = role == name_of(Role::kMaster) ? Role::kMaster : parse_role(role);
  if (!known) return damaged(path, "its role is missing or wrong");
  key.role = *known;
  const auto own = parse_hex((*fields)["public"]);
  const auto secret = parse_hex((*fields)["secret"]);
  const auto master = parse_hex((*fields)["master"]);
  if (!own || !secret || !master) {
    return damaged(path, "public, secret and master must be 64 hexadecimal digits each");
  }
  key.pair.public_key.bytes = *own;
  key.pair.secret.bytes = *secret;
  key.master.bytes = *master;
  if (!read_other(*fields, &key)) {
    return damaged(path, "other and other-secret must be 64 hexadecimal digits each");
  }
  return key;
}

Status write_key_file(const std::string& path, const KeyFile& key) {
  std::string text =
      std::string(kFirstLine) + "\n# Whoever can read this file can act in this name.\nname " +
      key.name + "\nrole " + name_of(key.role) + "\npublic " + to_hex(key.pair.public_key.bytes) +
      "\nsecret " + to_hex(key.pair.secret.bytes) + "\n";
  if (key.other) text += "other " + to_hex(key.other->bytes) + "\n";
  if (key.other_secret) text += "other-secret " + to_hex(key.other_secret->bytes) + "\n";
  // Last: a file that was cut off is no key.
  text += "master " + to_hex(key.master.bytes) + "\n";
  return write_private_file(path, text);
}

Status tell_key_file(const std::string& path, const PublicKey& master,
                     const std::optional<PublicKey>& other) {
  // Where it lies, not a link to it: that would be replaced.
  const std::unique_ptr<char, decltype(&std::free)> found(::realpath(path.c_str(), nullptr),
                                                          &std::free);
  const std::string file = found ? found.get() : path;
  FANFOLD_ASSIGN_OR_RETURN(KeyFile key, read_key_file(file));
  if (key.role == Role::kMaster) {
    return {StatusCode::kInvalidArgument,
            path + " is the master's own; 'fanfold keys rotate master' gives it another key"};
  }
  if (other == master) {
    return {StatusCode::kInvalidArgument, "the two keys of the master are the same"};
  }
  if (key.master == master && key.other == other) return {};
  key.master = master;
  key.other = other;
  return write_key_file(file, key);
}

bool is_key_name(std::string_view name) {
  const auto plain = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !name.empty() && name.size() <= limits::kNameBytes && plain(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](unsigned char c) { return plain(c) || c == '.' || c == '_' || c == '-'; });
}

}  // namespace fanfold::security
