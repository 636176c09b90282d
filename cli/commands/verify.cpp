// `verify`: proves from what was recorded that nothing was lost, and that the files are still what
// was published.

#include <algorithm>
#include <filesystem>

#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/output/verification.hpp"
#include "cli/view/json.hpp"
#include "cli/view/names.hpp"
#include "common/io/scheme.hpp"
#include "common/storage/storage.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

bool is_number(const std::string& word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
}

/// The output of a job that a master knows, and its checks against what the master says.
Result<Verification> verify_job(const Environment& environment, const Arguments& arguments,
                                const std::string& word) {
  FANFOLD_ASSIGN_OR_RETURN(const JobId job, parse_job(word));
  FANFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<Client> client,
                           connect_to_master(environment, arguments));
  FANFOLD_ASSIGN_OR_RETURN(const proto::JobStatus status, get_job(*client, job));
  if (status.state != proto::JobState::kSucceeded && status.state != proto::JobState::kPartial) {
    return Status(StatusCode::kInvalidArgument, "job " + word + " has no output to verify: it is " +
                                                    std::string(proto::name_of(status.state)) +
                                                    ".");
  }
  FANFOLD_ASSIGN_OR_RETURN(Verification verification, verify_output(storage(), status.output));
  verification.compare_with(status);
  return verification;
}

std::string text_of(const Verification& verification) {
  std::string text = verification.directory + ":\n";
  for (const Check& check : verification.checks) {
    text += std::string(check.holds ? "  ok      " : "  FAILED  ") + check.what + "\n";
  }
  if (!verification.manifest.run.ledger) {
    text += "  --      this run kept no record of where its records went (--in-process)\n";
  }
  return text;
}

int verify_main(const Environment& environment, const Arguments& arguments) {
  const std::string word = io::without_slashes_at_end(arguments.positionals().front());
  // A directory of that name is what is meant; `./7` is never a job.
  const bool is_job = is_number(word) && !std::filesystem::is_directory(word);
  const Result<Verification> verification =
      is_job ? verify_job(environment, arguments, word) : verify_output(storage(), word);
  if (!verification.ok()) {
    const int code = report(verification.status());
    // A manifest that cannot be read is a damaged output, not a wrong command.
    return verification.status().code() == StatusCode::kCorruption ? kExitFailed : code;
  }
  print(arguments.has("json") ? to_json(*verification) : text_of(*verification));
  if (verification->holds()) {
    if (!verification->manifest.partial()) return kExitDone;
    print_error("fanfold: " + verification->directory +
                " is what the job wrote, and partial: it lacks some of the input.\n");
    return kExitPartial;
  }
  print_error("fanfold: " + verification->directory +
              " is not what the job wrote, or its records do not add up.\n");
  return kExitFailed;
}

}  // namespace

Command verify_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "verify";
  syntax.positionals = "JOB_ID|DIR";
  syntax.summary = "Proves that an output is complete and unchanged.";
  syntax.description =
      "Checks every file against the manifest, and that every input record was mapped once and\n"
      "everything emitted was combined or reduced. Exit code: 0 all holds; 1 something does not, "
      "and\n"
      "it is named; 2 there is nothing to verify; 3 all holds, and the output is a partial one.";
  syntax.flags = {master_flag(), key_flag(), json_flag()};
  syntax.positionals_min = syntax.positionals_max = 1;
  command.run = verify_main;
  return command;
}

}  // namespace fanfold::cli
