// to gather by reducing a job needs a function that folds two values
#include <fanfold/job.hpp>

struct Wrong {
  static constexpr auto gather = fanfold::kGatherReduce;
  void map(std::string_view line, fanfold::Emitter<std::string_view, int>& out) {
    out.emit(line, 1);
  }
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
