// word_count: how often each word occurs.  Words are what lies between blanks; punctuation stays.

#include <fanfold/job.hpp>

namespace {

struct WordCount {
  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<bool>("ignore_case", false,
                              "Count 'The' and 'the' as one word (ASCII letters).");
  }

  void setup(fanfold::Context& context) { ignore_case_ = context.parameter<bool>("ignore_case"); }

  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    for (std::string_view word : fanfold::words(ignore_case_ ? folded(line) : line)) {
      out.emit(word, 1);
    }
  }

  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }

  void reduce(std::string_view word, fanfold::Values<std::uint64_t>& counts, fanfold::Writer& out) {
    out.write(word, fanfold::sum(counts));
  }

 private:
  std::string_view folded(std::string_view line) {
    folded_.assign(line);
    for (char& letter : folded_) {
      if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter + ('a' - 'A'));
    }
    return folded_;
  }

  bool ignore_case_ = false;
  std::string folded_;  // One buffer for all lines.
};

}  // namespace

FANFOLD_JOB(WordCount, "word_count", "Counts how often each word occurs.");
