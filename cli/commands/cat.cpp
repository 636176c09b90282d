// `cat`: prints a finished output.

#include <unistd.h>

#include "cli/commands/command.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/output/concatenate.hpp"
#include "common/io/manifest.hpp"
#include "common/io/scheme.hpp"
#include "common/storage/storage.hpp"

namespace fanfold::cli {
namespace {

int cat_main(const Environment&, const Arguments& arguments) {
  int code = kExitDone;
  const PrintOptions options{STDOUT_FILENO, arguments.has("json")};
  for (const std::string& word : arguments.positionals()) {
    const std::string directory = io::without_slashes_at_end(word);
    const Status status = print_output(storage(), directory, options);
    if (!status.ok()) return report(status);
    const auto manifest = io::read_manifest(storage(), directory);
    if (!manifest.ok() || !manifest->partial()) continue;
    print_error("fanfold: " + directory + " is a partial output: it covers " +
                io::covered_percent(*manifest->coverage) + " % of its input.\n");
    code = kExitPartial;
  }
  return code;
}

}  // namespace

Command cat_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "cat";
  syntax.positionals = "DIR...";
  syntax.summary = "Prints the output of a finished job, in the order of its keys.";
  syntax.description = "Compressed parts are decompressed.";
  syntax.flags = {{"json", '\0', "", "Print text records as JSON Lines.", false}};
  syntax.positionals_min = 1;
  syntax.positionals_max = static_cast<std::size_t>(-1);
  command.run = cat_main;
  return command;
}

}  // namespace fanfold::cli
