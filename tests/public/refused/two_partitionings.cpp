// only one of them can decide
#include <fanfold/job.hpp>

struct Wrong {
  static constexpr auto partitioning = fanfold::kRangePartitioned;
  void map(std::string_view line, fanfold::Emitter<std::string_view, int>& out) {
    out.emit(line, 1);
  }
  static std::uint32_t partition(std::string_view, std::uint32_t) { return 0; }
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
