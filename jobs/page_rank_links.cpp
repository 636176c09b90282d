// page_rank_links: the first stage of the pipeline page_rank.  Lines 'FROM TO' become pages with
// their links:
//
//   page TAB rank link link ...
//
// Ranks are whole numbers, billionths of the mean rank, so all pages begin with 1000000000.  Whole
// numbers add up to the same in any order: the same input gives the same bytes, however it is cut.

#include <fanfold/job.hpp>

#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr std::string_view kFirstRank = "1000000000";

struct PageRankLinks {
  void setup(fanfold::Context& context) {
    pages_ = &context.counter("pages");
    dangling_ = &context.counter("dangling");
  }

  void map(std::string_view line, fanfold::Emitter<std::string_view, std::string_view>& out) {
    std::vector<std::string_view> ends;
    for (const std::string_view word : fanfold::words(line)) ends.push_back(word);
    if (ends.empty() || ends[0].starts_with('#')) return;
    if (ends.size() != 2) {
      throw std::invalid_argument("a link is two words, FROM TO; this line has " +
                                  std::to_string(ends.size()));
    }
    out.emit(ends[0], ends[1]);
    // A page that nothing leads out of is one nevertheless.
    out.emit(ends[1], "");
  }

  void reduce(std::string_view page, fanfold::Values<std::string_view>& links,
              fanfold::Writer& out) {
    std::set<std::string> different;
    for (const std::string_view link : links) {
      if (!link.empty()) different.emplace(link);
    }
    pages_->add();
    // In billionths, as all ranks: what every dangling page begins with.
    if (different.empty()) dangling_->add(1'000'000'000);
    line_.assign(page).append(1, '\t').append(kFirstRank);
    for (const std::string& link : different) line_.append(1, ' ').append(link);
    out.write_line(line_);
  }

 private:
  fanfold::Counter* pages_ = nullptr;
  fanfold::Counter* dangling_ = nullptr;
  std::string line_;
};

}  // namespace

FANFOLD_JOB(PageRankLinks, "page_rank_links",
            "Gathers links ('FROM TO' a line) by page, with the rank that each page begins with.");
