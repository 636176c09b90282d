// grep: the lines that match a pattern, or how many of them each file has.
//
// The pattern is a POSIX extended regular expression over bytes, as `LC_ALL=C grep -E` reads it.
// Output is in order of file name and position.  mode=lines writes `file:line` (see `prefix`);
// mode=count writes `file:count` for each file that has any line, zero included.
//
// Speed: a pattern without special characters is searched as plain bytes.  Of any other pattern the
// longest piece that every match must contain is searched first, so that the expression itself is
// only tried on lines that have it.  In mode=lines other lines are not even looked at as lines.

#include <regex.h>

#include <algorithm>
#include <fanfold/job.hpp>
#include <memory>
#include <stdexcept>

namespace {

char to_lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + ('a' - 'A')) : letter;
}

bool is_special(char c) {
  return std::string_view("\\^$.[]|()*+?{}").find(c) != std::string_view::npos;
}

bool is_repetition(char c) { return c == '*' || c == '?' || c == '+' || c == '{'; }

// The longest run of plain characters that stands in every match of `pattern`; empty when it is not
// easily seen.  Only runs outside groups and brackets are looked at, and none if there is a choice.
std::string required_piece(std::string_view pattern) {
  if (pattern.find('|') != std::string_view::npos) return {};
  std::string best;
  std::string piece;
  int depth = 0;
  const auto end_piece = [&] {
    if (piece.size() > best.size()) best = piece;
    piece.clear();
  };
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '[') break;  // What follows is not worth the rules of brackets.
    const bool escaped = c == '\\' && i + 1 < pattern.size();
    if (escaped) ++i;
    // \w, \<, \1 and the like are extensions, not characters.
    const bool plain = escaped ? is_special(pattern[i]) : !is_special(c);
    if (!plain) {
      end_piece();
      depth += !escaped && c == '(' ? 1 : !escaped && c == ')' ? -1 : 0;
      // The inside of {..} counts repetitions.
      if (!escaped && c == '{') i = std::min(pattern.find('}', i), pattern.size() - 1);
      continue;
    }
    // A repeated character may be absent, and it ends the piece in any case.  One of `x+` stands in
    // every match, but of `x+?` none: that is an optional `x+`.
    const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
    const bool repeated = is_repetition(next);
    const bool kept = next == '+' && !(i + 2 < pattern.size() && is_repetition(pattern[i + 2]));
    if (depth == 0 && (!repeated || kept)) piece.push_back(pattern[i]);
    if (repeated || depth != 0) end_piece();
  }
  end_piece();
  return best;
}

/// Says whether a line matches.  Throws std::invalid_argument when the pattern is no pattern.
class Matcher {
 public:
  Matcher(const std::string& pattern, bool fixed, bool ignore_case) : ignore_case_(ignore_case) {
    const bool plain = fixed || std::none_of(pattern.begin(), pattern.end(), is_special);
    piece_ = plain ? pattern : required_piece(pattern);
    if (ignore_case_) std::transform(piece_.begin(), piece_.end(), piece_.begin(), to_lower);
    if (plain) return;
    auto compiled = std::make_unique<regex_t>();
    const int flags = REG_EXTENDED | REG_NOSUB | (ignore_case ? REG_ICASE : 0);
    if (const int error = regcomp(compiled.get(), pattern.c_str(), flags); error != 0) {
      char reason[256];
      regerror(error, compiled.get(), reason, sizeof reason);
      throw std::invalid_argument("parameter pattern: '" + pattern +
                                  "' is no regular expression: " + reason +
                                  "; use fixed=true to search it as plain text");
    }
    expression_.reset(compiled.release());
  }

  /// What stands in every line that matches; empty when nothing is known, or not in this case.
  std::string_view required() const { return ignore_case_ ? std::string_view() : piece_; }

  bool matches(std::string_view line) {
    if (!piece_.empty() && !contains_piece(line)) return false;
    if (!expression_) return true;
    // REG_STARTEND: the line is bounded by the offsets, not by a zero byte.
    regmatch_t bounds;
    bounds.rm_so = 0;
    bounds.rm_eo = static_cast<regoff_t>(line.size());
    return regexec(expression_.get(), line.data(), 1, &bounds, REG_STARTEND) == 0;
  }

 private:
  struct Free {
    void operator()(regex_t* expression) const {
      regfree(expression);
      delete expression;
    }
  };

  bool contains_piece(std::string_view line) {
    if (!ignore_case_) return memmem(line.data(), line.size(), piece_.data(), piece_.size());
    folded_.resize(line.size());
    std::transform(line.begin(), line.end(), folded_.begin(), to_lower);
    return memmem(folded_.data(), folded_.size(), piece_.data(), piece_.size());
  }

  bool ignore_case_;
  std::string piece_;                          // In lower case when case is ignored.
  std::unique_ptr<regex_t, Free> expression_;  // Null: the piece is the whole pattern.
  std::string folded_;
};

class Grep {
 public:
  using Position = std::pair<std::string_view, std::uint64_t>;  // File, offset of the line.
  using Found = std::pair<std::uint64_t, std::string_view>;     // How many lines; the line.
  using Out = fanfold::Emitter<Position, Found>;

  // Part 0 holds the first files: concatenated parts read as the output of one grep.
  static constexpr auto partitioning = fanfold::kRangePartitioned;

  static void declare(fanfold::Parameters& parameters) {
    parameters.required<std::string>("pattern",
                                     "What to look for: a POSIX extended regular expression.");
    parameters
        .optional<std::string>("mode", "lines",
                               "Write the matching lines, or for each file how many there are.")
        .choices({"lines", "count"});
    parameters
        .optional<std::string>(
            "prefix", "file",
            "What mode=lines writes before a line: 'file:', 'file:offset:' or nothing.")
        .choices({"file", "offset", "none"});
    parameters.optional<bool>("fixed", false, "The pattern is plain text.");
    parameters.optional<bool>("ignore_case", false, "ASCII letters match in either case.");
    parameters.optional<bool>("invert", false, "Choose the lines that do not match.");
  }

  void setup(fanfold::Context& context) {
    context_ = &context;
    invert_ = context.parameter<bool>("invert");
    count_ = context.parameter<std::string>("mode") == "count";
    const std::string prefix = context.parameter<std::string>("prefix");
    write_file_ = prefix != "none";
    write_offset_ = prefix == "offset";
    matcher_ = std::make_unique<Matcher>(context.parameter<std::string>("pattern"),
                                         context.parameter<bool>("fixed"),
                                         context.parameter<bool>("ignore_case"));
  }

  /// Counting needs every file, inverting every line.
  std::string_view only_lines_with() const {
    return count_ || invert_ ? std::string_view() : matcher_->required();
  }

  void map(std::string_view line, Out& out) {
    if (count_ && context_->file() != file_) {
      emit_count(out);
      file_ = context_->file();
      in_file_ = true;
    }
    if (matcher_->matches(line) == invert_) return;
    if (count_) {
      ++found_;
    } else {
      out.emit(Position{context_->file(), context_->offset()}, Found{1, line});
    }
  }

  void finish(Out& out) { emit_count(out); }

  void reduce(Position position, fanfold::Values<Found>& found, fanfold::Writer& out) {
    std::uint64_t count = 0;
    for (const Found& one : found) {
      count += one.first;
      if (!count_) write_found(position, one.second, out);
    }
    if (count_) {
      text_.assign(position.first).append(1, ':').append(std::to_string(count));
      out.write_line(text_);
    }
  }

 private:
  // Counts leave once per file and task: one line of input costs one addition.
  void emit_count(Out& out) {
    if (in_file_) out.emit(Position{file_, 0}, Found{found_, std::string_view()});
    found_ = 0;
    in_file_ = false;
  }

  void write_found(Position position, std::string_view line, fanfold::Writer& out) {
    text_.clear();
    if (write_file_) text_.append(position.first).append(1, ':');
    if (write_offset_) text_.append(std::to_string(position.second)).append(1, ':');
    text_.append(line);
    out.write_line(text_);
  }

  fanfold::Context* context_ = nullptr;
  std::unique_ptr<Matcher> matcher_;
  bool invert_ = false;
  bool count_ = false;
  bool write_file_ = true;
  bool write_offset_ = false;
  // mode=count: the file being read, and its chosen lines so far in this task.
  std::string file_;
  bool in_file_ = false;
  std::uint64_t found_ = 0;
  std::string text_;
};

}  // namespace

FANFOLD_JOB(Grep, "grep", "Finds the lines that match a pattern, or counts them per file.");
