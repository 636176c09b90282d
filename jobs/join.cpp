// join: combines the lines of two inputs that have the same key.
//
//   fanfold run join left=orders.tsv right=customers.tsv -o out --param kind=left
//
// A line is `key TAB rest`; a line without TAB is a key with an empty rest.  For each pair of a
// left and a right line with one key the output is `key TAB left rest TAB right rest`.  Keys are in
// byte order; within a key, lines are ordered by right rest, then by left rest.
//
// The right lines of a key are streamed; its left lines are held in memory.  So the input that has
// fewer lines per key belongs on the left.

#include <array>
#include <fanfold/job.hpp>
#include <vector>

namespace {

enum : std::uint8_t { kLeft = 0, kRight = 1 };

class Join {
 public:
  using Input = fanfold::KeyValueLines;
  using Tagged = std::pair<std::uint8_t, std::string_view>;

  static constexpr std::array<std::string_view, 2> inputs = {"left", "right"};
  // Rows leave as they are, so nobody could merge parts by their keys: the parts follow each other.
  static constexpr auto partitioning = fanfold::kRangePartitioned;
  // Sorted values bring every left line of a key before its first right line.
  static constexpr bool order_values = true;

  static void declare(fanfold::Parameters& parameters) {
    parameters
        .optional<std::string>(
            "kind", "inner",
            "Whose lines are kept when the other input lacks the key: nobody's, the "
            "left's, the right's, both.")
        .choices({"inner", "left", "right", "full"});
    parameters.optional<std::string>("missing", "",
                                     "Stands for the rest of a line that is not there.");
  }

  void setup(fanfold::Context& context) {
    context_ = &context;
    const std::string kind = context.parameter<std::string>("kind");
    keep_left_ = kind == "left" || kind == "full";
    keep_right_ = kind == "right" || kind == "full";
    missing_ = context.parameter<std::string>("missing");
  }

  void map(fanfold::KeyValue record, fanfold::Emitter<std::string_view, Tagged>& out) {
    const std::uint8_t side = context_->input_tag() == inputs[kLeft] ? kLeft : kRight;
    out.emit(record.key, Tagged{side, record.value});
  }

  void reduce(std::string_view key, fanfold::Values<Tagged>& values, fanfold::Writer& out) {
    left_bytes_.clear();
    left_ends_.clear();
    bool matched = false;
    for (const Tagged& value : values) {
      if (value.first == kLeft) {
        left_bytes_.append(value.second);
        left_ends_.push_back(left_bytes_.size());
        continue;
      }
      matched = true;
      if (!left_ends_.empty()) {
        write_with_each_left(key, value.second, out);
      } else if (keep_right_) {
        write_row(key, missing_, value.second, out);
      }
    }
    if (!matched && keep_left_) write_with_each_left(key, missing_, out);
  }

 private:
  void write_with_each_left(std::string_view key, std::string_view right, fanfold::Writer& out) {
    std::size_t begin = 0;
    for (const std::size_t end : left_ends_) {
      write_row(key, std::string_view(left_bytes_).substr(begin, end - begin), right, out);
      begin = end;
    }
  }

  // The rests are columns as they came in, so they leave as they are.
  void write_row(std::string_view key, std::string_view left, std::string_view right,
                 fanfold::Writer& out) {
    row_.assign(key).append(1, '\t').append(left).append(1, '\t').append(right);
    out.write_line(row_);
  }

  fanfold::Context* context_ = nullptr;
  bool keep_left_ = false;
  bool keep_right_ = false;
  std::string missing_;
  // Left rests of the current key, end to end.
  std::string left_bytes_;
  std::vector<std::size_t> left_ends_;
  std::string row_;
};

}  // namespace

FANFOLD_JOB(Join, "join", "Joins two inputs of key-TAB-value lines on their key.");
