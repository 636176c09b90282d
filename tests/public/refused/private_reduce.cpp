// reduce must be public
#include <fanfold/job.hpp>

class Wrong {
 public:
  void map(std::string_view line, fanfold::Emitter<std::string_view, int>& out) {
    out.emit(line, 1);
  }

 private:
  void reduce(std::string_view key, fanfold::Values<int>& values, fanfold::Writer& out);
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
