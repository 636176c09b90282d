// cannot be printed
#include <fanfold/job.hpp>

struct Page {
  int number = 0;
};
struct Wrong {
  void map(std::string_view line, fanfold::Emitter<std::string_view, int>& out) {
    out.emit(line, 1);
  }
  void reduce(std::string_view key, fanfold::Values<int>&, fanfold::Writer& out) {
    out.write(key, Page());
  }
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
