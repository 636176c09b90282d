// `dlq`: the records of a job that could not be mapped: which, why, and their bytes.

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/text/suggest.hpp"
#include "cli/text/table.hpp"
#include "cli/view/names.hpp"
#include "common/io/dead_letter.hpp"
#include "common/io/manifest.hpp"
#include "common/storage/storage.hpp"
#include "common/text/names.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

constexpr std::size_t kReasonColumns = 60;
constexpr std::size_t kShownBytes = 1000;

Status wrong(const std::string& why) { return {StatusCode::kInvalidArgument, why}; }

/// Where the output of a job is; a directory of that name is what is meant.
Result<std::string> find_output(const Environment& environment, const Arguments& arguments,
                                const std::string& word) {
  const bool number = !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
  if (!number || std::filesystem::is_directory(word)) return word;
  FANFOLD_ASSIGN_OR_RETURN(const JobId job, parse_job(word));
  FANFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<Client> client,
                           connect_to_master(environment, arguments));
  FANFOLD_ASSIGN_OR_RETURN(const proto::JobStatus status, get_job(*client, job));
  if (status.state == proto::JobState::kSucceeded || status.state == proto::JobState::kPartial) {
    return status.output;
  }
  const std::string state = proto::name_of(status.state);
  return wrong("job " + word + " has no dead letters to look at: it is " + state +
               (proto::is_final(status.state)
                    ? ", and they went with its output. 'fanfold logs " + word +
                          "' names the first bad records of each task."
                    : "; they are published with its output."));
}

std::string one_line(const std::string& text, std::size_t columns) {
  std::string line = printable(text.substr(0, text.find('\n')), false);
  if (line.size() <= columns) return line;
  line.resize(columns - 3);
  return line + "...";
}

Status list(const std::string& directory, bool json) {
  Table table({"NUMBER", "TASK", "ERROR", "FILE", "BYTE", "REASON"});
  std::uint64_t number = 0;
  FANFOLD_RETURN_IF_ERROR(
      io::for_each_dead_letter(storage(), directory, [&](const io::DeadLetter& letter) {
        ++number;
        if (json) {
          print(io::to_line(letter));
          return Status();
        }
        table.add({std::to_string(number), "map-" + std::to_string(letter.split), letter.error,
                   printable(letter.file, false), std::to_string(letter.offset),
                   one_line(letter.reason, kReasonColumns)});
        return Status();
      }));
  if (json) return {};
  print(number > 0 ? table.text() : "no dead letters\n");
  return {};
}

std::string text_of(const io::DeadLetter& letter) {
  const auto line = [](std::string label, const std::string& text) {
    label.resize(12, ' ');
    return label + printable(text, false) + "\n";
  };
  std::string text =
      line("file", letter.file) +
      line("byte", std::to_string(letter.offset) + ", " + plural(letter.bytes, "byte") + " long") +
      line("error", letter.error) + line("reason", letter.reason);
  if (!letter.tag.empty()) text += line("input", letter.tag);
  text +=
      line("job", std::to_string(letter.job) + ", " + letter.job_name) +
      line("task",
           "map-" + std::to_string(letter.split) + "." + std::to_string(letter.attempt_number)) +
      line("attempt", std::to_string(letter.attempt)) + line("submission", letter.correlation_id);
  for (const std::string& frame : letter.stack) text += line("stack", frame);
  text += line("record", letter.record.substr(0, kShownBytes));
  if (letter.bytes > kShownBytes) text += line("", "...");
  return text;
}

Status show(const std::string& directory, std::uint64_t wanted, bool json) {
  std::uint64_t number = 0;
  FANFOLD_RETURN_IF_ERROR(
      io::for_each_dead_letter(storage(), directory, [&](const io::DeadLetter& letter) {
        if (++number == wanted) print(json ? io::to_line(letter) : text_of(letter));
        return Status();
      }));
  if (wanted >= 1 && wanted <= number) return {};
  return wrong(directory + " has " + plural(number, "dead letter") + "; there is no number " +
               std::to_string(wanted) + ".");
}

/// The records as they were, one after the other: input for a job, or for an editor.
Status write_records(const std::string& directory, const std::optional<std::string>& path) {
  std::ofstream file;
  if (path) {
    if (std::filesystem::exists(*path)) return wrong(*path + " exists; name another file.");
    file.open(*path, std::ios::binary);
    if (!file.is_open()) return wrong("cannot create " + *path + ".");
  }
  FANFOLD_RETURN_IF_ERROR(
      io::for_each_dead_letter(storage(), directory, [&](const io::DeadLetter& letter) {
        if (letter.record.size() != letter.bytes) {
          return wrong("the record at byte " + std::to_string(letter.offset) + " of " +
                       letter.file + " has " + plural(letter.bytes, "byte") +
                       ", and a dead letter holds only the first " +
                       std::to_string(letter.record.size()) + "; take it from there.");
        }
        if (path) {
          file << letter.record;
        } else {
          print(letter.record);
        }
        return Status();
      }));
  if (path && !file.flush()) return {StatusCode::kNoSpace, "cannot write " + *path};
  return {};
}

Status look(const Environment& environment, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positionals();
  const std::vector<std::string> actions = {"list", "show", "export"};
  const std::string& action = words[0];
  if (std::find(actions.begin(), actions.end(), action) == actions.end()) {
    return wrong("'" + action + "' is not " + join_words(actions, " or ") + "." +
                 did_you_mean(action, actions));
  }
  if (words.size() == 3 && action != "show") return wrong("'dlq " + action + "' takes no number.");
  if (words.size() == 2 && action == "show") {
    return wrong("which one? Name it by its number in 'fanfold dlq list'.");
  }
  if (arguments.has("output") && action != "export") {
    return wrong("-o is for 'dlq export' alone.");
  }
  FANFOLD_ASSIGN_OR_RETURN(const std::string directory,
                           find_output(environment, arguments, words[1]));
  FANFOLD_RETURN_IF_ERROR(io::read_manifest(storage(), directory).status());
  if (action == "list") return list(directory, arguments.has("json"));
  if (action == "export") return write_records(directory, arguments.value("output"));
  FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t number, parse_count(words[2], 1, UINT64_MAX));
  return show(directory, number, arguments.has("json"));
}

int dlq_main(const Environment& environment, const Arguments& arguments) {
  const Status status = look(environment, arguments);
  if (status.code() == StatusCode::kCorruption) {
    report(status);
    return kExitFailed;
  }
  return report(status);
}

}  // namespace

Command dlq_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "dlq";
  syntax.positionals = "list|show|export JOB_ID|DIR [NUMBER]";
  syntax.summary = "Shows the records that a job put aside (--on-bad-record dead-letter).";
  syntax.description =
      "'list' names them, 'show' tells all about one, 'export' writes the records as they were,\n"
      "one after the other.";
  syntax.flags = {
      {"output", 'o', "FILE", "Export to this new file. Default: standard output.", false},
      master_flag(),
      json_flag()};
  syntax.positionals_min = 2;
  syntax.positionals_max = 3;
  command.run = dlq_main;
  return command;
}

}  // namespace fanfold::cli
