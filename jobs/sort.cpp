// sort: all lines in one total order; part 0 holds the smallest.
//
// Order is by whole line unless `field` chooses a field; bytes are compared, not letters of a
// language.  Lines with equal keys keep their input order (as `sort --stable`), also with
// `reverse`. `numeric` compares decimal numbers exactly, however long: "-1.50" < "0" = "abc" <
// "12"; like `sort -n`, it reads leading blanks, a minus sign, digits and a fraction, and stops at
// the rest.

#include <fanfold/job.hpp>
#include <stdexcept>

namespace {

constexpr std::string_view kDigits = "0123456789";

// Bytes that compare like the number at the start of `text`: sign, number of integer digits,
// integer digits, fraction digits; complemented below zero.  Text without number is zero.
void append_number_key(std::string_view text, std::string* key) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  const bool minus = text.starts_with('-');
  text.remove_prefix(minus ? 1 : 0);
  std::string_view integer = text.substr(0, text.find_first_not_of(kDigits));
  text.remove_prefix(integer.size());
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = text.substr(0, text.find_first_not_of(kDigits));
  }
  integer.remove_prefix(std::min(integer.find_first_not_of('0'), integer.size()));
  fraction = fraction.substr(0, fraction.find_last_not_of('0') + 1);
  if (integer.empty() && fraction.empty()) {
    key->push_back('\x01');
    return;
  }
  key->push_back(minus ? '\x00' : '\x02');
  const std::size_t begin = key->size();
  for (int shift = 24; shift >= 0; shift -= 8) {
    key->push_back(static_cast<char>(integer.size() >> shift));
  }
  key->append(integer).append(fraction);
  if (!minus) return;
  for (std::size_t i = begin; i < key->size(); ++i) (*key)[i] = static_cast<char>(~(*key)[i]);
  // A longer fraction is the smaller number here: nothing else of the key exceeds this end.
  key->push_back('\xFF');
}

// Turns the order of keys around: 0x00 escaped, an end mark added, all complemented.  The end mark
// makes a longer key come before its own beginning.
void invert(std::string* key, std::string* scratch) {
  scratch->clear();
  for (const char byte : *key) {
    scratch->push_back(static_cast<char>(~byte));
    if (byte == '\0') scratch->push_back('\x00');
  }
  scratch->append("\xFF\xFF", 2);
  key->swap(*scratch);
}

class Sort {
 public:
  static constexpr auto partitioning = fanfold::kRangePartitioned;

  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<std::int64_t>(
        "field", 0, "Number of the field to sort by, from 1; 0 is the whole line.");
    parameters.optional<std::string>(
        "separator", "\t",
        "What lies between two fields; empty: any number of blanks, as awk does.");
    parameters.optional<bool>("numeric", false, "Compare numbers instead of bytes.");
    parameters.optional<bool>("reverse", false, "Largest first.");
    parameters.optional<bool>("unique", false, "Of lines with equal keys, write only the first.");
  }

  void setup(fanfold::Context& context) {
    const std::int64_t field = context.parameter<std::int64_t>("field");
    if (field < 0) {
      throw std::invalid_argument("parameter field must be 0 or more, not " +
                                  std::to_string(field));
    }
    field_ = static_cast<std::uint64_t>(field);
    separator_ = context.parameter<std::string>("separator");
    numeric_ = context.parameter<bool>("numeric");
    reverse_ = context.parameter<bool>("reverse");
    unique_ = context.parameter<bool>("unique");
    key_is_line_ = field_ == 0 && !numeric_ && !reverse_;
  }

  void map(std::string_view line, fanfold::Emitter<std::string_view, std::string_view>& out) {
    if (key_is_line_) {
      out.emit(line, std::string_view());
      return;
    }
    const std::string_view field = field_ == 0 ? line : field_of(line);
    if (!numeric_ && !reverse_) {
      out.emit(field, line);
      return;
    }
    key_.clear();
    if (numeric_) {
      append_number_key(field, &key_);
    } else {
      key_.append(field);
    }
    if (reverse_) invert(&key_, &scratch_);
    out.emit(key_, line);
  }

  void reduce(std::string_view key, fanfold::Values<std::string_view>& lines,
              fanfold::Writer& out) {
    for (const std::string_view line : lines) {
      out.write_line(key_is_line_ ? key : line);
      if (unique_) return;
    }
  }

 private:
  // The chosen field; empty when the line has fewer.
  std::string_view field_of(std::string_view line) const {
    if (separator_.empty()) {
      std::uint64_t number = 0;
      for (const std::string_view word : fanfold::words(line)) {
        if (++number == field_) return word;
      }
      return {};
    }
    for (std::uint64_t number = 1; number < field_; ++number) {
      const std::size_t end = line.find(separator_);
      if (end == std::string_view::npos) return {};
      line.remove_prefix(end + separator_.size());
    }
    return line.substr(0, line.find(separator_));
  }

  std::uint64_t field_ = 0;
  std::string separator_;
  bool numeric_ = false;
  bool reverse_ = false;
  bool unique_ = false;
  bool key_is_line_ = true;
  // Buffers of map(), kept so that a line costs no allocation.
  std::string key_;
  std::string scratch_;
};

}  // namespace

FANFOLD_JOB(Sort, "sort", "Sorts lines in one total order, by whole line, field or number.");
