// finish must be public and look like
#include <fanfold/job.hpp>

struct Wrong {
  void map(std::string_view line, fanfold::Emitter<std::string_view, int>& out) {
    out.emit(line, 1);
  }
  void finish(fanfold::Emitter<std::string_view, double>&) {}
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
