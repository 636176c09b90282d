// spin: map tasks that do nothing, or nothing for a given time.  What remains is what it costs to
// hand out a task and to take it back.

#include <chrono>
#include <cstdint>
#include <fanfold/job.hpp>
#include <string_view>

namespace {

class Spin {
 public:
  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<std::int64_t>("us", 0, "Microseconds that each record takes.");
  }

  void setup(fanfold::Context& context) {
    time_ = std::chrono::microseconds(context.parameter<std::int64_t>("us"));
  }

  void map(std::string_view /*line*/, fanfold::Emitter<std::string_view, std::uint64_t>& /*out*/) {
    if (time_.count() == 0) return;
    const auto end = std::chrono::steady_clock::now() + time_;
    while (std::chrono::steady_clock::now() < end) {
    }
  }

 private:
  std::chrono::microseconds time_{0};
};

}  // namespace

FANFOLD_JOB(Spin, "spin", "Does nothing, for as long as asked.");
