// page_rank_step: one round of the pipeline page_rank, on what page_rank_links or another round has
// written.
//
//   new rank = (1 - damping) + damping * (what comes in by links + this page's share of what
//              dangling pages had)
//
// in units of the mean rank.  All of it is whole numbers: billionths of the mean rank.

#include <fanfold/job.hpp>

#include <charconv>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

constexpr std::int64_t kOne = 1'000'000'000;  // The mean rank.
constexpr std::int64_t kMillion = 1'000'000;

/// What comes to a page: a share of another one's rank, or the line of the page itself.
using Part = std::pair<std::int64_t, std::string_view>;

/// "1000000000 a b": the rank, and the links behind it with the blank before them.
std::pair<std::int64_t, std::string_view> parse_page(std::string_view value) {
  std::int64_t rank = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), rank);
  if (parsed.ec != std::errc() || rank < 0) {
    throw std::invalid_argument("'" + std::string(value.substr(0, 40)) +
                                "' does not begin with a rank: is it from page_rank_links?");
  }
  value.remove_prefix(static_cast<std::size_t>(parsed.ptr - value.data()));
  return {rank, value};
}

class PageRankStep {
 public:
  using Input = fanfold::KeyValueLines;

  static void declare(fanfold::Parameters& parameters) {
    parameters.required<std::int64_t>("pages", "How many pages there are.");
    parameters.required<std::int64_t>("dangling",
                                      "Sum of the ranks of pages without links, in billionths.");
    parameters.optional<double>("damping", 0.85, "The share of a rank that its links get.");
    parameters.optional<double>("tolerance", 1e-6,
                                "A page counts as moved when its rank changes by more than this, "
                                "where the mean rank is 1.");
  }

  void setup(fanfold::Context& context) {
    const auto pages = context.parameter<std::int64_t>("pages");
    const auto damping = context.parameter<double>("damping");
    const auto tolerance = context.parameter<double>("tolerance");
    if (pages < 1) throw std::invalid_argument("parameter pages must be 1 or more");
    if (!(damping > 0 && damping < 1)) {
      throw std::invalid_argument("parameter damping must lie between 0 and 1");
    }
    if (!(tolerance >= 0 && tolerance <= 1000)) {
      throw std::invalid_argument("parameter tolerance must lie between 0 and 1000");
    }
    from_dangling_ = context.parameter<std::int64_t>("dangling") / pages;
    damping_ = std::llround(damping * kMillion);
    tolerance_ = std::llround(tolerance * kOne);
    moved_ = &context.counter("moved");
    dangling_ = &context.counter("dangling");
  }

  void map(fanfold::KeyValue page, fanfold::Emitter<std::string_view, Part>& out) {
    const auto [rank, links] = parse_page(page.value);
    out.emit(page.key, Part{rank, page.value});
    std::int64_t count = 0;
    for ([[maybe_unused]] const std::string_view link : fanfold::words(links)) ++count;
    if (count == 0) return;
    for (const std::string_view link : fanfold::words(links)) {
      out.emit(link, Part{rank / count, {}});
    }
  }

  void reduce(std::string_view page, fanfold::Values<Part>& parts, fanfold::Writer& out) {
    std::int64_t in = from_dangling_;
    std::int64_t before = -1;
    for (const Part& part : parts) {
      if (part.second.empty()) {
        in += part.first;
        continue;
      }
      before = part.first;
      links_.assign(parse_page(part.second).second);
    }
    if (before < 0) {
      throw std::runtime_error("page '" + std::string(page) +
                               "' is linked to but has no line: is the input complete?");
    }
    // The product has up to 84 bits.
    const auto damped = static_cast<std::int64_t>(static_cast<Wide>(in) * damping_ / kMillion);
    const std::int64_t rank = (kMillion - damping_) * (kOne / kMillion) + damped;
    if (std::abs(rank - before) > tolerance_) moved_->add();
    if (links_.empty()) dangling_->add(rank);
    line_.assign(page).append(1, '\t').append(std::to_string(rank)).append(links_);
    out.write_line(line_);
  }

 private:
  __extension__ using Wide = __int128;

  std::int64_t from_dangling_ = 0;
  std::int64_t damping_ = 0;  // Millionths.
  std::int64_t tolerance_ = 0;
  fanfold::Counter* moved_ = nullptr;
  fanfold::Counter* dangling_ = nullptr;
  std::string links_;
  std::string line_;
};

}  // namespace

FANFOLD_JOB(PageRankStep, "page_rank_step",
            "One round of PageRank over what page_rank_links or another round wrote.");
