// top_k: the k most frequent words or lines, or the k largest numbers, of the whole input.
//
// How it stays exact: an item's count is complete only where all of its occurrences meet, so no
// map task may drop an item for being rare there.  Maps add up (the combiner), all counts go to one
// reducer, and that one keeps a heap of k.  It sees every distinct item once, as a stream: memory
// is k items, and the price of one reducer is one merge over the distinct items.  With -r N the
// other N - 1 parts are empty.  Numbers are simpler: what is not among the k largest of its own
// task is not among the k largest of all, so every map task sends its k largest only.
//
// Ties are decided by the bytes of the item, smaller first.  Output is in order of rank.

#include <algorithm>
#include <charconv>
#include <fanfold/job.hpp>
#include <stdexcept>
#include <vector>

namespace {

/// The k highest-ranked items offered so far, in a heap whose front ranks lowest.
template <typename Rank>
class BestOf {
 public:
  struct Item {
    Rank rank;
    std::string text;
  };

  explicit BestOf(std::size_t k) : k_(k) {}

  void offer(Rank rank, std::string_view text) {
    if (items_.size() < k_) {
      items_.push_back(Item{rank, std::string(text)});
      std::push_heap(items_.begin(), items_.end(), precedes);
      return;
    }
    const Item& lowest = items_.front();
    if (rank < lowest.rank || (rank == lowest.rank && text >= lowest.text)) return;
    std::pop_heap(items_.begin(), items_.end(), precedes);
    items_.back().rank = rank;
    items_.back().text.assign(text);
    std::push_heap(items_.begin(), items_.end(), precedes);
  }

  /// Highest first; leaves nothing behind.
  std::vector<Item> take() {
    std::sort_heap(items_.begin(), items_.end(), precedes);
    return std::exchange(items_, {});
  }

 private:
  static bool precedes(const Item& a, const Item& b) {
    return a.rank != b.rank ? a.rank > b.rank : a.text < b.text;
  }

  std::size_t k_;
  std::vector<Item> items_;
};

class TopK {
 public:
  using Out = fanfold::Emitter<std::string_view, std::uint64_t>;

  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<std::int64_t>("k", 10, "How many to write, 1 or more.");
    parameters
        .optional<std::string>(
            "unit", "words",
            "Most frequent words or lines ('item TAB count'), or largest numbers, one a "
            "line (other lines are counted in 'not_a_number').")
        .choices({"words", "lines", "numbers"});
  }

  void setup(fanfold::Context& context) {
    not_a_number_ = &context.counter("not_a_number");
    const std::int64_t k = context.parameter<std::int64_t>("k");
    if (k < 1) {
      throw std::invalid_argument("parameter k must be 1 or more, not " + std::to_string(k));
    }
    const std::string unit = context.parameter<std::string>("unit");
    words_ = unit == "words";
    numbers_ = unit == "numbers";
    frequent_ = BestOf<std::uint64_t>(static_cast<std::size_t>(k));
    largest_ = BestOf<double>(static_cast<std::size_t>(k));
    k_ = static_cast<std::uint64_t>(k);
  }

  void map(std::string_view line, Out& out) {
    if (words_) {
      for (const std::string_view word : fanfold::words(line)) out.emit(word, 1);
    } else if (!numbers_) {
      out.emit(line, 1);
    } else {
      offer_number(line);
    }
  }

  void finish(Out& out) {
    for (const auto& item : largest_.take()) out.emit(item.text, 1);
  }

  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }

  static std::uint32_t partition(std::string_view /*key*/, std::uint32_t /*partitions*/) {
    return 0;
  }

  void reduce(std::string_view item, fanfold::Values<std::uint64_t>& counts, fanfold::Writer&) {
    std::uint64_t count = fanfold::sum(counts);
    if (!numbers_) {
      frequent_.offer(count, item);
      return;
    }
    for (count = std::min(count, k_); count > 0; --count) offer_number(item);
  }

  void finish(fanfold::Writer& out) {
    for (const auto& item : frequent_.take()) out.write(item.text, item.rank);
    for (const auto& item : largest_.take()) out.write_line(item.text);
  }

 private:
  void offer_number(std::string_view text) {
    const std::string_view blanks = " \t";
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    text = text.substr(0, text.find_last_not_of(blanks) + 1);
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number != number) {
      not_a_number_->add(1);
      return;
    }
    largest_.offer(number, text);
  }

  fanfold::Counter* not_a_number_ = nullptr;
  bool words_ = true;
  bool numbers_ = false;
  std::uint64_t k_ = 0;
  BestOf<std::uint64_t> frequent_{1};
  BestOf<double> largest_{1};
};

}  // namespace

FANFOLD_JOB(TopK, "top_k", "Finds the k most frequent words or lines, or the k largest numbers.");
