// The longest line of the whole input.  Each map task keeps its own longest and emits it at its
// end; all meet in one reduce task, which writes one line at its end.

#include <fanfold/job.hpp>

struct LongestLine {
  using Out = fanfold::Emitter<std::uint64_t, std::string_view>;

  void map(std::string_view line, Out&) { offer(line); }

  // The end of a map task.
  void finish(Out& out) {
    if (found_) out.emit(longest_.size(), longest_);
  }

  // Every key goes to the same reduce task.
  static std::uint32_t partition(std::uint64_t, std::uint32_t) { return 0; }

  void reduce(std::uint64_t, fanfold::Values<std::string_view>& lines, fanfold::Writer&) {
    // Of equally long lines the first one of the input wins: values come in input order.
    offer(fanfold::first(lines));
  }

  // The end of a reduce task.
  void finish(fanfold::Writer& out) {
    if (found_) out.write_line(longest_);
  }

 private:
  void offer(std::string_view line) {
    if (found_ && line.size() <= longest_.size()) return;
    longest_.assign(line);
    found_ = true;
  }

  std::string longest_;
  bool found_ = false;
};
FANFOLD_JOB(LongestLine, "longest_line", "Finds the longest line of all files.");
