// `version` and `help`.

#include <algorithm>

#include "cli/commands/command.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/text/suggest.hpp"
#include "cli/view/json.hpp"
#include "common/proto/messages.hpp"
#include "fanfold/abi.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::cli {
namespace {

int version_main(const Environment&, const Arguments& arguments) {
  const std::string version = FANFOLD_VERSION;
  const std::string api = std::to_string(abi::kApiVersion);
  const std::string protocol = std::to_string(proto::kProtocolVersion);
  if (arguments.has("json")) {
    const std::vector<std::pair<std::string, std::string>> facts = {
        {"version", version},
        {"plugin_api", api},
        {"protocol", protocol},
        {"fingerprint", worker::own_fingerprint()}};
    print(to_json(facts));
  } else {
    print("fanfold " + version + " (plugin API " + api + ", protocol " + protocol + ")\n" +
          worker::own_fingerprint() + "\n");
  }
  return kExitDone;
}

int help_main(const Environment& environment, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.positionals();
  if (!words.empty()) {
    std::vector<std::string> request = words;
    request.push_back("--help");
    return dispatch(environment, request);
  }
  print(
      "Fanfold: map-reduce in C++ over files, on one machine or many.\n\n"
      "Usage: fanfold COMMAND [ARGUMENT...]\n\n" +
      list_of(all_commands()) +
      "\nA first job:  fanfold run word_count FILE -o counted && fanfold cat counted\n"
      "'fanfold COMMAND --help' explains a command.\n");
  return kExitDone;
}

}  // namespace

Command version_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "version";
  syntax.summary = "Prints the version, and what plugins have to match.";
  syntax.flags = {json_flag()};
  command.run = version_main;
  return command;
}

Command help_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "help";
  syntax.positionals = "[COMMAND]";
  syntax.summary = "Lists the commands, or explains one.";
  syntax.positionals_max = 2;
  command.run = help_main;
  return command;
}

}  // namespace fanfold::cli
