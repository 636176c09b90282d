// spin: map tasks that do nothing, or nothing for a given time.  What remains is what it costs to
// hand out a task and to take it back.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <fanfold/job.hpp>
#include <string>
#include <string_view>

namespace {

using Clock = std::chrono::steady_clock;

/// When this process, which serves one slot, was done with a record last.
Clock::time_point last_end;

class Spin {
 public:
  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<std::int64_t>("us", 0, "Microseconds that each record takes.");
    parameters.optional<std::int64_t>(
        "turns", 0, "1: counts how long the slot waited for each record, as turn_us_UPPER_BOUND.");
  }

  void setup(fanfold::Context& context) {
    time_ = std::chrono::microseconds(context.parameter<std::int64_t>("us"));
    if (context.parameter<std::int64_t>("turns") != 0) context_ = &context;
  }

  void map(std::string_view /*line*/, fanfold::Emitter<std::string_view, std::uint64_t>& /*out*/) {
    if (time_.count() == 0) return;
    const auto start = Clock::now();
    if (context_ != nullptr && last_end != Clock::time_point()) count_turn(start - last_end);
    while (Clock::now() < start + time_) {
    }
    last_end = Clock::now();
  }

 private:
  /// Steps of a tenth: a percentile that is read from them is at most so much too large.
  void count_turn(std::chrono::duration<double, std::micro> turn) {
    const double step = std::ceil(std::log(std::max(turn.count(), 1.0)) / std::log(1.1));
    const auto bound = static_cast<std::uint64_t>(std::ceil(std::pow(1.1, step)));
    context_->counter("turn_us_" + std::to_string(bound)).add(1);
  }

  std::chrono::microseconds time_{0};
  fanfold::Context* context_ = nullptr;
};

}  // namespace

FANFOLD_JOB(Spin, "spin", "Does nothing, for as long as asked.");
