#include "cli/hosts/hosts_file.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "common/security/key_file.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

constexpr const char* kHere = "here";
constexpr std::size_t kHostsMax = 1000;
constexpr std::size_t kDestinationBytes = 255;
constexpr std::size_t kPathBytes = 1024;
constexpr std::uint64_t kSlotsMax = 1000;
constexpr std::uint64_t kMemoryLeast = 32u << 20;

bool is_letter_or_digit(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Letters and digits, the others of `more` only behind the first.
bool is_word(std::string_view text, std::string_view more) {
  return !text.empty() && is_letter_or_digit(static_cast<unsigned char>(text.front())) &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return is_letter_or_digit(static_cast<unsigned char>(c)) || more.find(c) != more.npos;
         });
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (line.empty() || line.front() == '#') return words;
    const std::size_t end = std::min(line.find_first_of(" \t\r"), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

Status wrong(const std::string& why) { return {StatusCode::kInvalidArgument, why}; }

std::string quoted(std::string_view word) { return "'" + printable(word, false) + "'"; }

Status set_path(std::string_view value, std::string* path) {
  if (!is_plain_path(value)) {
    return wrong(quoted(value) + " is no absolute path without '..' and control characters");
  }
  *path = value;
  return {};
}

template <class Number>
Status set_number(std::string_view value, std::uint64_t most, Number* number) {
  const Result<std::uint64_t> count = parse_count(value, 1, most);
  if (!count.ok()) return count.status();
  *number = static_cast<Number>(*count);
  return {};
}

Status set_option(std::string_view name, std::string_view value, Host* host) {
  if (name == "name") {
    host->name = value;
    return {};
  }
  if (name == "port" && host->here()) return wrong("nobody goes through ssh to this host");
  if (name == "port") {
    return set_number(value, std::numeric_limits<std::uint16_t>::max(), &host->port);
  }
  if (name == "slots") return set_number(value, kSlotsMax, &host->slots);
  if (name == "bin") return set_path(value, &host->bin);
  if (name == "scratch") return set_path(value, &host->scratch);
  if (name == "input") return set_path(value, &host->inputs.emplace_back());
  if (name != "memory") {
    return wrong("it is none of name, port, slots, memory, bin, scratch and input");
  }
  FANFOLD_ASSIGN_OR_RETURN(host->memory_bytes, parse_bytes(value));
  return host->memory_bytes >= kMemoryLeast ? Status()
                                            : wrong("an executor needs at least 32M to run");
}

Status check_name(const std::string& name) {
  if (!security::is_key_name(name)) {
    return wrong(quoted(name) +
                 " cannot be the name of a worker and its key: letters, digits, '.', '_' and '-', "
                 "at most 64 of them; give another with name=");
  }
  if (name == "master" || name == "owner") {
    return wrong("the name '" + name + "' is taken by the cluster itself; give another with name=");
  }
  return {};
}

Result<Host> parse_line(const std::vector<std::string_view>& words) {
  Host host;
  const std::string_view first = words.front();
  if (first != kHere) {
    if (!is_destination(first)) {
      return wrong(quoted(first) + " is no host: write NAME, USER@NAME, or 'here' for this host");
    }
    host.destination = first;
  }
  host.name = first.substr(first.find('@') + 1);
  std::set<std::string_view> seen;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::size_t equals = std::min(words[i].find('='), words[i].size());
    const std::string_view name = words[i].substr(0, equals);
    if (equals == words[i].size()) return wrong(quoted(name) + " has no value: write WORD=VALUE");
    // A host may have several of these.
    if (!seen.insert(name).second && name != "input") return wrong(quoted(name) + " is said twice");
    FANFOLD_RETURN_IF_ERROR(
        set_option(name, words[i].substr(equals + 1), &host).with_context(quoted(name)));
  }
  FANFOLD_RETURN_IF_ERROR(check_name(host.name));
  return host;
}

}  // namespace

bool is_destination(std::string_view text) {
  if (text.size() > kDestinationBytes) return false;
  const std::size_t at = text.find('@');
  if (at != text.npos && !is_word(text.substr(0, at), "._-")) return false;
  const std::string_view host = at == text.npos ? text : text.substr(at + 1);
  // An IPv6 address may begin with a colon.
  return is_word(host, "._-") ||
         (host.find(':') != host.npos && is_word("0" + std::string(host), ":.%"));
}

bool is_plain_path(std::string_view text) {
  if (text.empty() || text.front() != '/' || text.size() > kPathBytes) return false;
  if (std::any_of(text.begin(), text.end(),
                  [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
    return false;
  }
  return (std::string(text) + "/").find("/../") == std::string::npos;
}

Result<std::vector<Host>> parse_hosts(std::string_view text, const std::string& file) {
  std::vector<Host> hosts;
  std::set<std::string> names;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::vector<std::string_view> words = words_of(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty()) continue;
    const std::string place = file + ", line " + std::to_string(number);
    Result<Host> host = parse_line(words);
    if (!host.ok()) return host.status().with_context(place);
    if (!names.insert(host->name).second) {
      return wrong("two hosts are named '" + host->name + "'; tell them apart with name=")
          .with_context(place);
    }
    if (hosts.size() == kHostsMax) {
      return wrong("more than " + std::to_string(kHostsMax) + " hosts").with_context(place);
    }
    hosts.push_back(*std::move(host));
  }
  if (hosts.empty()) return wrong(file + " names no host");
  return hosts;
}

}  // namespace fanfold::cli
