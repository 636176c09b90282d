// `redrive`: runs those items of an item job once more that failed or were not run to their end.

#include <filesystem>

#include "cli/commands/command.hpp"
#include "cli/commands/item_run.hpp"
#include "cli/items/earlier_results.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::cli {
namespace {

Result<std::string> find_output(const Environment& environment, const std::string& word) {
  const std::string path = absolute_path(environment.working_directory, word);
  if (std::filesystem::is_directory(path)) return path;
  return Status(StatusCode::kNotFound,
                "there is no directory " + path +
                    "; redrive takes the output of an item job, which lists what failed");
}

int redrive_main(const Environment& environment, const Arguments& arguments) {
  const Result<std::string> output = find_output(environment, arguments.positionals().front());
  if (!output.ok()) return report(output.status());
  io::FileSystem& files = io::posix_file_system();
  Result<EarlierResults> earlier = read_earlier_results(files, *output);
  if (!earlier.ok()) return report(earlier.status());
  if (const auto plugin = arguments.value("plugin")) {
    const Status replaced = replace_plugin(absolute_path(environment.working_directory, *plugin),
                                           &earlier->state.processor);
    if (!replaced.ok()) return report(replaced);
  }
  Result<ItemRunFlags> flags = read_item_run_flags(environment, arguments);
  if (!flags.ok()) return report(flags.status());
  flags->work = flags->work.empty() ? *output + ".work"
                                    : absolute_path(environment.working_directory, flags->work);
  ItemWork work;
  work.state = &earlier->state;
  work.output = *output;
  work.directory = earlier->directory;
  work.replace = true;
  work.run = earlier->run;
  work.items = earlier->counts.total;
  work.earlier = {*output, earlier->succeeded, earlier->counts, earlier->generation};
  work.write_children = [&](const ChildFileOptions& options) {
    return write_unfinished(files, *earlier, *output, options);
  };
  return run_item_work(environment, *flags, work);
}

}  // namespace

Command redrive_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "redrive";
  syntax.positionals = "OUTPUT";
  syntax.summary = "Runs the items of an item job again that failed or were not run.";
  syntax.description =
      "OUTPUT is what 'fanfold run MAP.json' wrote. What succeeded stays; what succeeds now is "
      "added\n"
      "to it, and the next generation of the whole replaces the earlier one in one step\n"
      "(docs/patterns/item_jobs.md). Exit code: 0 all done, 1 failed, 2 wrong usage or nothing to\n"
      "do, 3 partial, 130 interrupted.";
  syntax.flags = {{"plugin", '\0', "FILE.so", "Run the jobs of this plugin instead.", false}};
  const std::vector<Flag> more = item_run_flags();
  syntax.flags.insert(syntax.flags.end(), more.begin(), more.end());
  syntax.positionals_min = 1;
  syntax.positionals_max = 1;
  command.run = redrive_main;
  return command;
}

}  // namespace fanfold::cli
