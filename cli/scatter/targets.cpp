#include "cli/scatter/targets.hpp"

#include <string_view>
#include <unordered_set>

#include "cli/job/job_spec.hpp"
#include "cli/job/whole_file.hpp"
#include "common/items/line.hpp"

namespace fanfold::cli {
namespace {

constexpr std::size_t kListBytesMax = 64u << 20;
constexpr std::size_t kTextBytesMax = 16u << 20;

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

class TargetList {
 public:
  Status add(std::string_view target) {
    if (target.find('\0') != target.npos) {
      return refuse("the target '" + std::string(target.substr(0, target.find('\0'))) +
                    "...' holds a zero byte, which no program and no file name can take");
    }
    if (target.empty()) return refuse("a target is empty");
    if (target.size() > kTargetBytesMax) {
      return refuse("a target has more than 64 KiB: " + std::string(target.substr(0, 60)) + "...");
    }
    if (!seen_.emplace(target).second) {
      return refuse("the target '" + std::string(target.substr(0, 200)) +
                    "' is given twice; its answers would count twice");
    }
    if (targets_.size() == kTargetsMax) {
      return refuse("there are more than " + std::to_string(kTargetsMax) +
                    " targets; let each stand for several");
    }
    targets_.emplace_back(target);
    return {};
  }

  Status add_lines(std::string_view text) {
    while (!text.empty()) {
      const std::string_view line = items::take_line(&text);
      if (line.find_first_not_of(" \t") != line.npos) FANFOLD_RETURN_IF_ERROR(add(line));
    }
    return {};
  }

  std::vector<std::string> take() { return std::move(targets_); }

 private:
  std::unordered_set<std::string> seen_;
  std::vector<std::string> targets_;
};

}  // namespace

Result<std::vector<std::string>> read_targets(const std::string& working_directory,
                                              const std::vector<std::string>& words, int input) {
  TargetList list;
  bool standard_input = false;
  for (const std::string& word : words) {
    if (word == "-") {
      if (std::exchange(standard_input, true)) {
        return refuse("standard input ('-') can be read only once");
      }
      FANFOLD_ASSIGN_OR_RETURN(const std::string text,
                               read_to_end(input, kListBytesMax, "standard input"));
      FANFOLD_RETURN_IF_ERROR(list.add_lines(text));
    } else if (word.starts_with('@')) {
      if (word.size() == 1) return refuse("'@' lacks the name of the list of targets");
      FANFOLD_ASSIGN_OR_RETURN(
          const std::string text,
          read_whole_file(absolute_path(working_directory, word.substr(1)), kListBytesMax));
      FANFOLD_RETURN_IF_ERROR(list.add_lines(text));
    } else {
      FANFOLD_RETURN_IF_ERROR(list.add(word));
    }
  }
  std::vector<std::string> targets = list.take();
  if (!targets.empty()) return targets;
  return refuse("there are no targets to ask: " +
                (words.empty() ? std::string("name some, or a list of them with @FILE")
                               : "the list '" + words.front() + "' is empty"));
}

Result<std::string> text_or_file(const std::string& working_directory, const std::string& word) {
  if (!word.starts_with('@')) return word;
  return read_whole_file(absolute_path(working_directory, word.substr(1)), kTextBytesMax);
}

}  // namespace fanfold::cli
