// `keys init`, `add`, `list`, `revoke` and `rotate`: who may talk to a master over TCP.

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "cli/commands/command.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/text/table.hpp"
#include "common/net/key_pair.hpp"
#include "common/security/key_directory.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

constexpr std::int64_t kOverlapSeconds = 24 * 3600;
constexpr std::uint64_t kQuotaMost = 1'000'000;

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string utc(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  char text[32];
  if (::gmtime_r(&time, &parts) == nullptr ||
      std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%SZ", &parts) == 0) {
    return std::to_string(seconds);
  }
  return text;
}

std::string directory_of(const Environment& environment, const Arguments& arguments) {
  return arguments.value("dir").value_or(
      environment.key_directory.value_or(environment.home + "/.fanfold-keys"));
}

Result<security::KeyDirectory> open(const Environment& environment, const Arguments& arguments) {
  return security::KeyDirectory::open(directory_of(environment, arguments));
}

int init_main(const Environment& environment, const Arguments& arguments) {
  const std::string directory = directory_of(environment, arguments);
  const security::KeyPair master = net::make_key_pair();
  const Status made = security::KeyDirectory::init(directory, master);
  if (!made.ok()) return report(made);
  print(directory + " holds the master's key " + security::fingerprint(master.public_key) +
        "; start it with --keys " + directory + "\n");
  return kExitDone;
}

Result<std::uint32_t> quota_of(const Arguments& arguments, const char* flag) {
  const auto word = arguments.value(flag);
  if (!word) return std::uint32_t{0};
  const Result<std::uint64_t> count = parse_count(*word, 1, kQuotaMost);
  if (!count.ok()) return count.status().with_context(std::string("--") + flag);
  return static_cast<std::uint32_t>(*count);
}

Result<security::KeyQuota> quotas_of(const Arguments& arguments) {
  security::KeyQuota quota;
  FANFOLD_ASSIGN_OR_RETURN(quota.jobs, quota_of(arguments, "jobs"));
  FANFOLD_ASSIGN_OR_RETURN(quota.submissions, quota_of(arguments, "submissions"));
  if (const auto word = arguments.value("tasks")) {
    const auto tasks = parse_count(*word, 1, UINT64_MAX);
    if (!tasks.ok()) return tasks.status().with_context("--tasks");
    quota.tasks = *tasks;
  }
  if (const auto word = arguments.value("bytes")) {
    const auto bytes = parse_bytes(*word);
    if (!bytes.ok()) return bytes.status().with_context("--bytes");
    if (*bytes == 0) return Status(StatusCode::kInvalidArgument, "--bytes must be more than 0.");
    quota.bytes = *bytes;
  }
  return quota;
}

Result<std::string> add(const Environment& environment, const Arguments& arguments) {
  security::KeyDirectory::NewKey key;
  key.name = arguments.positionals().front();
  const std::string role = arguments.value("role").value_or("");
  const auto known = security::parse_role(role);
  if (!known) {
    return Status(StatusCode::kInvalidArgument,
                  "--role says what the key is for: client, worker or admin" +
                      (role.empty() ? "" : "; '" + role + "' is none of them") + ".");
  }
  key.role = *known;
  FANFOLD_ASSIGN_OR_RETURN(key.quota, quotas_of(arguments));
  FANFOLD_ASSIGN_OR_RETURN(security::KeyDirectory directory, open(environment, arguments));
  key.pair = net::make_key_pair();
  return directory.add(key, seconds_now());
}

int add_main(const Environment& environment, const Arguments& arguments) {
  const Result<std::string> file = add(environment, arguments);
  if (!file.ok()) return report(file.status());
  print_error("take this file to where '" + arguments.positionals().front() +
              "' is, keep its mode 0600, and remove it here\n");
  print(*file + "\n");
  return kExitDone;
}

int list_main(const Environment& environment, const Arguments& arguments) {
  const Result<security::KeyDirectory> directory = open(environment, arguments);
  if (!directory.ok()) return report(directory.status());
  const std::int64_t now = seconds_now();
  nlohmann::json rows = nlohmann::json::array();
  Table table({"NAME", "ROLE", "FINGERPRINT", "ADDED", "UNTIL", "JOBS", "SUBMISSIONS/MIN", "TASKS",
               "BYTES"});
  for (const security::KeyEntry& entry : directory->entries()) {
    if (!entry.valid_at(now)) continue;
    const security::KeyHolder& holder = entry.holder;
    const auto limit = [](std::uint64_t value) {
      return value == 0 ? std::string("any") : std::to_string(value);
    };
    table.add({holder.name, name_of(holder.role), fingerprint(holder.key), utc(entry.added),
               entry.until == 0 ? "for good" : utc(entry.until), limit(holder.quota.jobs),
               limit(holder.quota.submissions), limit(holder.quota.tasks),
               holder.quota.bytes == 0 ? "any" : format_bytes(holder.quota.bytes)});
    rows.push_back({{"name", holder.name},
                    {"role", name_of(holder.role)},
                    {"fingerprint", fingerprint(holder.key)},
                    {"added", entry.added},
                    {"until", entry.until},
                    {"jobs", holder.quota.jobs},
                    {"submissions_per_minute", holder.quota.submissions},
                    {"tasks", holder.quota.tasks},
                    {"bytes", holder.quota.bytes}});
  }
  print(arguments.has("json") ? rows.dump(2) + "\n" : table.text());
  return kExitDone;
}

int revoke_main(const Environment& environment, const Arguments& arguments) {
  Result<security::KeyDirectory> directory = open(environment, arguments);
  if (!directory.ok()) return report(directory.status());
  const std::string& name = arguments.positionals().front();
  const Status revoked = directory->revoke(name);
  if (!revoked.ok()) return report(revoked);
  print_error("a master that reads " + directory_of(environment, arguments) + " ignores '" + name +
              "' from its next message on\n");
  return kExitDone;
}

Result<std::string> rotate(const Environment& environment, const Arguments& arguments) {
  std::int64_t overlap = kOverlapSeconds;
  if (const auto word = arguments.value("overlap")) {
    const Result<Duration> given = parse_duration(*word);
    if (!given.ok()) return given.status().with_context("--overlap");
    overlap = std::chrono::duration_cast<std::chrono::seconds>(*given).count();
    if (overlap < 0) return Status(StatusCode::kInvalidArgument, "--overlap lies in the past.");
  }
  FANFOLD_ASSIGN_OR_RETURN(security::KeyDirectory directory, open(environment, arguments));
  const std::int64_t now = seconds_now();
  FANFOLD_ASSIGN_OR_RETURN(std::string file, directory.rotate(arguments.positionals().front(),
                                                              net::make_key_pair(), now, overlap));
  print_error("the old key is accepted until " + utc(now + overlap) + "\n");
  return file;
}

int rotate_main(const Environment& environment, const Arguments& arguments) {
  const Result<std::string> file = rotate(environment, arguments);
  if (!file.ok()) return report(file.status());
  print(*file + "\n");
  return kExitDone;
}

Flag directory_flag() {
  return {"dir", '\0', "DIR",
          "Directory of keys, the --keys of a master. Default: FANFOLD_KEYS, then "
          "~/.fanfold-keys.",
          false};
}

Command keys_command(const char* name, const char* positionals, const char* summary) {
  Command command;
  command.syntax.command = std::string("keys ") + name;
  command.syntax.positionals = positionals;
  command.syntax.summary = summary;
  command.syntax.flags = {directory_flag()};
  if (*positionals != '\0') {
    command.syntax.positionals_min = command.syntax.positionals_max = 1;
  }
  return command;
}

}  // namespace

Command keys_init_command() {
  Command command = keys_command("init", "", "Makes a master's key, and a place for all others.");
  command.run = init_main;
  return command;
}

Command keys_add_command() {
  Command command = keys_command("add", "NAME", "Makes a key and prints the file that holds it.");
  command.syntax.description =
      "A client submits jobs, looks at all of them and cancels its own; a worker runs tasks;\n"
      "an admin may also cancel any job and stop the cluster. A running master accepts the key\n"
      "from its next message on.";
  const std::vector<Flag> more = {
      {"role", '\0', "ROLE", "client, worker or admin.", false},
      {"jobs", '\0', "N", "Jobs of this key at a time. Default: any number.", false},
      {"submissions", '\0', "N", "Jobs that it may submit in a minute. Default: any number.",
       false},
      {"tasks", '\0', "N", "Tasks that its unfinished jobs may have. Default: any number.", false},
      {"bytes", '\0', "SIZE", "Input that its unfinished jobs may have. Default: any.", false}};
  command.syntax.flags.insert(command.syntax.flags.end(), more.begin(), more.end());
  command.run = add_main;
  return command;
}

Command keys_list_command() {
  Command command = keys_command("list", "", "Shows the keys that are accepted.");
  command.syntax.flags.push_back(json_flag());
  command.run = list_main;
  return command;
}

Command keys_revoke_command() {
  Command command =
      keys_command("revoke", "NAME", "Ends a key: whoever is connected with it is ignored.");
  command.run = revoke_main;
  return command;
}

Command keys_rotate_command() {
  Command command = keys_command("rotate", "NAME", "Makes a new key for a name that has one.");
  command.syntax.description =
      "Name, role and quotas stay. The old key is accepted for a while beside the new one.";
  command.syntax.flags.push_back(
      {"overlap", '\0', "TIME", "How long the old key is accepted. Default: 24h.", false});
  command.run = rotate_main;
  return command;
}

}  // namespace fanfold::cli
