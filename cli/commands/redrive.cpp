// `redrive`: runs what failed once more: those items of an item job that failed or were not run to
// their end, and the dead letters of any other.

#include <filesystem>

#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/commands/item_run.hpp"
#include "cli/commands/redrive_run.hpp"
#include "cli/items/earlier_results.hpp"
#include "cli/view/names.hpp"
#include "common/io/file_system.hpp"
#include "common/io/scheme.hpp"
#include "common/storage/storage.hpp"

namespace fanfold::cli {
namespace {

/// Where the output of the job is; a directory of that name is what is meant.
Result<RedriveTarget> find_target(const Environment& environment, const Arguments& arguments) {
  const std::string word = io::without_slashes_at_end(arguments.positionals().front());
  const std::string path = absolute_path(environment.working_directory, word);
  if (!io::scheme_of(path).empty() || std::filesystem::is_directory(path)) {
    return RedriveTarget{path, std::nullopt};
  }
  if (word.find_first_not_of("0123456789") != std::string::npos) {
    return Status(StatusCode::kNotFound,
                  "there is no directory " + path +
                      "; redrive takes the output of a job, which tells what failed, or the number "
                      "of a job");
  }
  FANFOLD_ASSIGN_OR_RETURN(const JobId job, parse_job(word));
  FANFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<Client> client,
                           connect_to_master(environment, arguments));
  FANFOLD_ASSIGN_OR_RETURN(const proto::JobStatus status, get_job(*client, job));
  if (status.state == proto::JobState::kSucceeded || status.state == proto::JobState::kPartial) {
    return RedriveTarget{status.output, status};
  }
  const std::string state = proto::name_of(status.state);
  return Status(StatusCode::kInvalidArgument,
                "job " + word + " cannot be redriven: it is " + state +
                    (proto::is_final(status.state)
                         ? ", and has left no output; run it again"
                         : ". What failed is known when it has ended; 'fanfold wait " + word +
                               "' waits for that"));
}

int redrive_items(const Environment& environment, const Arguments& arguments,
                  const std::string& output) {
  io::FileSystem& files = io::posix_file_system();
  Result<EarlierResults> earlier = read_earlier_results(files, output);
  if (!earlier.ok()) return report(earlier.status());
  if (const auto plugin = arguments.value("plugin")) {
    const Status replaced = replace_plugin(absolute_path(environment.working_directory, *plugin),
                                           &earlier->state.processor);
    if (!replaced.ok()) return report(replaced);
  }
  Result<ItemRunFlags> flags = read_item_run_flags(environment, arguments);
  if (!flags.ok()) return report(flags.status());
  flags->work = flags->work.empty() ? output + ".work"
                                    : absolute_path(environment.working_directory, flags->work);
  ItemWork work;
  work.state = &earlier->state;
  work.output = output;
  work.directory = earlier->directory;
  work.replace = true;
  work.run = earlier->run;
  work.items = earlier->counts.total;
  work.earlier = {output, earlier->succeeded, earlier->counts, earlier->generation};
  work.write_children = [&](const ChildFileOptions& options) {
    return write_unfinished(files, *earlier, output, options);
  };
  return run_item_work(environment, *flags, work);
}

/// Flags that make sense for one kind of job alone.
Status refuse_flags(const Arguments& arguments, const std::vector<Flag>& flags) {
  for (const Flag& flag : flags) {
    if (!arguments.has(flag.name)) continue;
    return {StatusCode::kInvalidArgument,
            "--" + flag.name + " makes no sense for the items of an item job."};
  }
  return {};
}

int redrive_main(const Environment& environment, const Arguments& arguments) {
  Result<RedriveTarget> target = find_target(environment, arguments);
  if (!target.ok()) return report(target.status());
  if (!storage().stat(target->output + "/" + kItemJobName).ok()) {
    return redrive_output(environment, arguments, *std::move(target));
  }
  if (Status status = refuse_flags(arguments, redrive_run_flags()); !status.ok()) {
    return report(status);
  }
  return redrive_items(environment, arguments, target->output);
}

}  // namespace

Command redrive_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "redrive";
  syntax.positionals = "OUTPUT|JOB_ID";
  syntax.summary = "Runs what failed of a job again: dead letters, or items.";
  syntax.description =
      "OUTPUT is what a job has written. Of a job with dead letters those records alone are "
      "mapped\n"
      "again, mostly by a plugin that is mended, and what comes of them is reduced together with\n"
      "what there was (docs/patterns/dead_letters.md). Of 'fanfold run MAP.json' those items run\n"
      "again that failed or were not run (docs/patterns/item_jobs.md). The next generation of the\n"
      "whole replaces the earlier one in one step. Exit code: 0 all done, 1 failed, 2 wrong usage "
      "or\n"
      "nothing to do, 3 some failed again, or partial, 130 interrupted.";
  syntax.flags = {{"plugin", '\0', "FILE.so", "Run the jobs of this plugin instead.", false}};
  for (Flag& flag : redrive_run_flags()) syntax.flags.push_back(std::move(flag));
  const std::vector<Flag> more = item_run_flags();
  syntax.flags.insert(syntax.flags.end(), more.begin(), more.end());
  syntax.positionals_min = 1;
  syntax.positionals_max = 1;
  command.run = redrive_main;
  return command;
}

}  // namespace fanfold::cli
