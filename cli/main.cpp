// fanfold: reads the environment once and hands over to the commands.

#include <pwd.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "cli/commands/command.hpp"

namespace {

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

std::string user_name() {
  if (const passwd* entry = ::getpwuid(::getuid())) return entry->pw_name;
  return std::to_string(::getuid());
}

fanfold::cli::Environment read_environment(const std::vector<std::string>& words) {
  fanfold::cli::Environment environment;
  environment.master = variable("FANFOLD_MASTER");
  environment.key = variable("FANFOLD_KEY");
  environment.key_directory = variable("FANFOLD_KEYS");
  environment.home = variable("HOME").value_or("/");
  environment.temporary_directory = variable("TMPDIR").value_or("/tmp");
  environment.runtime_directory = variable("XDG_RUNTIME_DIR");
  environment.terminal = variable("TERM").value_or("dumb");
  environment.no_colour = variable("NO_COLOR").has_value();
  environment.traceparent = variable("TRACEPARENT");
  environment.search_path = variable("PATH");
  environment.otlp_headers = variable("OTEL_EXPORTER_OTLP_HEADERS").value_or("");
  environment.user = user_name();
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  environment.program_directory = program.parent_path().string();
  environment.working_directory = std::filesystem::current_path(error).string();
  environment.words = words;
  return environment;
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that goes away ends a write with an error, not this process in mid-work.
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> words(argv, argv + argc);
  const std::vector<std::string> arguments(words.begin() + (words.empty() ? 0 : 1), words.end());
  return fanfold::cli::dispatch(read_environment(words), arguments);
}
