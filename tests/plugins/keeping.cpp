// Jobs whose failures are not, or not only, of the record at hand.

#include <stdexcept>

#include <fanfold/job.hpp>

namespace {

[[gnu::noinline]] void write_to_null_pointer() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

[[gnu::noinline]] void throw_on_purpose() { throw std::runtime_error("this record is bad"); }

/// Keeps things until its end: lines that were counted, and one too many for each that is bad.
class Keeper {
 public:
  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>&) {
    ++lines_;
    if (line == "throw") throw_on_purpose();
    if (line == "segv") write_to_null_pointer();
    fail_at_end_ = fail_at_end_ || line == "segv at the end";
  }
  void finish(fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    if (fail_at_end_) write_to_null_pointer();
    out.emit("lines", lines_);
  }
  void reduce(std::string_view key, fanfold::Values<std::uint64_t>& counts, fanfold::Writer& out) {
    out.write(key, fanfold::sum(counts));
  }

 private:
  std::uint64_t lines_ = 0;
  bool fail_at_end_ = false;
};

/// Cannot add up what it has mapped.
class Combiner {
 public:
  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    segv_ = segv_ || line == "segv";
    out.emit(line, 1);
  }
  std::uint64_t combine(std::uint64_t, std::uint64_t) {
    if (segv_) write_to_null_pointer();
    throw_on_purpose();
    return 0;
  }

 private:
  bool segv_ = false;
};

}  // namespace

FANFOLD_JOB(Keeper, "keeper", "Counts lines in a member.");
FANFOLD_JOB(Combiner, "combiner", "Fails at two lines that are the same.");
