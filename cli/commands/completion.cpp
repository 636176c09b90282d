// `completion`: scripts that complete command lines, made from the same tables as the parser.

#include <algorithm>

#include "cli/commands/command.hpp"
#include "cli/job/job_source.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/text/suggest.hpp"

namespace fanfold::cli {
namespace {

/// Commands whose first argument is a job.
bool takes_job(const std::string& command) {
  return command == "run" || command == "submit" || command == "plan" || command == "jobs";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// First words of commands, each once, in the order of the table.
std::vector<std::string> first_words() {
  std::vector<std::string> words;
  for (const Command& command : all_commands()) {
    const std::string& name = command.syntax.command;
    std::string word = name.substr(0, name.find(' '));
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  }
  return words;
}

std::string in_single_quotes(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// Enough for a menu.
std::string first_sentence(const std::string& help) {
  const std::size_t end = std::min(help.find(". "), help.size());
  return help.substr(0, help.ends_with('.') && end == help.size() ? end - 1 : end);
}

std::string bash_script(const std::vector<std::string>& jobs) {
  std::string flags_of;
  std::string job_commands;
  for (const Command& command : all_commands()) {
    std::string flags = "--help";
    for (const Flag& flag : command.syntax.flags) flags += " --" + flag.name;
    flags_of += "    '" + command.syntax.command + "') flags='" + flags + "' ;;\n";
    if (!takes_job(command.syntax.command)) continue;
    job_commands += (job_commands.empty() ? "" : "|") + command.syntax.command;
  }
  std::string groups;
  std::string group_words;
  for (const std::string& group : command_groups()) {
    groups += (groups.empty() ? "" : "|") + group;
    group_words += "      " + group + ") words='" + joined(second_words(group)) + "' ;;\n";
  }
  return "# Completion of fanfold for bash: source <(fanfold completion bash)\n"
         "_fanfold() {\n"
         "  local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} first=2 flags= words=\n"
         "  local group=\n"
         "  case $command in " +
         groups +
         ") group=$command ;; esac\n"
         "  if [ -n \"$group\" ] && [ \"$COMP_CWORD\" -gt 2 ]; then\n"
         "    command=\"$group ${COMP_WORDS[2]}\" first=3\n"
         "  fi\n"
         "  case $command in\n" +
         flags_of +
         "  esac\n"
         "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
         "    words='" +
         joined(first_words()) +
         "'\n"
         "  elif [ -n \"$group\" ] && [ \"$COMP_CWORD\" -eq 2 ]; then\n"
         "    case $group in\n" +
         group_words +
         "    esac\n"
         "  elif [[ $word == -* ]]; then\n"
         "    words=$flags\n"
         "  elif [ \"$COMP_CWORD\" -eq $first ]; then\n"
         "    case $command in\n"
         "      " +
         job_commands + ") words='" + joined(jobs) +
         "' ;;\n"
         "      help|man) words='" +
         joined(first_words()) +
         "' ;;\n"
         "    esac\n"
         "  fi\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
         "}\n"
         "complete -o default -o bashdefault -F _fanfold fanfold\n";
}

/// "--name=[help]:VALUE:_files", in quotes; the characters that zsh gives a meaning are escaped.
std::string zsh_flag(const Flag& flag) {
  std::string help;
  for (const char c : first_sentence(flag.help)) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') help += '\\';
    help += c;
  }
  std::string text = (flag.repeatable ? "*" : "") + ("--" + flag.name);
  if (flag.value_name.empty()) return in_single_quotes(text + "[" + help + "]");
  return in_single_quotes(text + "=[" + help + "]:" + flag.value_name + ":_files");
}

std::string zsh_script(const std::vector<std::string>& jobs) {
  std::string text =
      "#compdef fanfold\n"
      "# Completion of fanfold for zsh: source <(fanfold completion zsh), after compinit.\n"
      "_fanfold() {\n"
      "  local command=$words[2]\n"
      "  if (( CURRENT == 2 )); then\n"
      "    compadd -- " +
      joined(first_words()) +
      "\n"
      "    return\n"
      "  fi\n";
  for (const std::string& group : command_groups()) {
    text += "  if [[ $command == " + group +
            " ]]; then\n"
            "    if (( CURRENT == 3 )); then\n"
            "      compadd -- " +
            joined(second_words(group)) +
            "\n"
            "      return\n"
            "    fi\n"
            "    command=\"" +
            group +
            " $words[3]\"\n"
            "    shift words\n"
            "    (( CURRENT-- ))\n"
            "  fi\n";
  }
  text +=
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $command in\n";
  for (const Command& command : all_commands()) {
    text += "    '" + command.syntax.command + "') _arguments '--help[Show the help]'";
    for (const Flag& flag : command.syntax.flags) text += " \\\n      " + zsh_flag(flag);
    if (takes_job(command.syntax.command)) {
      text += " \\\n      '1:job:(" + joined(jobs) + ")'";
    }
    if (command.syntax.positionals_max > 0) text += " \\\n      '*:argument:_files'";
    text += " ;;\n";
  }
  return text +
         "  esac\n"
         "}\n"
         "compdef _fanfold fanfold\n";
}

std::string fish_script(const std::vector<std::string>& jobs) {
  std::string text =
      "# Completion of fanfold for fish: fanfold completion fish | source\n"
      "complete -c fanfold -n __fish_use_subcommand -f\n";
  for (const std::string& word : first_words()) {
    const auto& commands = all_commands();
    const auto command = std::find_if(commands.begin(), commands.end(), [&](const Command& one) {
      return one.syntax.command == word;
    });
    text += "complete -c fanfold -n __fish_use_subcommand -a " + word;
    if (command != commands.end()) {
      text += " -d " + in_single_quotes(first_sentence(command->syntax.summary));
    }
    text += "\n";
  }
  for (const std::string& group : command_groups()) {
    const std::string second = joined(second_words(group));
    text += "complete -c fanfold -f -n '__fish_seen_subcommand_from " + group +
            "; and not __fish_seen_subcommand_from " + second + "' -a '" + second + "'\n";
  }
  for (const Command& command : all_commands()) {
    const std::string& name = command.syntax.command;
    std::string seen = "__fish_seen_subcommand_from " + name.substr(0, name.find(' '));
    if (name.find(' ') != std::string::npos) {
      seen += "; and __fish_seen_subcommand_from " + name.substr(name.find(' ') + 1);
    }
    for (const Flag& flag : command.syntax.flags) {
      text += "complete -c fanfold -n '" + seen + "' -l " + flag.name;
      if (flag.letter != '\0') text += std::string(" -s ") + flag.letter;
      if (!flag.value_name.empty()) text += " -r";
      text += " -d " + in_single_quotes(first_sentence(flag.help)) + "\n";
    }
    if (takes_job(name)) {
      text += "complete -c fanfold -n '" + seen + "' -a '" + joined(jobs) + "'\n";
    }
  }
  return text;
}

int completion_main(const Environment& environment, const Arguments& arguments) {
  const std::string& shell = arguments.positionals().front();
  const std::vector<std::string> jobs = bundled_jobs(environment.program_directory);
  if (shell == "bash") {
    print(bash_script(jobs));
  } else if (shell == "zsh") {
    print(zsh_script(jobs));
  } else if (shell == "fish") {
    print(fish_script(jobs));
  } else {
    const std::vector<std::string> shells = {"bash", "zsh", "fish"};
    return report(Status(StatusCode::kInvalidArgument,
                         "there is no completion for '" + shell + "', but for " +
                             join_words(shells, " and ") + "." + did_you_mean(shell, shells)));
  }
  return kExitDone;
}

}  // namespace

Command completion_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "completion";
  syntax.positionals = "bash|zsh|fish";
  syntax.summary = "Prints a script that completes fanfold's command lines in a shell.";
  syntax.description =
      "For this bash: 'source <(fanfold completion bash)'; put that into ~/.bashrc to keep it.";
  syntax.positionals_min = syntax.positionals_max = 1;
  command.run = completion_main;
  return command;
}

}  // namespace fanfold::cli
