#include <fanfold/job.hpp>

struct WordCount {
  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    for (std::string_view word : fanfold::words(line)) out.emit(word, 1);
  }
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
};
FANFOLD_JOB(WordCount, "word_count", "Counts how often each word occurs.");
