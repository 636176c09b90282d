// A plugin that finds a library of its own beside itself ($ORIGIN).

#include <fanfold/job.hpp>

std::uint64_t one_from_beside();

namespace {

class Leaning {
 public:
  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    out.emit(line, one_from_beside());
  }
  void reduce(std::string_view key, fanfold::Values<std::uint64_t>& counts, fanfold::Writer& out) {
    out.write(key, fanfold::sum(counts));
  }
};

}  // namespace

FANFOLD_JOB(Leaning, "leaning", "Counts lines with the help of a library beside it.");
