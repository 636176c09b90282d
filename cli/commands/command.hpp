// What every command gets, and the table of all commands.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options/command_line.hpp"
#include "common/core/status.hpp"

namespace fanfold::cli {

/// Read once, in main: nothing else looks at the environment.
struct Environment {
  std::optional<std::string> master;         // FANFOLD_MASTER
  std::optional<std::string> key;            // FANFOLD_KEY
  std::optional<std::string> key_directory;  // FANFOLD_KEYS
  std::string home;
  std::string temporary_directory = "/tmp";      // TMPDIR
  std::optional<std::string> runtime_directory;  // XDG_RUNTIME_DIR
  std::string terminal;                          // TERM
  bool no_colour = false;                        // NO_COLOR
  std::optional<std::string> traceparent;        // TRACEPARENT
  std::string otlp_headers;                      // OTEL_EXPORTER_OTLP_HEADERS
  std::optional<std::string> search_path;        // PATH
  std::string user;
  std::string program_directory;  // Where this program lies.
  std::string working_directory;
  std::vector<std::string> words;  // The whole command line, for "run it again".
};

struct Command {
  Syntax syntax;
  int (*run)(const Environment& environment, const Arguments& arguments) = nullptr;
};

/// In the order of the help text.
const std::vector<Command>& all_commands();

/// Words that are no commands, but begin the names of some: cluster, keys.
const std::vector<std::string>& command_groups();
/// What may follow a group: up, down, status and scale after cluster.
std::vector<std::string> second_words(std::string_view group);

/// One line each: the name and what it does.
std::string list_of(const std::vector<Command>& commands);

/// Finds the command, parses, runs; returns the exit code.
int dispatch(const Environment& environment, const std::vector<std::string>& words);

// Output.  Whoever reads may go away at any time: that is no error of ours.
void print(std::string_view text);
/// What files, programs and peers say may be in it: control characters are not shown.
void print_error(std::string_view text);

/// "fanfold: <message>" on standard error; returns the exit code that belongs to the status.
int report(const Status& status);

/// The flag that names a master, shared by many commands.
Flag master_flag();
/// Goes with it.
Flag key_flag();
Flag json_flag();

// Each in a file of its own.
Command run_command();
Command pipeline_command();
Command scatter_command();
Command submit_command();
Command wait_command();
Command status_command();
Command list_command();
Command feed_command();
Command queue_command();
Command cancel_command();
Command set_command();
Command pause_command();
Command resume_command();
Command plan_command();
Command logs_command();
Command events_command();
Command report_command();
Command trace_command();
Command profile_command();
Command why_command();
Command replay_command();
Command jobs_command();
Command cat_command();
Command verify_command();
Command dlq_command();
Command redrive_command();
Command new_command();
Command keys_init_command();
Command keys_add_command();
Command keys_list_command();
Command keys_revoke_command();
Command keys_rotate_command();
Command keys_learn_command();
Command cluster_up_command();
Command cluster_down_command();
Command cluster_status_command();
Command cluster_scale_command();
Command doctor_command();
Command completion_command();
Command man_command();
Command version_command();
Command help_command();

}  // namespace fanfold::cli
