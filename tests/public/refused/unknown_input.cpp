// names no record format
#include <fanfold/job.hpp>

struct Wrong {
  using Input = std::string_view;
  void map(std::string_view line, fanfold::Emitter<std::string_view, int>& out) {
    out.emit(line, 1);
  }
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
