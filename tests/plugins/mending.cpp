// Jobs that cannot map some records, and, built with MENDED, the same jobs that can.

#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fanfold/job.hpp>

namespace {

constexpr bool kMended = MENDED;

/// "bad" is mended, "worse" never; "wait PATH" waits until somebody has made that file.
void check(std::string_view record) {
  if (record.starts_with("worse")) throw std::runtime_error("never to be mended");
  if constexpr (kMended) {
    if (!record.starts_with("bad and wait ")) return;
    const std::string path(record.substr(13));
    ::close(::mkstemp((path + ".XXXXXX").data()));
    while (::access(path.c_str(), F_OK) != 0) ::poll(nullptr, 0, 1);
  } else {
    if (record.starts_with("bad")) throw std::runtime_error("not mended yet");
    if (record.starts_with("crash")) *static_cast<volatile int*>(nullptr) = 1;
  }
}

/// Sums, with counters and named outputs on both sides.
class Counted {
 public:
  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<std::string>("mark", "", "What keys begin with.");
  }
  void setup(fanfold::Context& context) {
    mark_ = context.parameter<std::string>("mark");
    mapped_ = &context.counter("mapped");
    reduced_ = &context.counter("reduced");
  }
  void map(std::string_view line, fanfold::Emitter<std::string, std::uint64_t>& out) {
    check(line);
    mapped_->add();
    out.to("seen").write_line(line);
    const std::string_view word = line.substr(line.find(' ') + 1);
    out.emit(mark_ + std::string(word), 1);
  }
  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }
  void reduce(std::string_view key, fanfold::Values<std::uint64_t>& counts, fanfold::Writer& out) {
    reduced_->add();
    out.write(key, fanfold::sum(counts));
  }

 private:
  std::string mark_;
  fanfold::Counter* mapped_ = nullptr;
  fanfold::Counter* reduced_ = nullptr;
};

/// Not to be folded: the middle of what a key has.
struct Middle {
  static constexpr bool order_values = true;

  void map(std::string_view line, fanfold::Emitter<std::string, std::uint64_t>& out) {
    check(line);
    const std::size_t blank = line.rfind(' ');
    out.emit("all", std::stoull(std::string(line.substr(blank + 1))));
  }
  void reduce(std::string_view key, fanfold::Values<std::uint64_t>& values, fanfold::Writer& out) {
    std::vector<std::uint64_t> all;
    for (const std::uint64_t value : values) all.push_back(value);
    out.write(key, all[all.size() / 2]);
  }
};

/// Parts of ranges of keys, and no reduce.
struct Ranged {
  static constexpr auto partitioning = fanfold::kRangePartitioned;
  void map(std::string_view line, fanfold::Emitter<std::string_view, std::uint64_t>& out) {
    check(line);
    out.emit(line.substr(line.find(' ') + 1), 1);
  }
};

/// Records that know their file's header.
struct Rows {
  using Input = fanfold::Csv;
  static constexpr bool csv_header = true;
  void map(const fanfold::CsvRow& row, fanfold::Emitter<std::string, std::string>& out) {
    check(row.field("what"));
    out.emit(std::string(row.field("name")), std::string(row.field("what")));
  }
};

/// Each file is a record, and an empty one is bad.
struct Files {
  using Input = fanfold::WholeFile;
  void map(std::string_view text, fanfold::Emitter<std::string, std::uint64_t>& out) {
    if (text.empty() && !kMended) throw std::runtime_error("an empty file");
    check(text);
    out.emit(text.empty() ? "empty" : "full", text.size());
  }
};

/// Keys of another type when it is mended.
struct Typed {
  using Key = std::conditional_t<kMended, std::uint64_t, std::string>;
  void map(std::string_view line, fanfold::Emitter<Key, std::uint64_t>& out) {
    check(line);
    out.emit(Key(), 1);
  }
};

}  // namespace

FANFOLD_JOB(Counted, "counted", "Counts lines by what follows their first word.");
FANFOLD_JOB(Middle, "middle", "The middle of numbers.");
FANFOLD_JOB(Ranged, "ranged", "Sorts lines by what follows their first word.");
FANFOLD_JOB(Rows, "rows", "Rows by name.");
FANFOLD_JOB(Files, "files", "Sizes of files.");
FANFOLD_JOB(Typed, "typed", "Has keys of two types.");
