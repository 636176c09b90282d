// A plugin with two jobs, as small as one can be.
#include <fanfold/job.hpp>

struct Echo {
  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    out.emit(line, 1);
  }
};
FANFOLD_JOB(Echo, "echo", "Repeats its input.");
FANFOLD_JOB(Echo, "echo.2", "Repeats its input again.");
