// a job is made without arguments
#include <fanfold/job.hpp>

struct Wrong {
  explicit Wrong(int) {}
  void map(std::string_view line, fanfold::Emitter<std::string_view, int>& out) {
    out.emit(line, 1);
  }
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
