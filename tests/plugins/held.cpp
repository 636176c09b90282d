// A word count that can be held while it reduces: a fixture for tests that kill who does it.

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <fanfold/job.hpp>

#include <algorithm>
#include <cstdint>
#include <string>

namespace {

/// While there is a file that the parameter `hold` names, reduce() waits at the key "hold", and
/// says in a file beside it which process that is.
class Held {
 public:
  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<std::string>("hold", "", "File that holds it.");
  }
  void setup(fanfold::Context& context) {
    hold_ = context.parameter<std::string>("hold");
    context_ = &context;
  }
  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    for (const std::string_view word : fanfold::words(line)) out.emit(word, 1);
  }
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
  void reduce(std::string_view word, fanfold::Values<std::uint64_t>& counts, fanfold::Writer& out) {
    if (word == "hold" && !hold_.empty()) wait();
    if (word == "named") out.to("beside").write_line("one line");
    out.write(word, fanfold::sum(counts));
  }

 private:
  void wait() {
    const std::string mark = hold_ + "." + std::to_string(::getpid());
    ::close(::open(mark.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    while (::access(hold_.c_str(), F_OK) == 0) {
      context_->progress();
      ::poll(nullptr, 0, 1);
    }
  }

  fanfold::Context* context_ = nullptr;
  std::string hold_;
};

/// Writes pairs, and lines that are in no order.
struct Mixed {
  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    for (std::size_t at = 0; at < line.size();) {
      const std::size_t end = std::min(line.find(' ', at), line.size());
      out.emit(line.substr(at, end - at), 1);
      at = end + 1;
    }
  }
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
  void reduce(std::string_view word, fanfold::Values<std::uint64_t>& counts, fanfold::Writer& out) {
    out.write_line(std::string(word.rbegin(), word.rend()));
    out.write(word, fanfold::sum(counts));
  }
};

/// Declares how it is gathered.
struct Declared : Held {
  static constexpr auto gather = fanfold::kGatherMergeSort;
  static constexpr std::uint32_t gather_arity = 2;
  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    Held::map(line, out);
  }
};

}  // namespace

FANFOLD_JOB(Held, "held", "Counts words, and waits when it is told to.");
FANFOLD_JOB(Mixed, "mixed", "Counts words, and writes them from back to front.");
FANFOLD_JOB(Declared, "declared", "Counts words into one sorted file.");
