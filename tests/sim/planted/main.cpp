// fanfold-sim-planted [BUG...]: the table of docs/simulation.md.  For each planted bug, how many
// seeds it takes to find it from several beginnings, what finds it, and how few faults are left
// after shrinking.

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>
#include <vector>

#include "sim/search/shrink.hpp"
#include "tests/sim/planted/hunt.hpp"

namespace fanfold::sim {
namespace {

constexpr std::uint64_t kBeginnings = 7;
/// Between beginnings, so that they share no seeds.
constexpr std::uint64_t kApart = 100'000;
constexpr std::uint64_t kSeedsMost = 20'000;

template <class Value>
Value median(std::vector<Value> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// What found it, most often first.
std::string finders(const std::vector<std::string>& found) {
  std::vector<std::pair<std::size_t, std::string>> counts;
  for (const std::string& one : found) {
    const std::pair count(static_cast<std::size_t>(std::count(found.begin(), found.end(), one)),
                          one);
    if (std::find(counts.begin(), counts.end(), count) == counts.end()) counts.push_back(count);
  }
  std::sort(counts.rbegin(), counts.rend());
  std::string text;
  for (const auto& [count, name] : counts) text += (text.empty() ? "" : ", ") + name;
  return text;
}

bool report(Bug bug) {
  plant(bug);
  std::vector<std::uint64_t> seeds;
  std::vector<std::uint64_t> faults;
  std::vector<std::string> found;
  for (std::uint64_t i = 0; i < kBeginnings; ++i) {
    const auto one = hunt(1 + i * kApart, kSeedsMost);
    seeds.push_back(one ? one->seeds : kSeedsMost);
    if (!one) continue;
    Scenario scenario;
    scenario.config = config_of(one->seed);
    const auto shrunk = shrink(scenario);
    if (shrunk.ok()) faults.push_back(shrunk->scenario.faults->size());
    found.push_back(one->violation.invariant);
  }
  if (found.empty()) {
    std::printf("| %u | `%s` | never found | | | |\n", static_cast<unsigned>(bug),
                name_of(bug).c_str());
    return false;
  }
  std::printf("| %u | `%s` | %s | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " |\n",
              static_cast<unsigned>(bug), name_of(bug).c_str(), finders(found).c_str(),
              median(seeds), *std::max_element(seeds.begin(), seeds.end()), median(faults));
  std::fflush(stdout);
  return median(seeds) <= 1000 && median(faults) <= 10;
}

}  // namespace
}  // namespace fanfold::sim

int main(int argc, char** argv) {
  using namespace fanfold;
  std::puts("| | bug | found by | seeds, median | seeds, most | faults left, median |");
  std::puts("|---|---|---|---|---|---|");
  const std::vector<std::string> wanted(argv + 1, argv + argc);
  bool good = true;
  for (std::size_t i = 1; i < kBugs; ++i) {
    const Bug bug = static_cast<Bug>(i);
    const bool named = std::find(wanted.begin(), wanted.end(), sim::name_of(bug)) != wanted.end();
    if (wanted.empty() || named) good = sim::report(bug) && good;
  }
  return good ? 0 : 1;
}
