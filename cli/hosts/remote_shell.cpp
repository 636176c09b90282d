#include "cli/hosts/remote_shell.hpp"

#include <sys/wait.h>

#include <utility>

#include "cli/process/run_programs.hpp"
#include "cli/process/spawn.hpp"

namespace fanfold::cli {
namespace {

/// Of ssh: the connection failed, not the command.
constexpr int kSshFailed = 255;

ProgramCall program_for(const RemoteShell& shell, const RemoteCall& call) {
  ProgramCall program;
  program.input = shell_text(call.script);
  if (call.host.here()) {
    program.program = "/bin/sh";
    program.arguments = {"-s"};
    return program;
  }
  program.program = "ssh";
  std::vector<std::string>& words = program.arguments;
  // BatchMode: whoever would be asked for a password or about a host's key is not there.
  words = {"-T",
           "-o",
           "BatchMode=yes",
           "-o",
           "ConnectTimeout=10",
           "-o",
           "ServerAliveInterval=5",
           "-o",
           "ServerAliveCountMax=3"};
  if (!shell.ssh_config.empty()) words.insert(words.end(), {"-F", shell.ssh_config});
  if (call.host.port != 0) words.insert(words.end(), {"-p", std::to_string(call.host.port)});
  words.insert(words.end(), {"--", call.host.destination, "exec /bin/sh -s"});
  return program;
}

RemoteAnswer answer_of(const Host& host, ProgramEnd end) {
  RemoteAnswer answer;
  answer.output = std::move(end.output);
  if (!end.status.ok()) {
    answer.status = std::move(end.status).with_context("host " + host.name);
    return answer;
  }
  if (end.wait_status == 0) return answer;
  const bool by_ssh =
      !host.here() && WIFEXITED(end.wait_status) && WEXITSTATUS(end.wait_status) == kSshFailed;
  if (by_ssh) {
    answer.status =
        Status(StatusCode::kUnavailable, "host " + host.name + " is not reached: " +
                                             (end.error.empty() ? "ssh says nothing" : end.error));
  } else {
    answer.status = Status(StatusCode::kAborted,
                           "host " + host.name + ": " +
                               (end.error.empty() ? describe_exit(end.wait_status) : end.error));
  }
  return answer;
}

}  // namespace

std::string shell_word(std::string_view text) {
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + "'";
}

std::string shell_text(const RemoteScript& script) {
  std::string text = "set --";
  for (const std::string& argument : script.arguments) text += " " + shell_word(argument);
  return text + "\n" + script.text;
}

std::vector<RemoteAnswer> RemoteShell::run(const std::vector<RemoteCall>& calls,
                                           Interrupts& interrupts) const {
  std::vector<ProgramCall> programs;
  programs.reserve(calls.size());
  for (const RemoteCall& call : calls) programs.push_back(program_for(*this, call));
  std::vector<ProgramEnd> ends = run_programs(programs, directory, interrupts);
  std::vector<RemoteAnswer> answers;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    answers.push_back(answer_of(calls[i].host, std::move(ends[i])));
  }
  return answers;
}

}  // namespace fanfold::cli
