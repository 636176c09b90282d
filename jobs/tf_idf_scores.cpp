// tf_idf_scores: the second stage of the pipeline tf_idf: how much each word says about each
// document that it is in.
//
//   document TAB word TAB score     score = count / words of the document
//                                           * ln(documents / documents with the word)
//
// As in tf_idf_counts, what has to be known first is counted under the empty document.

#include <fanfold/hash.hpp>
#include <fanfold/job.hpp>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace {

class TfIdfScores {
 public:
  using Input = fanfold::KeyValueLines;
  using Place = std::tuple<std::string_view, std::string_view>;  // Word and document.
  using Share = std::pair<std::uint64_t, std::uint64_t>;         // Occurrences of all words.

  static void declare(fanfold::Parameters& parameters) {
    parameters.required<std::int64_t>("documents", "How many documents there are.");
  }

  void setup(fanfold::Context& context) {
    documents_ = static_cast<double>(context.parameter<std::int64_t>("documents"));
  }

  void map(fanfold::KeyValue line, fanfold::Emitter<Place, Share>& out) {
    // From the right: a document may have a TAB in its name.
    const std::size_t second = line.value.rfind('\t');
    const std::size_t first =
        second == std::string_view::npos ? second : line.value.rfind('\t', second - 1);
    if (first == std::string_view::npos) {
      throw std::invalid_argument("a line lacks its fields: is it from tf_idf_counts?");
    }
    const std::string_view document = line.value.substr(0, first);
    out.emit(Place{line.key, document},
             Share{number(line.value.substr(first + 1, second - first - 1)),
                   number(line.value.substr(second + 1))});
    out.emit(Place{line.key, ""}, Share{1, 0});
  }

  static Share combine(const Share& a, const Share& b) {
    return {a.first + b.first, a.second + b.second};
  }

  static std::uint32_t partition(const Place& place, std::uint32_t partitions) {
    return fanfold::partition_of(fanfold::hash(std::get<0>(place)), partitions);
  }

  void reduce(const Place& place, fanfold::Values<Share>& shares, fanfold::Writer& out) {
    const auto& [word, document] = place;
    Share sum;
    for (const Share& share : shares) sum = combine(sum, share);
    if (document.empty()) {
      weight_ = std::log(documents_ / static_cast<double>(sum.first));
      return;
    }
    const double score = static_cast<double>(sum.first) / static_cast<double>(sum.second) * weight_;
    line_.assign(document).append(1, '\t').append(word).append(1, '\t').append(text_of(score));
    out.write_line(line_);
  }

 private:
  static std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
    if (parsed.ec != std::errc() || value == 0) {
      throw std::invalid_argument("'" + std::string(text) + "' is no count");
    }
    return value;
  }

  static std::string text_of(double score) {
    char text[32];
    const auto written = std::to_chars(text, text + sizeof text, score);
    return {text, written.ptr};
  }

  double documents_ = 1;
  double weight_ = 0;
  std::string line_;
};

}  // namespace

FANFOLD_JOB(TfIdfScores, "tf_idf_scores",
            "Scores the words of each document by tf-idf, from what tf_idf_counts wrote.");
