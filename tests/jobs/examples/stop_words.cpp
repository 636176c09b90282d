// Word count without the words of a side file: `--file stop_words=PATH`.

#include <fanfold/job.hpp>
#include <set>

struct StopWords {
  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<std::uint64_t>("min_count", 1, "Leave out words that are rarer than this.");
    parameters.optional<std::string>("case", "keep", "What to do with capitals.")
        .choices({"keep", "refuse"});
  }

  void setup(fanfold::Context& context) {
    min_count_ = context.parameter<std::uint64_t>("min_count");
    refuse_capitals_ = context.parameter<std::string>("case") == "refuse";
    // The file is mapped read-only as long as the task lives, so views into it stay good.
    for (std::string_view word : fanfold::words(context.side_file("stop_words"))) {
      stop_words_.insert(word);
    }
    skipped_ = &context.counter("skipped_words");
  }

  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    for (std::string_view word : fanfold::words(line)) {
      if (stop_words_.contains(word) || (refuse_capitals_ && word[0] >= 'A' && word[0] <= 'Z')) {
        skipped_->add(1);
      } else {
        out.emit(word, 1);
      }
    }
  }

  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }

  void reduce(std::string_view word, fanfold::Values<std::uint64_t>& counts, fanfold::Writer& out) {
    const std::uint64_t count = fanfold::sum(counts);
    if (count >= min_count_) out.write(word, count);
  }

 private:
  std::uint64_t min_count_ = 1;
  bool refuse_capitals_ = false;
  std::set<std::string_view> stop_words_;
  fanfold::Counter* skipped_ = nullptr;
};
FANFOLD_JOB(StopWords, "stop_words", "Counts words, except those of a side file.");
