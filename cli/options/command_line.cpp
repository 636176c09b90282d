// The only file that knows Boost.Program_options; its exceptions end here.

#include "cli/options/command_line.hpp"

#include <algorithm>
#include <boost/program_options/errors.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/value_semantic.hpp>

#include "cli/text/suggest.hpp"

namespace fanfold::cli {
namespace {

namespace po = boost::program_options;

// No flag can be called this: it cannot be typed as "--...".
constexpr const char* kPositional = "=positional";

Status usage_error(const Syntax& syntax, const std::string& problem) {
  return Status(StatusCode::kInvalidArgument,
                problem + "\nTry 'fanfold " + syntax.command + " --help'.");
}

po::options_description describe(const Syntax& syntax) {
  po::options_description description;
  for (const Flag& flag : syntax.flags) {
    const std::string name = flag.letter == '\0' ? flag.name : flag.name + "," + flag.letter;
    if (flag.value_name.empty()) {
      description.add_options()(name.c_str(), "");
    } else {
      description.add_options()(name.c_str(), po::value<std::string>(), "");
    }
  }
  description.add_options()("help,h", "");
  description.add_options()(kPositional, po::value<std::vector<std::string>>(), "");
  return description;
}

std::vector<std::string> flag_names(const Syntax& syntax) {
  std::vector<std::string> names;
  for (const Flag& flag : syntax.flags) names.push_back("--" + flag.name);
  names.push_back("--help");
  return names;
}

Result<po::parsed_options> parse_words(const Syntax& syntax, const std::vector<std::string>& words,
                                       const po::options_description& description) {
  po::positional_options_description positionals;
  positionals.add(kPositional, -1);
  // Guessing would make every new flag able to break a script.
  const int style = po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
  try {
    return po::command_line_parser(words)
        .options(description)
        .positional(positionals)
        .style(style)
        .run();
  } catch (const po::unknown_option& error) {
    const std::string name = error.get_option_name();
    return usage_error(syntax,
                       "unknown flag '" + name + "'." + did_you_mean(name, flag_names(syntax)));
  } catch (const po::error_with_option_name& error) {
    const std::string name = error.get_option_name();
    const auto flag = std::find_if(syntax.flags.begin(), syntax.flags.end(), [&](const Flag& f) {
      return name == "--" + f.name || name == std::string("-") + f.letter;
    });
    if (flag != syntax.flags.end() && flag->value_name.empty()) {
      return usage_error(syntax, "'" + name + "' takes no value.");
    }
    return usage_error(syntax, "'" + name + "' needs a value.");
  } catch (const po::error& error) {
    return usage_error(syntax, std::string(error.what()) + ".");
  }
}

Status check_positionals(const Syntax& syntax, const std::vector<std::string>& given) {
  if (given.size() < syntax.positionals_min) {
    return usage_error(syntax, (given.empty() ? "arguments are missing" : "too few arguments") +
                                   (": fanfold " + syntax.command) + " " + syntax.positionals);
  }
  if (given.size() > syntax.positionals_max) {
    return usage_error(syntax, "unexpected argument '" + given[syntax.positionals_max] + "'.");
  }
  return Status();
}

void append_wrapped(const std::string& text, std::size_t indent, std::size_t width,
                    std::string* out) {
  std::size_t column = indent;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::size_t length = end - begin;
    if (column > indent && column + 1 + length > width) {
      *out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      *out += ' ';
      ++column;
    }
    out->append(text, begin, length);
    column += length;
    begin = end + 1;
  }
  *out += '\n';
}

std::string left_column(const Flag& flag) {
  std::string text = flag.letter == '\0' ? "      " : std::string("  -") + flag.letter + ", ";
  text += "--" + flag.name;
  if (!flag.value_name.empty()) text += " " + flag.value_name;
  return text;
}

}  // namespace

std::optional<std::string> Arguments::value(std::string_view flag) const {
  const auto found = values_.find(flag);
  if (found == values_.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> Arguments::values(std::string_view flag) const {
  const auto found = values_.find(flag);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

Result<Arguments> parse(const Syntax& syntax, std::span<const std::string> words) {
  std::vector<std::string> copy(words.begin(), words.end());
  Arguments arguments;
  if (syntax.takes_program) {
    const auto dashes = std::find(copy.begin(), copy.end(), "--");
    if (dashes != copy.end()) arguments.program_.assign(dashes + 1, copy.end());
    copy.erase(dashes, copy.end());
  }
  const po::options_description description = describe(syntax);
  FANFOLD_ASSIGN_OR_RETURN(const po::parsed_options parsed, parse_words(syntax, copy, description));
  for (const po::option& option : parsed.options) {
    if (option.string_key == kPositional) {
      arguments.positionals_.insert(arguments.positionals_.end(), option.value.begin(),
                                    option.value.end());
      continue;
    }
    const auto flag = std::find_if(syntax.flags.begin(), syntax.flags.end(),
                                   [&](const Flag& f) { return f.name == option.string_key; });
    auto& values = arguments.values_[option.string_key];
    if (!values.empty() && flag != syntax.flags.end() && !flag->repeatable) {
      return usage_error(syntax, "'--" + option.string_key + "' is given twice.");
    }
    values.insert(values.end(), option.value.begin(), option.value.end());
  }
  FANFOLD_RETURN_IF_ERROR(check_positionals(syntax, arguments.positionals_));
  return arguments;
}

bool asks_for_help(std::span<const std::string> words) {
  for (const std::string& word : words) {
    if (word == "--") return false;
    if (word == "--help" || word == "-h") return true;
  }
  return false;
}

std::string help_text(const Syntax& syntax) {
  constexpr std::size_t kWidth = 100;
  constexpr std::size_t kHelpColumn = 30;
  std::string text = "Usage: fanfold " + syntax.command;
  if (!syntax.positionals.empty()) text += " " + syntax.positionals;
  if (!syntax.flags.empty()) text += " [FLAG...]";
  text += "\n\n" + syntax.summary + "\n";
  if (!syntax.description.empty()) text += "\n" + syntax.description + "\n";
  text += "\nFlags:\n";
  std::vector<Flag> flags = syntax.flags;
  flags.push_back({"help", 'h', "", "Show this text.", false});
  for (const Flag& flag : flags) {
    std::string left = left_column(flag);
    if (left.size() + 2 > kHelpColumn) {
      text += left + "\n" + std::string(kHelpColumn, ' ');
    } else {
      left.resize(kHelpColumn, ' ');
      text += left;
    }
    append_wrapped(flag.help, kHelpColumn, kWidth, &text);
  }
  return text;
}

}  // namespace fanfold::cli
