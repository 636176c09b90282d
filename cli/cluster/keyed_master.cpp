#include "cli/cluster/keyed_master.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "cli/cluster/private_record.hpp"
#include "cli/cluster/processes.hpp"
#include "cli/cluster/programs.hpp"
#include "cli/process/spawn.hpp"
#include "common/core/clock.hpp"
#include "common/net/address.hpp"
#include "common/net/key_pair.hpp"
#include "common/security/key_directory.hpp"

namespace fanfold::cli {
namespace {

using namespace std::chrono_literals;

constexpr Duration kStartPatience = 30s;
constexpr const char* kOwner = "owner";

std::string record_path(const std::string& directory) { return directory + "/master.json"; }

Status write_record(const std::string& directory, const KeyedMaster& master) {
  const nlohmann::json json = {{"address", master.address},
                               {"process", master.process},
                               {"http", master.http_port},
                               {"key", master.key}};
  return security::write_private_file(record_path(directory), json.dump(2) + "\n");
}

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

Status make_keys(const std::string& directory) {
  const std::string keys = key_directory(directory);
  // Half-made ones; no master has used them.
  std::error_code ignored;
  std::filesystem::remove_all(keys, ignored);
  FANFOLD_RETURN_IF_ERROR(security::KeyDirectory::init(keys, net::make_key_pair()));
  FANFOLD_ASSIGN_OR_RETURN(security::KeyDirectory opened, security::KeyDirectory::open(keys));
  security::KeyDirectory::NewKey owner;
  owner.name = kOwner;
  owner.role = security::Role::kAdmin;
  owner.pair = net::make_key_pair();
  return opened.add(owner, seconds_now()).status();
}

/// What comes before the first line feed; empty: the writer has gone without a word.
Result<std::string> read_line(int descriptor, Interrupts& interrupts) {
  const Instant deadline = steady_clock().now() + kStartPatience;
  std::string line;
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock().now());
    if (left.count() <= 0) return Status(StatusCode::kUnavailable, "it says nothing within 30 s");
    std::array<pollfd, 2> waits = {{{descriptor, POLLIN, 0}, {interrupts.descriptor(), POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), static_cast<int>(left.count())) < 0) continue;
    interrupts.drain();
    if (interrupts.count() > 0) return Status(StatusCode::kAborted, "interrupted");
    if (waits[0].revents == 0) continue;
    char byte = 0;
    const ssize_t got = ::read(descriptor, &byte, 1);
    if (got == 0) return std::string();
    if (got > 0 && byte == '\n') return line;
    if (got > 0) line += byte;
  }
}

Result<std::string> key_in(const std::string& directory) {
  FANFOLD_ASSIGN_OR_RETURN(const security::KeyFile key,
                           security::read_master_key(key_directory(directory)));
  return security::fingerprint(key.pair.public_key);
}

Status start(const std::string& program_directory, const std::string& directory,
             Interrupts& interrupts, KeyedMaster* master) {
  ProgramOptions options;
  options.program_directory = program_directory;
  options.directory = directory;
  options.new_session = true;
  options.keeps_state = true;
  options.http_port = master->http_port;
  options.listen = master->address;
  options.key_directory = key_directory(directory);
  FANFOLD_ASSIGN_OR_RETURN(master->key, key_in(directory));
  FANFOLD_ASSIGN_OR_RETURN(Pipe ready, make_pipe());
  options.ready_fd = ready.write_end;
  const Result<pid_t> process = spawn(master_program(options));
  ::close(ready.write_end);
  Status status = process.status();
  if (status.ok()) {
    master->process = *process;
    // Before it is up: whatever happens, a next command finds it.
    status = write_record(directory, *master);
  }
  Result<std::string> address = std::string();
  if (status.ok()) address = read_line(ready.read_end, interrupts);
  ::close(ready.read_end);
  FANFOLD_RETURN_IF_ERROR(status);
  if (address.status().code() == StatusCode::kAborted) return address.status();
  if (!address.ok() || address->empty()) {
    return did_not_start("the master did not start at " + master->address, master_log(directory));
  }
  master->address = *address;
  return write_record(directory, *master);
}

}  // namespace

std::string key_directory(const std::string& directory) { return directory + "/keys"; }

std::string owner_key(const std::string& directory) {
  return key_directory(directory) + "/" + kOwner + ".key";
}

Result<std::string> master_endpoint(const std::string& word) {
  // A colon in brackets, or more than one without them, belongs to the address.
  const bool bare_v6 = word.find(':') != word.rfind(':') && word.find('[') == word.npos;
  const std::size_t colon = word.rfind(':');
  const bool has_port =
      !bare_v6 && colon != word.npos && word.find(']', colon) == word.npos && !word.empty();
  const std::string host = bare_v6 ? "[" + word + "]" : word;
  std::string endpoint = "tcp://" + host + (has_port ? "" : ":" + std::to_string(kUsualMasterPort));
  net::SocketOptions options;
  options.protection = net::Guarded{};
  FANFOLD_ASSIGN_OR_RETURN(const net::Address address, net::parse_address(endpoint, options));
  in6_addr v6{};
  if (address.host.front() == '[' &&
      ::inet_pton(AF_INET6, address.host.substr(1, address.host.size() - 2).c_str(), &v6) != 1) {
    return Status(StatusCode::kInvalidArgument, word + " is no address: write HOST[:PORT]");
  }
  if (address.host == "0.0.0.0" || address.host == "[::]" || address.host == "*") {
    return Status(StatusCode::kInvalidArgument,
                  word + " is no address that a worker could reach; name one of this host");
  }
  return endpoint;
}

Result<std::optional<KeyedMaster>> read_keyed_master(const std::string& directory) {
  const auto master_of = [](const std::string& text) {
    const nlohmann::json json = nlohmann::json::parse(text);
    KeyedMaster master;
    master.address = json.at("address").get<std::string>();
    master.process = json.at("process").get<pid_t>();
    master.http_port = json.value("http", std::uint16_t{0});
    master.key = json.value("key", "");
    return std::optional<KeyedMaster>(master);
  };
  return read_private_record<KeyedMaster>(
      record_path(directory), master_of,
      "Stop the process fanfold-master of that directory by hand and remove it.");
}

Status check_unused(const std::string& directory) {
  std::error_code error;
  if (std::filesystem::is_empty(directory, error)) return {};
  return Status(StatusCode::kAlreadyExists,
                directory + " exists and holds other files; name a new directory with --dir.");
}

Result<KeyedMaster> ensure_keyed_master(const std::string& program_directory,
                                        const std::string& directory, const KeyedMasterWish& wish,
                                        Interrupts& interrupts) {
  FANFOLD_ASSIGN_OR_RETURN(std::optional<KeyedMaster> before, read_keyed_master(directory));
  KeyedMaster master;
  if (before) {
    FANFOLD_RETURN_IF_ERROR(check_owner(directory));
    master = *before;
    if (lives(master.process, directory)) {
      if (wish.http_port && *wish.http_port != master.http_port) {
        return Status(StatusCode::kInvalidArgument,
                      "the master of the cluster in " + directory +
                          " is up; --http is for one that is started.\nTake the cluster down "
                          "first: 'fanfold cluster down --dir " +
                          directory + "'.");
      }
      FANFOLD_ASSIGN_OR_RETURN(master.has_new_key, needs_another_key(directory, master));
      if (!master.has_new_key) return master;
      end_keyed_master(directory, master, false);
    }
  } else {
    FANFOLD_RETURN_IF_ERROR(make_keys(directory));
    master.address = wish.address;
  }
  if (wish.http_port) master.http_port = *wish.http_port;
  Status started = start(program_directory, directory, interrupts, &master);
  if (started.ok()) return master;
  end_keyed_master(directory, master, false);
  return started;
}

Result<bool> needs_another_key(const std::string& directory, const KeyedMaster& master) {
  FANFOLD_ASSIGN_OR_RETURN(const security::KeyFile key,
                           security::read_master_key(key_directory(directory)));
  // What an earlier version has started may have either, once there was a switch.
  if (master.key.empty()) return key.other && !key.other_secret;
  return master.key != security::fingerprint(key.pair.public_key);
}

void end_keyed_master(const std::string& directory, const KeyedMaster& master, bool asked) {
  end_processes(directory, {master.process}, asked);
}

}  // namespace fanfold::cli
