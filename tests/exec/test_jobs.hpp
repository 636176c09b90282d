// Jobs that the tests of this folder run in their own process.

#pragma once

#include <fanfold/detail/registration.hpp>
#include <fanfold/job.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace fanfold::worker {

/// With a combiner: what a map emits is folded in a table.
struct CountWords {
  void map(std::string_view line, Emitter<std::string_view, std::uint64_t>& out) {
    for (const std::string_view word : words(line)) out.emit(word, 1);
  }
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
  void reduce(std::string_view word, Values<std::uint64_t>& counts, Writer& out) {
    out.write(word, sum(counts));
  }
};

/// Without a combiner: every pair is kept, in input order.  Values are long, keys are few.
struct ListLines {
  void map(std::string_view line, Emitter<std::string_view, std::string_view>& out) {
    out.emit(line.substr(0, line.find(' ')), line);
  }
  void reduce(std::string_view key, Values<std::string_view>& lines, Writer& out) {
    for (const std::string_view line : lines) out.write(key, line);
  }
};

/// Without a combiner: many small pairs.
struct ListWords {
  void map(std::string_view line, Emitter<std::string_view, std::uint32_t>& out) {
    for (const std::string_view word : words(line)) out.emit(word, 1);
  }
};

/// A combiner whose values are strings on the heap: the longest line of each first word.
struct LongestLine {
  void map(std::string_view line, Emitter<std::string_view, std::string>& out) {
    out.emit(line.substr(0, line.find(' ')), line);
  }
  static std::string combine(std::string a, std::string b) {
    return a.size() != b.size() ? (a.size() > b.size() ? a : b) : (a > b ? a : b);
  }
  void reduce(std::string_view key, Values<std::string>& lines, Writer& out) {
    std::string longest;
    for (const std::string& line : lines) longest = combine(longest, line);
    out.write(key, longest);
  }
};

/// A combiner whose values are views: the last line, in order of bytes, of each first word.
struct LastLine {
  void map(std::string_view line, Emitter<std::string_view, std::string_view>& out) {
    out.emit(line.substr(0, line.find(' ')), line);
  }
  static std::string_view combine(std::string_view a, std::string_view b) { return a < b ? b : a; }
};

/// Sorts whole lines: keys in ranges of the sampled splitters.
struct SortLines {
  static constexpr auto partitioning = kRangePartitioned;
  void map(std::string_view line, Emitter<std::string_view, Nothing>& out) { out.emit(line); }
};

/// Does to the engine what its records say.
class Demanding {
 public:
  static void declare(Parameters& parameters) {
    parameters.optional<std::string>("when", "", "Throw in 'setup', 'finish' or 'reduce'.");
  }
  void setup(Context& context) {
    context_ = &context;
    when_ = context.parameter<std::string>("when");
    if (when_ == "setup") throw std::runtime_error("setup went wrong");
  }
  void map(std::string_view line, Emitter<std::string_view, std::uint64_t>& out) {
    if (line == "throw") throw std::runtime_error("a bad record");
    if (line == "throw an int") throw 42;
    if (line == "throw a host failure") throw abi::HostFailure();
    if (line == "exhaust memory") throw std::bad_alloc();
    if (line == "count") context_->counter("lines that count").add(2);
    if (line == "count down") context_->counter("lines that count").add(-1);
    if (line == "count much") {
      for (int i = 0; i < 2000; ++i) context_->counter("counter " + std::to_string(i)).add();
    }
    if (line.substr(0, 5) == "read ") out.emit(context_->side_file(line.substr(5)), 1);
    if (line.substr(0, 6) == "write ") out.to(line.substr(6)).write_line("written by a map");
    if (line == "write much") {
      for (int i = 0; i < 200; ++i) out.to("output" + std::to_string(i)).write_line("x");
    }
    out.emit(line, 1);
  }
  void reduce(std::string_view key, Values<std::uint64_t>& counts, Writer& out) {
    if (when_ == "reduce") throw std::runtime_error("reduce went wrong");
    if (key.substr(0, 6) == "write ") out.to(key.substr(6)).write(key, std::uint64_t{1});
    context_->counter("keys").add();
    out.write(key, sum(counts));
  }
  void finish(Emitter<std::string_view, std::uint64_t>&) {
    if (when_ == "finish") throw std::runtime_error("finish went wrong");
  }

 private:
  Context* context_ = nullptr;
  std::string when_;
};

/// Lets no exception pass, not even the engine's.
struct Swallowing {
  template <class Work>
  static void quietly(const Work& work) {
    try {
      work();
    } catch (...) {
    }
  }
  void map(std::string_view line, Emitter<std::string_view, std::string_view>& out) {
    quietly([&] { out.emit(line, line); });
    quietly([&] { out.to("copies").write_line(line); });
  }
  void reduce(std::string_view key, Values<std::string_view>& lines, Writer& out) {
    quietly([&] {
      for (const std::string_view line : lines) out.write(key, line);
    });
    quietly([&] { out.to("keys").write_line(key); });
  }
};

/// The table that a plugin would give of the job.
template <class Job>
const abi::JobInfo& job_info() {
  static const abi::JobInfo info = detail::describe_job<Job>("job", "A job under test.");
  return info;
}

}  // namespace fanfold::worker
