// values with views inside cannot be kept
#include <fanfold/job.hpp>

struct Wrong {
  using Value = std::pair<std::string_view, int>;
  void map(std::string_view line, fanfold::Emitter<std::string_view, Value>& out) {
    out.emit(line, {line, 1});
  }
  void reduce(std::string_view key, fanfold::Values<Value>& values, fanfold::Writer& out) {
    out.write(key, fanfold::collect(values).size());
  }
};
FANFOLD_JOB(Wrong, "wrong", "Does not compile.");
