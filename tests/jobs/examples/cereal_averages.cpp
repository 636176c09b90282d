// Mean per key of `key TAB number` lines.  The value is a struct of one's own: cereal writes it.

#include <charconv>
#include <fanfold/cereal.hpp>
#include <fanfold/job.hpp>
#include <stdexcept>

struct Total {
  double sum = 0;
  std::uint64_t count = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(sum, count);
  }
};

struct CerealAverages {
  using Input = fanfold::KeyValueLines;

  void map(fanfold::KeyValue line, fanfold::Emitter<std::string_view, Total>& out) {
    double number = 0;
    const char* const last = line.value.data() + line.value.size();
    const auto [end, error] = std::from_chars(line.value.data(), last, number);
    if (error != std::errc() || end != last) {
      // An exception fails the attempt; the user sees this text, the file and the byte offset.
      throw std::runtime_error("'" + std::string(line.value) + "' is no number");
    }
    out.emit(line.key, Total{number, 1});
  }

  static Total combine(const Total& a, const Total& b) {
    return Total{a.sum + b.sum, a.count + b.count};
  }

  void reduce(std::string_view key, fanfold::Values<Total>& totals, fanfold::Writer& out) {
    Total all;
    for (const Total& total : totals) all = combine(all, total);
    out.write(key, all.sum / static_cast<double>(all.count));
  }
};
FANFOLD_JOB(CerealAverages, "cereal_averages", "Averages the numbers of each key.");
