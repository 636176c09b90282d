// tf_idf_top: the last stage of the pipeline tf_idf: the words that say most about each document,
// best first, equal ones in byte order.
//
//   document TAB word TAB score

#include <fanfold/job.hpp>

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

class TfIdfTop {
 public:
  using Out = fanfold::Emitter<std::string_view, std::string_view>;

  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<std::int64_t>("words", 10, "How many words of each document, 1 or more.");
  }

  void setup(fanfold::Context& context) {
    const auto words = context.parameter<std::int64_t>("words");
    if (words < 1) throw std::invalid_argument("parameter words must be 1 or more");
    words_ = static_cast<std::size_t>(words);
  }

  void map(std::string_view line, Out& out) {
    // From the right: a document may have a TAB in its name.
    const std::size_t second = line.rfind('\t');
    const std::size_t first =
        second == std::string_view::npos ? second : line.rfind('\t', second - 1);
    if (first == std::string_view::npos) {
      throw std::invalid_argument("a line lacks its fields: is it from tf_idf_scores?");
    }
    out.emit(line.substr(0, first), line.substr(first + 1));
  }

  void reduce(std::string_view document, fanfold::Values<std::string_view>& values,
              fanfold::Writer& out) {
    best_.clear();
    for (const std::string_view value : values) offer(value);
    std::sort_heap(best_.begin(), best_.end(), precedes);
    for (const Word& word : best_) {
      line_.assign(document).append(1, '\t').append(word.text);
      out.write_line(line_);
    }
  }

 private:
  struct Word {
    double score = 0;
    std::string text;  // Word, TAB, score as it came.
  };

  static bool precedes(const Word& a, const Word& b) {
    return a.score != b.score ? a.score > b.score : a.text < b.text;
  }

  void offer(std::string_view value) {
    const std::size_t tab = value.find('\t');
    Word word;
    word.text = value;
    const char* const end = value.data() + value.size();
    if (std::from_chars(value.data() + tab + 1, end, word.score).ec != std::errc()) {
      throw std::invalid_argument("'" + word.text + "' has no score");
    }
    if (best_.size() == words_) {
      if (!precedes(word, best_.front())) return;
      std::pop_heap(best_.begin(), best_.end(), precedes);
      best_.pop_back();
    }
    best_.push_back(std::move(word));
    std::push_heap(best_.begin(), best_.end(), precedes);
  }

  std::size_t words_ = 10;
  std::vector<Word> best_;  // A heap whose front is the worst.
  std::string line_;
};

}  // namespace

FANFOLD_JOB(TfIdfTop, "tf_idf_top", "Picks the words of each document with the highest scores.");
