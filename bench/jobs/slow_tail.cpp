// A job whose maps sleep, and a share of whose attempts sleep ten times as long: what a cluster
// looks like where hosts are busy with something else now and then.  Which ones is drawn from the
// record and the number of the attempt, so that it is the same in each run.

#include <poll.h>

#include <cstdint>
#include <string>
#include <string_view>

#include <fanfold/hash.hpp>
#include <fanfold/job.hpp>

namespace {

class SlowTail {
 public:
  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<std::int64_t>("ms", 100, "How long a record takes.");
    parameters.optional<std::int64_t>("slow", 5,
                                      "Per cent of the attempts that take ten times that.");
  }

  void setup(fanfold::Context& context) {
    ms_ = context.parameter<std::int64_t>("ms");
    slow_ = context.parameter<std::int64_t>("slow");
    attempt_ = context.attempt();
  }

  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    const std::string draw = std::string(line) + "/" + std::to_string(attempt_);
    const bool slow = static_cast<std::int64_t>(fanfold::hash(draw) % 100) < slow_;
    ::poll(nullptr, 0, static_cast<int>(slow ? 10 * ms_ : ms_));
    out.emit(line, 1);
  }

  void reduce(std::string_view line, fanfold::Values<std::uint64_t>& counts, fanfold::Writer& out) {
    out.write(line, fanfold::sum(counts));
  }

 private:
  std::int64_t ms_ = 0;
  std::int64_t slow_ = 0;
  std::uint32_t attempt_ = 1;
};

}  // namespace

FANFOLD_JOB(SlowTail, "slow_tail", "Sleeps, and now and then for long.");
