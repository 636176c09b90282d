// distinct: every different line once, in byte order; optionally with how often it occurs.

#include <fanfold/job.hpp>

namespace {

struct Distinct {
  // Lines leave as they are, so nobody could merge parts by them: the parts follow each other.
  static constexpr auto partitioning = fanfold::kRangePartitioned;

  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<bool>(
        "count", false,
        "Write 'line TAB count' (TAB and backslash in the line escaped) instead of "
        "the line as it is.");
  }

  void setup(fanfold::Context& context) { count_ = context.parameter<bool>("count"); }

  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    out.emit(line, 1);
  }

  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }

  void reduce(std::string_view line, fanfold::Values<std::uint64_t>& counts, fanfold::Writer& out) {
    if (count_) {
      out.write(line, fanfold::sum(counts));
    } else {
      out.write_line(line);
    }
  }

 private:
  bool count_ = false;
};

}  // namespace

FANFOLD_JOB(Distinct, "distinct", "Writes every different line once, in byte order.");
