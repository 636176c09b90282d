// `keys init`, `add`, `list`, `revoke`, `rotate` and `learn`: who may talk to a master over TCP.

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>

#include "cli/commands/command.hpp"
#include "cli/commands/master_rotation.hpp"
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
  const auto add_master = [&](const security::PublicKey& key, const char* use) {
    const char* role = name_of(security::Role::kMaster);
    table.add({kMasterName, role, fingerprint(key), "-", use, "-", "-", "-", "-"});
    rows.push_back(
        {{"name", kMasterName}, {"role", role}, {"fingerprint", fingerprint(key)}, {"use", use}});
  };
  const bool switched = directory->other_master() && !directory->other_is_next();
  add_master(directory->master(), switched ? "from its start on" : "in use");
  if (directory->other_master()) {
    add_master(*directory->other_master(), switched ? "until finished" : "next");
  }
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
  if (arguments.positionals().front() == kMasterName) {
    const Status done =
        rotate_master(directory_of(environment, arguments), arguments, seconds_now());
    return done.ok() ? kExitDone : report(done);
  }
  for (const char* step : {"anew", "switch", "finish"}) {
    if (!arguments.has(step)) continue;
    return report({StatusCode::kInvalidArgument,
                   "--" + std::string(step) + " is a step of 'fanfold keys rotate master'."});
  }
  const Result<std::string> file = rotate(environment, arguments);
  if (!file.ok()) return report(file.status());
  print(*file + "\n");
  return kExitDone;
}

Status learn(const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positionals();
  std::vector<security::PublicKey> keys;
  for (std::size_t i = 1; i < words.size(); ++i) {
    const auto bytes = security::parse_hex(words[i]);
    if (!bytes) {
      return {StatusCode::kInvalidArgument,
              "'" + words[i] +
                  "' is no key: 64 hexadecimal digits, as 'fanfold keys rotate master' prints "
                  "them."};
    }
    keys.emplace_back().bytes = *bytes;
  }
  const auto other = keys.size() > 1 ? std::optional(keys[1]) : std::nullopt;
  return security::tell_key_file(words.front(), keys.front(), other);
}

int learn_main(const Environment&, const Arguments& arguments) {
  const Status learned = learn(arguments);
  return learned.ok() ? kExitDone : report(learned);
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
      "Name, role and quotas stay. The old key is accepted for a while beside the new one.\n"
      "\n"
      "'rotate master' is for the master's own key, in three steps: without a flag it gets a\n"
      "second one, and the key files of the directory name both; --switch has the master use it\n"
      "from its next start on; --finish drops the first. Key files that are elsewhere are told by\n"
      "'fanfold keys learn'. A step can be repeated.";
  const std::vector<Flag> more = {
      {"overlap", '\0', "TIME", "How long the old key is accepted. Default: 24h.", false},
      {"anew", '\0', "", "Of master: another second key, in place of one that was made before.",
       false},
      {"switch", '\0', "", "Of master: its next start is with its second key.", false},
      {"finish", '\0', "", "Of master: the first key is forgotten.", false}};
  command.syntax.flags.insert(command.syntax.flags.end(), more.begin(), more.end());
  command.run = rotate_main;
  return command;
}

Command keys_learn_command() {
  Command command = keys_command("learn", "FILE KEY [KEY]",
                                 "Tells a key file by which keys its holder knows the master.");
  command.syntax.description =
      "A key is the master's public one, 64 hexadecimal digits that 'fanfold keys rotate master'\n"
      "prints: the one in use, and while it is rotated the other. A worker that runs looks into\n"
      "its file when the master has none of the keys that it knows.";
  command.syntax.flags.clear();
  command.syntax.positionals_min = 2;
  command.syntax.positionals_max = 3;
  command.run = learn_main;
  return command;
}

}  // namespace fanfold::cli
