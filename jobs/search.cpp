// search: the documents of an index that answer a query best, best first, equal ones in byte order.
//
//   document TAB score
//
// An index is what tf_idf_scores and tf_idf_top write: document TAB word TAB score, in any order. A
// document scores the sum of its scores for the words of the query; with all=true only documents
// with every word of it count.
//
// One index in many shards is searched as one by `fanfold run search SHARD...`.  Shards that answer
// each for itself, some of them late or not at all, are what `fanfold scatter --to search` is for
// (docs/patterns/scatter_gather.md).

#include <fanfold/job.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

class Search {
 public:
  using Hit = std::pair<std::string_view, double>;  // Word and score.
  using Out = fanfold::Emitter<std::string_view, Hit>;

  static void declare(fanfold::Parameters& parameters) {
    parameters.required<std::string>("query", "Words, with white space between them.");
    parameters.optional<std::int64_t>("top", 10, "How many documents to write, 1 or more.");
    parameters.optional<bool>("all", false, "Only documents that have every word.");
  }

  void setup(fanfold::Context& context) {
    query_ = context.parameter<std::string>("query");
    for (const std::string_view word : fanfold::words(query_)) words_.insert(word);
    if (words_.empty()) throw std::invalid_argument("parameter query has no word");
    const auto top = context.parameter<std::int64_t>("top");
    if (top < 1) throw std::invalid_argument("parameter top must be 1 or more");
    top_ = static_cast<std::size_t>(top);
    all_ = context.parameter<bool>("all");
  }

  void map(std::string_view line, Out& out) {
    // From the right: a document may have a TAB in its name.
    const std::size_t second = line.rfind('\t');
    const std::size_t first = second == std::string_view::npos || second == 0
                                  ? std::string_view::npos
                                  : line.rfind('\t', second - 1);
    if (first == std::string_view::npos) {
      throw std::invalid_argument("a line lacks its fields: is this an index?");
    }
    const std::string_view word = line.substr(first + 1, second - first - 1);
    // Of each line: what is no index has no answer, whatever is asked.
    const double score = number(line.substr(second + 1));
    if (words_.contains(word)) out.emit(line.substr(0, first), Hit{word, score});
  }

  // The k best of all have to meet.
  static std::uint32_t partition(std::string_view /*document*/, std::uint32_t /*partitions*/) {
    return 0;
  }

  void reduce(std::string_view document, fanfold::Values<Hit>& hits, fanfold::Writer&) {
    double score = 0;
    std::set<std::string> found;
    for (const auto& [word, part] : hits) {
      score += part;
      if (all_) found.emplace(word);
    }
    if (!std::isfinite(score)) {
      throw std::overflow_error("the scores of '" + std::string(document) +
                                "' are too large to add");
    }
    if (!all_ || found.size() == words_.size()) offer(score, document);
  }

  void finish(fanfold::Writer& out) {
    std::sort_heap(best_.begin(), best_.end(), precedes);
    for (const Document& document : best_) out.write(document.name, document.score);
  }

 private:
  struct Document {
    double score = 0;
    std::string name;
  };

  static bool precedes(const Document& a, const Document& b) {
    return a.score != b.score ? a.score > b.score : a.name < b.name;
  }

  static double number(std::string_view text) {
    double value = 0;
    const char* const end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(value)) {
      throw std::invalid_argument("'" + std::string(text) + "' is no score: is this an index?");
    }
    return value;
  }

  void offer(double score, std::string_view document) {
    Document offered{score, std::string(document)};
    if (best_.size() == top_) {
      if (!precedes(offered, best_.front())) return;
      std::pop_heap(best_.begin(), best_.end(), precedes);
      best_.pop_back();
    }
    best_.push_back(std::move(offered));
    std::push_heap(best_.begin(), best_.end(), precedes);
  }

  std::string query_;
  std::set<std::string_view> words_;  // Of query_.
  std::size_t top_ = 10;
  bool all_ = false;
  std::vector<Document> best_;  // A heap whose front is the worst.
};

}  // namespace

FANFOLD_JOB(Search, "search", "Finds the documents of an index that answer a query best.");
