// inverted_index: for each word the files in which it occurs, in byte order of their names.
//
// Each line is `word TAB file TAB file ...`; with counts=true, `word TAB file:3 TAB file:1 ...`.

#include <fanfold/job.hpp>
#include <unordered_map>

namespace {

struct HashOfText {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>()(text);
  }
};

class InvertedIndex {
 public:
  using Occurrence = std::pair<std::string_view, std::uint64_t>;  // File, how often.
  using Out = fanfold::Emitter<std::string_view, Occurrence>;

  // Words leave as they are, so nobody could merge parts by them: the parts follow each other.
  static constexpr auto partitioning = fanfold::kRangePartitioned;
  // Sorted values bring the counts of one file together, from whichever tasks they come.
  static constexpr bool order_values = true;

  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<bool>("counts", false, "Write file:count instead of the file alone.");
    parameters.optional<bool>("ignore_case", false,
                              "Index 'The' and 'the' as one word (ASCII letters).");
  }

  void setup(fanfold::Context& context) {
    context_ = &context;
    counts_ = context.parameter<bool>("counts");
    ignore_case_ = context.parameter<bool>("ignore_case");
  }

  void map(std::string_view line, Out& out) {
    if (context_->file() != file_) {
      emit_words(out);
      file_ = context_->file();
    }
    if (ignore_case_) {
      folded_.assign(line);
      for (char& letter : folded_) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter + ('a' - 'A'));
      }
      line = folded_;
    }
    for (const std::string_view word : fanfold::words(line)) add(word);
    // The table is a cache, not the result: emitting a word of a file twice is no mistake.
    if (words_.size() >= kWordsHeld) emit_words(out);
  }

  void finish(Out& out) { emit_words(out); }

  void reduce(std::string_view word, fanfold::Values<Occurrence>& occurrences,
              fanfold::Writer& out) {
    line_.assign(word);
    std::string file;
    std::uint64_t count = 0;
    for (const Occurrence& occurrence : occurrences) {
      if (count != 0 && occurrence.first != file) {
        append(file, count);
        count = 0;
      }
      if (count == 0) file.assign(occurrence.first);
      count += occurrence.second;
    }
    append(file, count);
    out.write_line(line_);
  }

 private:
  // Distinct words of one file held before they are emitted: a few MiB.
  static constexpr std::size_t kWordsHeld = 50'000;

  void add(std::string_view word) {
    const auto found = words_.find(word);
    if (found == words_.end()) {
      words_.emplace(word, 1);
    } else {
      ++found->second;
    }
  }

  void emit_words(Out& out) {
    for (const auto& [word, count] : words_) out.emit(word, Occurrence{file_, count});
    words_.clear();
  }

  void append(std::string_view file, std::uint64_t count) {
    line_.append(1, '\t').append(file);
    if (counts_) line_.append(1, ':').append(std::to_string(count));
  }

  fanfold::Context* context_ = nullptr;
  bool counts_ = false;
  bool ignore_case_ = false;
  std::string file_;
  std::unordered_map<std::string, std::uint64_t, HashOfText, std::equal_to<>> words_;
  std::string folded_;
  std::string line_;
};

}  // namespace

FANFOLD_JOB(InvertedIndex, "inverted_index", "Lists for each word the files that contain it.");
