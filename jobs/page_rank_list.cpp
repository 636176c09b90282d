// page_rank_list: the last stage of the pipeline page_rank: pages in order of rank, highest first,
// equal ones by name.  Ranks add up to 1.

#include <fanfold/job.hpp>

#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <tuple>

namespace {

class PageRankList {
 public:
  using Input = fanfold::KeyValueLines;
  /// Sorted by falling rank.
  using Place = std::tuple<std::uint64_t, std::string_view>;
  // Parts follow each other in order of rank.
  static constexpr auto partitioning = fanfold::kRangePartitioned;

  static void declare(fanfold::Parameters& parameters) {
    parameters.required<std::int64_t>("pages", "How many pages there are.");
  }

  void setup(fanfold::Context& context) {
    pages_ = context.parameter<std::int64_t>("pages");
    if (pages_ < 1) throw std::invalid_argument("parameter pages must be 1 or more");
  }

  void map(fanfold::KeyValue page, fanfold::Emitter<Place, fanfold::Nothing>& out) {
    std::uint64_t rank = 0;
    const char* const end = page.value.data() + page.value.size();
    if (std::from_chars(page.value.data(), end, rank).ec != std::errc()) {
      throw std::invalid_argument("a line without a rank: is it from page_rank_step?");
    }
    out.emit(Place{~rank, page.key});
  }

  void reduce(const Place& place, fanfold::Values<fanfold::Nothing>&, fanfold::Writer& out) {
    constexpr double kMean = 1e9;
    const auto rank = static_cast<double>(~std::get<0>(place));
    out.write(std::get<1>(place), rank / kMean / static_cast<double>(pages_));
  }

 private:
  std::int64_t pages_ = 1;
};

}  // namespace

FANFOLD_JOB(PageRankList, "page_rank_list", "Lists pages by their rank, highest first.");
