// Revenue per customer from a CSV with the columns `customer`, `pieces` and `price`.

#include <charconv>
#include <fanfold/job.hpp>

struct CsvTotals {
  using Input = fanfold::Csv;
  static constexpr bool csv_header = true;  // The first record of each file names the columns.

  void setup(fanfold::Context& context) { bad_rows_ = &context.counter("bad_rows"); }

  void map(const fanfold::CsvRow& row, fanfold::Emitter<std::string_view, std::int64_t>& out) {
    std::int64_t pieces = 0;
    std::int64_t cents = 0;
    if (!to_number(row.field("pieces"), &pieces) || !to_number(row.field("price"), &cents)) {
      bad_rows_->add(1);
      out.to("rejects").write_line(row.text());
      return;
    }
    out.emit(row.field("customer"), pieces * cents);
  }

  // One sorted file, whoever runs the job.
  static constexpr auto gather = fanfold::kGatherMergeSort;  // Or kGatherConcat, kGatherReduce.
  static constexpr std::uint32_t gather_arity = 8;

  // Whole cents, not floating point: integers add up to the same total in every order.
  static std::int64_t combine(std::int64_t a, std::int64_t b) { return a + b; }

  void reduce(std::string_view customer, fanfold::Values<std::int64_t>& cents,
              fanfold::Writer& out) {
    out.write(customer, fanfold::sum(cents));
  }

 private:
  static bool to_number(std::string_view text, std::int64_t* number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
    return error == std::errc() && end == text.data() + text.size();
  }

  fanfold::Counter* bad_rows_ = nullptr;
};
FANFOLD_JOB(CsvTotals, "csv_totals", "Adds up revenue per customer, in cents.");
