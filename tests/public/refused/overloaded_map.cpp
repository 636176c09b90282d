// map must be one public function, not overloaded
#include <fanfold/job.hpp>

struct Wrong {
  void map(std::string_view line, fanfold::Emitter<std::string_view, int>& out);
  void map(std::string line, fanfold::Emitter<std::string, int>& out);
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
