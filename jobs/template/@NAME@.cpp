// @NAME@: how often words of each length occur.  Replace map() and reduce() by your own.

#include <fanfold/job.hpp>

struct Job {
  // What a user may set with --param; checked before the job starts.
  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<std::uint64_t>("min_length", 1, "Shorter words are not counted.");
  }

  // Runs once at the start of each task.
  void setup(fanfold::Context& context) {
    min_length_ = context.parameter<std::uint64_t>("min_length");
  }

  // Runs for every line of the input and emits pairs of a key and a value.
  void map(std::string_view line, fanfold::Emitter<std::uint64_t, std::uint64_t>& out) {
    for (const std::string_view word : fanfold::words(line)) {
      if (word.size() >= min_length_) out.emit(word.size(), 1);
    }
  }

  // Optional: adds up values of one key early, so that less has to be sorted and sent.
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }

  // Runs once for each key, in the order of keys, with all its values.
  void reduce(std::uint64_t length, fanfold::Values<std::uint64_t>& counts, fanfold::Writer& out) {
    out.write(length, fanfold::sum(counts));
  }

 private:
  std::uint64_t min_length_ = 1;
};

FANFOLD_JOB(Job, "@NAME@", "Counts words by their length.");
