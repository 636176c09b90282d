// map does not take the records of the job
#include <fanfold/job.hpp>

struct Wrong {
  using Input = fanfold::Csv;
  void map(std::string_view line, fanfold::Emitter<std::string_view, int>& out) {
    out.emit(line, 1);
  }
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
