// what finish.* writes has no key to be merged by
#include <fanfold/job.hpp>

struct Wrong {
  static constexpr auto gather = fanfold::kGatherMergeSort;
  void map(std::string_view line, fanfold::Emitter<std::string_view, int>& out) {
    out.emit(line, 1);
  }
  void finish(fanfold::Writer& out) { out.write("the end"); }
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
