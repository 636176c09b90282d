#include "cli/commands/command.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "cli/options/exit_codes.hpp"
#include "cli/text/suggest.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

int exit_code_of(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return kExitDone;
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
    case StatusCode::kCorruption:
    case StatusCode::kExhausted:
    case StatusCode::kIoError:
    case StatusCode::kAlreadyExists:
      return kExitUsage;
    case StatusCode::kUnavailable:
    case StatusCode::kAborted:
    case StatusCode::kNoSpace:
      return kExitFailed;
  }
  return kExitFailed;
}

const Command* find_command(const std::string& name) {
  const auto& commands = all_commands();
  const auto found = std::find_if(commands.begin(), commands.end(), [&](const Command& command) {
    return command.syntax.command == name;
  });
  return found == commands.end() ? nullptr : &*found;
}

/// The word alone is no command; what it stands for is.
std::string group_help(const std::string& group) {
  std::vector<Command> commands;
  std::string words;
  for (const Command& command : all_commands()) {
    if (!command.syntax.command.starts_with(group + " ")) continue;
    words += (words.empty() ? "" : "|") + command.syntax.command.substr(group.size() + 1);
    commands.push_back(command);
  }
  return "Usage: fanfold " + group + " " + words + " [FLAG...]\n\n" + list_of(commands) +
         "\n'fanfold " + commands.front().syntax.command + " --help' explains the first of them.\n";
}

int unknown_command(const std::string& name, std::string_view group) {
  std::vector<std::string> names;
  for (const Command& command : all_commands()) {
    const std::string& full = command.syntax.command;
    if (group.empty()) {
      names.push_back(full.substr(0, full.find(' ')));
    } else if (full.starts_with(group)) {
      names.push_back(full.substr(group.size()));
    }
  }
  print_error("fanfold: unknown command '" + std::string(group) + name + "'." +
              did_you_mean(name, names) + "\nTry 'fanfold help'.\n");
  return kExitUsage;
}

}  // namespace

const std::vector<Command>& all_commands() {
  static const std::vector<Command> commands = {
      run_command(),           pipeline_command(),     scatter_command(),
      submit_command(),        wait_command(),         status_command(),
      list_command(),          feed_command(),         queue_command(),
      cancel_command(),        set_command(),          pause_command(),
      resume_command(),        plan_command(),         logs_command(),
      events_command(),        why_command(),          replay_command(),
      report_command(),        trace_command(),        profile_command(),
      jobs_command(),          cat_command(),          verify_command(),
      dlq_command(),           redrive_command(),      new_command(),
      cluster_up_command(),    cluster_down_command(), cluster_status_command(),
      cluster_scale_command(), keys_init_command(),    keys_add_command(),
      keys_list_command(),     keys_revoke_command(),  keys_rotate_command(),
      keys_learn_command(),    doctor_command(),       completion_command(),
      man_command(),           version_command(),      help_command(),
  };
  return commands;
}

const std::vector<std::string>& command_groups() {
  static const std::vector<std::string> groups = {"cluster", "keys"};
  return groups;
}

std::vector<std::string> second_words(std::string_view group) {
  const std::string first = std::string(group) + " ";
  std::vector<std::string> words;
  for (const Command& command : all_commands()) {
    const std::string& name = command.syntax.command;
    if (name.starts_with(first)) words.push_back(name.substr(first.size()));
  }
  return words;
}

std::string list_of(const std::vector<Command>& commands) {
  std::size_t width = 0;
  for (const Command& command : commands) width = std::max(width, command.syntax.command.size());
  std::string text;
  for (const Command& command : commands) {
    std::string name = command.syntax.command;
    name.resize(width + 2, ' ');
    text += "  " + name + command.syntax.summary + "\n";
  }
  return text;
}

int dispatch(const Environment& environment, const std::vector<std::string>& words) {
  if (words.empty()) {
    help_command().run(environment, Arguments());
    return kExitUsage;
  }
  std::string name = words[0];
  std::size_t used = 1;
  if (name == "--help" || name == "-h") name = "help";
  if (name == "--version") name = "version";
  const auto& groups = command_groups();
  if (std::find(groups.begin(), groups.end(), name) != groups.end()) {
    if (words.size() > 1 && !words[1].starts_with('-')) {
      if (find_command(name + " " + words[1]) == nullptr) {
        return unknown_command(words[1], name + " ");
      }
      name += " " + words[1];
      used = 2;
    } else if (asks_for_help(words)) {
      print(group_help(name));
      return kExitDone;
    } else {
      print_error("fanfold: 'fanfold " + name +
                  "' needs to know what to do: " + join_words(second_words(name), " or ") +
                  ".\nTry 'fanfold " + name + " --help'.\n");
      return kExitUsage;
    }
  }
  const Command* command = find_command(name);
  if (command == nullptr) return unknown_command(name, "");
  const std::vector<std::string> rest(words.begin() + static_cast<std::ptrdiff_t>(used),
                                      words.end());
  if (asks_for_help(rest)) {
    print(help_text(command->syntax));
    return kExitDone;
  }
  const Result<Arguments> arguments = parse(command->syntax, rest);
  if (!arguments.ok()) return report(arguments.status());
  return command->run(environment, *arguments);
}

void print(std::string_view text) { write_all(STDOUT_FILENO, text); }

void print_error(std::string_view text) { write_all(STDERR_FILENO, printable(text, true)); }

int report(const Status& status) {
  if (!status.ok()) print_error("fanfold: " + status.message() + "\n");
  return exit_code_of(status);
}

Flag master_flag() {
  return {"master", '\0', "ADDR",
          "Address of the master, such as ipc:///run/fanfold/master.sock. Default: FANFOLD_MASTER, "
          "then the local cluster of 'fanfold cluster up'.",
          false};
}

Flag key_flag() {
  return {"key", '\0', "FILE",
          "Your key ('fanfold keys add' makes it), for a master at tcp://. Default: FANFOLD_KEY.",
          false};
}

Flag json_flag() { return {"json", '\0', "", "Print JSON to standard output.", false}; }

}  // namespace fanfold::cli
