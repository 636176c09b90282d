// tf_idf_counts: the first stage of the pipeline tf_idf: how often each word occurs in each
// document, and how many words the document has.
//
//   word TAB document TAB count TAB words of the document
//
// The total of a document has to be known when its words are written.  So it is counted under the
// empty word, which comes before all others of the document, and in the same part.

#include <fanfold/hash.hpp>
#include <fanfold/job.hpp>

#include <cstdint>
#include <string>
#include <tuple>

namespace {

class TfIdfCounts {
 public:
  using Place = std::tuple<std::string_view, std::string_view>;  // Document and word.

  static void declare(fanfold::Parameters& parameters) {
    parameters
        .optional<std::string>("document", "file",
                               "What a document is: a file, or a line (its name, a TAB, its text).")
        .choices({"file", "line"});
  }

  void setup(fanfold::Context& context) {
    context_ = &context;
    documents_ = &context.counter("documents");
    a_line_ = context.parameter<std::string>("document") == "line";
  }

  void map(std::string_view line, fanfold::Emitter<Place, std::uint64_t>& out) {
    std::string_view document = context_->file();
    if (a_line_) {
      const std::size_t tab = line.find('\t');
      document = line.substr(0, tab);
      line.remove_prefix(tab == std::string_view::npos ? line.size() : tab + 1);
    }
    for (const std::string_view word : fanfold::words(line)) {
      out.emit(Place{document, word}, 1);
      out.emit(Place{document, ""}, 1);
    }
  }

  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }

  static std::uint32_t partition(const Place& place, std::uint32_t partitions) {
    return fanfold::partition_of(fanfold::hash(std::get<0>(place)), partitions);
  }

  void reduce(const Place& place, fanfold::Values<std::uint64_t>& counts, fanfold::Writer& out) {
    const auto& [document, word] = place;
    const std::uint64_t count = fanfold::sum(counts);
    if (word.empty()) {
      documents_->add();
      words_ = count;
      return;
    }
    line_.assign(word).append(1, '\t').append(document).append(1, '\t');
    line_.append(std::to_string(count)).append(1, '\t').append(std::to_string(words_));
    out.write_line(line_);
  }

 private:
  fanfold::Context* context_ = nullptr;
  fanfold::Counter* documents_ = nullptr;
  bool a_line_ = false;
  std::uint64_t words_ = 0;
  std::string line_;
};

}  // namespace

FANFOLD_JOB(TfIdfCounts, "tf_idf_counts",
            "Counts the words of each document: how often each, and how many in all.");
