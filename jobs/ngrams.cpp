// ngrams: how often each sequence of n words, or n characters, occurs within a line.
//
// A sequence never crosses the end of a line.  Words are joined by one space whatever lay between
// them.  A character is a UTF-8 code point; a byte that is not UTF-8 counts as a character.

#include <fanfold/job.hpp>
#include <stdexcept>
#include <vector>

namespace {

class Ngrams {
 public:
  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<std::int64_t>("n", 2, "Length of a sequence, 1 or more.");
    parameters.optional<std::string>("unit", "word", "What a sequence consists of.")
        .choices({"word", "character"});
    parameters.optional<bool>("ignore_case", false, "Fold ASCII letters to lower case first.");
    parameters.optional<std::int64_t>("min_count", 1,
                                      "Leave out sequences that occur less often than this.");
  }

  void setup(fanfold::Context& context) {
    const std::int64_t n = context.parameter<std::int64_t>("n");
    if (n < 1) {
      throw std::invalid_argument("parameter n must be 1 or more, not " + std::to_string(n));
    }
    n_ = static_cast<std::size_t>(n);
    by_word_ = context.parameter<std::string>("unit") == "word";
    ignore_case_ = context.parameter<bool>("ignore_case");
    min_count_ = context.parameter<std::int64_t>("min_count");
  }

  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    text_.clear();
    starts_.clear();
    if (by_word_) {
      for (std::string_view word : fanfold::words(line)) {
        starts_.push_back(text_.size());
        text_.append(word).push_back(' ');
      }
    } else {
      text_.assign(line);
      for (std::size_t i = 0; i < line.size(); i += character_size(line, i)) starts_.push_back(i);
    }
    if (starts_.size() < n_) return;
    if (ignore_case_) fold();
    starts_.push_back(text_.size());
    // Every sequence is a part of text_; by word, it ends before the space of its last word.
    const std::size_t separator = by_word_ ? 1 : 0;
    const std::string_view text = text_;
    for (std::size_t i = 0; i + n_ < starts_.size(); ++i) {
      out.emit(text.substr(starts_[i], starts_[i + n_] - separator - starts_[i]), 1);
    }
  }

  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }

  void reduce(std::string_view ngram, fanfold::Values<std::uint64_t>& counts,
              fanfold::Writer& out) {
    const std::uint64_t count = fanfold::sum(counts);
    if (min_count_ <= 1 || count >= static_cast<std::uint64_t>(min_count_)) out.write(ngram, count);
  }

 private:
  // Size of the well-formed UTF-8 sequence at `at`, else 1.  Overlong forms are let pass: they are
  // counted, not decoded.
  static std::size_t character_size(std::string_view line, std::size_t at) {
    const auto first = static_cast<unsigned char>(line[at]);
    const std::size_t size = first < 0xC2   ? 1
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 1;
    if (at + size > line.size()) return 1;
    for (std::size_t i = 1; i < size; ++i) {
      if ((static_cast<unsigned char>(line[at + i]) & 0xC0) != 0x80) return 1;
    }
    return size;
  }

  void fold() {
    for (char& letter : text_) {
      if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter + ('a' - 'A'));
    }
  }

  std::size_t n_ = 2;
  bool by_word_ = true;
  bool ignore_case_ = false;
  std::int64_t min_count_ = 1;
  // Buffers of map(), kept so that a line costs no allocation.
  std::string text_;
  std::vector<std::size_t> starts_;
};

}  // namespace

FANFOLD_JOB(Ngrams, "ngrams", "Counts sequences of n words or characters.");
