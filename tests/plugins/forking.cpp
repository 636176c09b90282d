// A job whose records are solved by fork_join: each line that is a command goes wrong inside of one
// of its parts, any other line is split into words.

#include <fanfold/fork_join.hpp>
#include <fanfold/job.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

#define FAULT [[gnu::noinline]] void

FAULT throw_in_a_part() { throw std::runtime_error("this part is bad"); }

FAULT crash_in_a_part() {
  volatile int* volatile nowhere = nullptr;
  *nowhere = 1;
}

FAULT hang_in_a_part() {
  for (volatile bool forever = true; forever;) {
  }
}

FAULT leak_in_a_part() {
  std::vector<std::vector<char>> kept;
  for (;;) kept.emplace_back(16u << 20, 'x');
}

struct Stretch {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool single() const { return end - begin == 1; }
};

std::vector<Stretch> halves(const Stretch& whole) {
  const std::uint32_t middle = whole.begin + (whole.end - whole.begin) / 2;
  return {{whole.begin, middle}, {middle, whole.end}};
}

/// Where as many parts meet as may run at once: with fewer threads than that nobody gets on.
class Meeting {
 public:
  explicit Meeting(std::uint32_t wanted) : wanted_(wanted) {}

  void attend() {
    std::unique_lock lock(mutex_);
    most_ = std::max(most_, ++inside_);
    arrived_ = arrived_ || inside_ == wanted_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return arrived_; });
    --inside_;
  }
  std::uint32_t most() const { return most_; }

 private:
  const std::uint32_t wanted_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint32_t inside_ = 0;
  std::uint32_t most_ = 0;
  bool arrived_ = false;
};

class Forking {
 public:
  void setup(fanfold::Context& context) { context_ = &context; }

  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    constexpr std::uint32_t kParts = 1000;
    Meeting meeting(context_->threads());
    const auto solve = [&](const Stretch& stretch) {
      if (line == "meet") meeting.attend();
      if (stretch.begin == kParts / 3) fail_as(line);
      return std::uint64_t{1};
    };
    const std::uint64_t solved = fanfold::fork_join(
        Stretch{0, kParts}, [](const Stretch& stretch) { return !stretch.single(); }, halves, solve,
        [](std::uint64_t a, std::uint64_t b) { return a + b; });
    out.emit("parts", solved);
    out.emit("threads", context_->threads());
    if (line == "meet") out.emit("at once", meeting.most());
  }

  void reduce(std::string_view key, fanfold::Values<std::uint64_t>& values, fanfold::Writer& out) {
    out.write(key, fanfold::sum(values));
  }

 private:
  static void fail_as(std::string_view line) {
    if (line == "throw") throw_in_a_part();
    if (line == "segv") crash_in_a_part();
    if (line == "hang") hang_in_a_part();
    if (line == "leak") leak_in_a_part();
  }

  fanfold::Context* context_ = nullptr;
};

}  // namespace

FANFOLD_JOB(Forking, "forking", "Solves each record in parts, which go wrong as it says.");
