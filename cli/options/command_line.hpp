// What a command accepts, as data: one table gives the parser, --help and the did-you-mean.
// Knows nothing of what any flag means.

#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"

namespace fanfold::cli {

struct Flag {
  std::string name;        // Without "--".
  char letter = '\0';      // Of the short form, or none.
  std::string value_name;  // "DIR", "N", ...; empty: the flag takes no value.
  std::string help;
  bool repeatable = false;
};

struct Syntax {
  std::string command;      // "run", "cluster up", ...
  std::string positionals;  // As shown in the usage line: "JOB INPUT...".
  std::string summary;      // One line, for the list of commands.
  std::string description;  // Paragraphs below the usage line; may be empty.
  std::vector<Flag> flags;
  std::size_t positionals_min = 0;
  std::size_t positionals_max = 0;
  bool takes_program = false;  // Words after "--" are those of a program, and no positionals.
};

/// A command line that fits its Syntax.
class Arguments {
 public:
  bool has(std::string_view flag) const { return values_.find(flag) != values_.end(); }
  /// The last value given.
  std::optional<std::string> value(std::string_view flag) const;
  std::vector<std::string> values(std::string_view flag) const;
  const std::vector<std::string>& positionals() const { return positionals_; }
  /// Of a Syntax that takes one.
  const std::vector<std::string>& program() const { return program_; }

 private:
  friend Result<Arguments> parse(const Syntax& syntax, std::span<const std::string> words);
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> positionals_;
  std::vector<std::string> program_;
};

/// `words` are those after the command.  kInvalidArgument: unknown flag (with a did-you-mean),
/// missing value, repeated flag, too many or too few positionals.
Result<Arguments> parse(const Syntax& syntax, std::span<const std::string> words);

/// True when --help or -h is among the words before "--": asked for before anything is checked.
bool asks_for_help(std::span<const std::string> words);

/// The text of --help, at most 100 columns wide.
std::string help_text(const Syntax& syntax);

}  // namespace fanfold::cli
