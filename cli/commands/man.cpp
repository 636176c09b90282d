// `man`: manual pages, made from the same tables as the parser and --help.

#include <algorithm>
#include <cctype>

#include "cli/commands/command.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/text/suggest.hpp"

namespace fanfold::cli {
namespace {

/// Text as troff: what would be a request, an escape or a hyphen that breaks a copied flag.
std::string troff(std::string_view text) {
  std::string page;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) page += "\\&";
    if (c == '\\') {
      page += "\\e";
    } else if (c == '-') {
      page += "\\-";
    } else if (c == '\'') {
      page += "\\(aq";
    } else {
      page += c;
    }
    line_begins = c == '\n';
  }
  return page;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

/// "fanfold-cluster-up".
std::string page_name(const Command& command) {
  std::string name = "fanfold-" + command.syntax.command;
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string heading(const std::string& name, const std::string& summary) {
  std::string sentence = summary;
  if (sentence.ends_with('.')) sentence.pop_back();
  return ".TH " + upper(troff(name)) +
         " 1 \"\" \"Fanfold " FANFOLD_VERSION "\" \"Fanfold\"\n.SH NAME\n" + troff(name) + " \\- " +
         troff(sentence) + "\n";
}

std::string flag_entry(const Flag& flag) {
  std::string entry = ".TP\n";
  if (flag.letter != '\0') entry += std::string("\\fB\\-") + flag.letter + "\\fR, ";
  entry += "\\fB\\-\\-" + troff(flag.name) + "\\fR";
  if (!flag.value_name.empty()) entry += " \\fI" + troff(flag.value_name) + "\\fR";
  return entry + "\n" + troff(flag.help) + (flag.repeatable ? " May be given several times." : "") +
         "\n";
}

std::string page_of(const Command& command) {
  const Syntax& syntax = command.syntax;
  std::string page = heading(page_name(command), syntax.summary);
  page +=
      ".SH SYNOPSIS\n\\fBfanfold " + troff(syntax.command) + "\\fR " + troff(syntax.positionals);
  page += std::string(syntax.positionals.empty() ? "" : " ") + "[FLAG...]\n.SH DESCRIPTION\n" +
          troff(syntax.summary) + "\n";
  // Line feeds are where the author wanted them; a paragraph is an empty line.
  if (!syntax.description.empty()) page += ".PP\n.nf\n" + troff(syntax.description) + "\n.fi\n";
  page += ".SH OPTIONS\n";
  for (const Flag& flag : syntax.flags) page += flag_entry(flag);
  page += flag_entry({"help", 'h', "", "Show a short help.", false});
  return page + ".SH SEE ALSO\n\\fBfanfold\\fR(1)\n";
}

std::string overview() {
  std::string page = heading("fanfold", "map-reduce in C++ over files, on one machine or many");
  page +=
      ".SH SYNOPSIS\n\\fBfanfold\\fR COMMAND [ARGUMENT...]\n.SH DESCRIPTION\n"
      "Runs jobs that are written as plugins: a private cluster of processes for one job, or a "
      "cluster "
      "that stays.\n.SH COMMANDS\n";
  for (const Command& command : all_commands()) {
    page += ".TP\n\\fBfanfold " + troff(command.syntax.command) + "\\fR\n" +
            troff(command.syntax.summary) + "\n";
  }
  page +=
      ".SH ENVIRONMENT\n"
      ".TP\n\\fBFANFOLD_MASTER\\fR\nAddress of the cluster that commands use.\n"
      ".TP\n\\fBFANFOLD_KEY\\fR\nFile with the key for a master at tcp://.\n"
      ".TP\n\\fBFANFOLD_KEYS\\fR\nDirectory that \\(aqfanfold keys\\(aq works on.\n"
      ".TP\n\\fBTMPDIR\\fR\nWhere private clusters keep sockets and intermediate data.\n"
      ".TP\n\\fBXDG_RUNTIME_DIR\\fR\nWhere \\(aqfanfold cluster up\\(aq keeps its cluster.\n"
      ".TP\n\\fBNO_COLOR\\fR\nNo colours, if it is set.\n"
      ".SH EXIT STATUS\n0 done, 1 failed, 2 wrong usage or input, 3 partial, 4 cancelled, 130 "
      "interrupted.\n"
      ".SH SEE ALSO\n";
  for (const Command& command : all_commands()) {
    page += "\\fB" + troff(page_name(command)) + "\\fR(1)";
    page += command.syntax.command == all_commands().back().syntax.command ? "\n" : ",\n";
  }
  return page;
}

int man_main(const Environment&, const Arguments& arguments) {
  if (arguments.has("list")) {
    print("fanfold\n");
    for (const Command& command : all_commands()) print(page_name(command) + "\n");
    return kExitDone;
  }
  std::string wanted;
  for (const std::string& word : arguments.positionals())
    wanted += (wanted.empty() ? "" : " ") + word;
  if (wanted.empty() || wanted == "fanfold") {
    print(overview());
    return kExitDone;
  }
  std::vector<std::string> names;
  for (const Command& command : all_commands()) {
    if (command.syntax.command == wanted || page_name(command) == wanted) {
      print(page_of(command));
      return kExitDone;
    }
    names.push_back(command.syntax.command);
  }
  return report(Status(StatusCode::kInvalidArgument,
                       "there is no command '" + wanted + "'." + did_you_mean(wanted, names)));
}

}  // namespace

Command man_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "man";
  syntax.positionals = "[COMMAND]";
  syntax.summary = "Prints the manual page of fanfold, or of one of its commands.";
  syntax.description =
      "To read it: 'fanfold man run | man -l -'. Installed, it is there as 'man fanfold-run'.";
  syntax.flags = {{"list", '\0', "", "Name all pages instead.", false}};
  syntax.positionals_max = 2;
  command.run = man_main;
  return command;
}

}  // namespace fanfold::cli
