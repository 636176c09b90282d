// csv_header is for jobs with
#include <fanfold/job.hpp>

struct Wrong {
  static constexpr bool csv_header = true;
  void map(std::string_view line, fanfold::Emitter<std::string_view, int>& out) {
    out.emit(line, 1);
  }
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
