// one_group: every line is a value of one key, so that one reducer has one group as large as the
// input.  Its result says that all of them came, in the order of the input.

#include <cstdint>
#include <fanfold/hash.hpp>
#include <fanfold/job.hpp>
#include <string_view>
#include <tuple>

namespace {

struct OneGroup {
  using Sums = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t>;

  void map(std::string_view line, fanfold::Emitter<std::string_view, std::string_view>& out) {
    out.emit("all", line);
  }

  void reduce(std::string_view key, fanfold::Values<std::string_view>& lines,
              fanfold::Writer& out) {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
    std::uint64_t chain = 0;
    for (const std::string_view line : lines) {
      ++count;
      bytes += line.size();
      chain = chain * 31 + fanfold::hash(line);
    }
    out.write(key, Sums(count, bytes, chain));
  }
};

}  // namespace

FANFOLD_JOB(OneGroup, "one_group", "Adds up all lines in one group, in order.");
