// the name of a job is up to 64
#include <fanfold/job.hpp>

struct Wrong {
  void map(std::string_view line, fanfold::Emitter<std::string_view, int>& out) {
    out.emit(line, 1);
  }
};
FANFOLD_JOB(Wrong, "with space", "Does not compile.");
