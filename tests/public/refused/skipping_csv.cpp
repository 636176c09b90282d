// only_lines_with is for jobs that read Lines
#include <fanfold/job.hpp>

struct Wrong {
  using Input = fanfold::Csv;
  std::string_view only_lines_with() const { return "x"; }
  void map(const fanfold::CsvRow& row, fanfold::Emitter<std::string_view, int>& out) {
    out.emit(row[0], 1);
  }
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
