// include <fanfold/cereal.hpp>
#include <fanfold/job.hpp>

struct Visit {
  int time = 0;
};
struct Wrong {
  void map(std::string_view line, fanfold::Emitter<std::string_view, Visit>& out) {
    out.emit(line, Visit());
  }
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
