// map must be one public function, not overloaded
#include <fanfold/job.hpp>

struct Wrong {
  void map(std::string_view line, auto& out) { out.emit(line, 1); }
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
