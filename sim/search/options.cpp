#include "sim/search/options.hpp"

#include <charconv>

namespace fanfold::sim {
namespace {

Status refuse(std::string why) {
  return {StatusCode::kInvalidArgument, std::move(why) + "; fanfold-sim --help lists the options"};
}

struct NumberOption {
  const char* name;
  std::uint64_t Options::*field;
};
constexpr NumberOption kNumbers[] = {
    {"--seed", &Options::seed},
    {"--seeds", &Options::seeds},
    {"--threads", &Options::threads},
    {"--twice", &Options::twice_per_cent},
};

}  // namespace

const char* const kUsage =
    R"(fanfold-sim: the production master and workers on a simulated network, disk and clock.

  --seed N          runs this seed; with --seeds the first of them (default 1)
  --seeds N         runs so many seeds and reports those that violate something
  --scenario FILE   runs what the file says
  --shrink          finds the smallest list of faults that still violates; prints it as a scenario
  --write FILE      writes that scenario there
  --trace           prints what happens, one line an event
  --threads N       seeds at the same time (default 2)
  --twice P         per cent of the seeds that run twice, to see both runs equal (default 5)

Exit code: 0 nothing was violated, 1 something was, 2 the command line is wrong.
)";

Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options options;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (name == "--help") {
      options.mode = Options::Mode::kHelp;
      return options;
    }
    if (name == "--shrink") {
      options.shrink = true;
      continue;
    }
    if (name == "--trace") {
      options.trace = true;
      continue;
    }
    if (i + 1 == arguments.size()) return refuse("'" + name + "' is unknown or lacks its value");
    const std::string& value = arguments[++i];
    if (name == "--scenario") {
      options.mode = Options::Mode::kScenario;
      options.scenario = value;
      continue;
    }
    if (name == "--write") {
      options.write = value;
      continue;
    }
    bool known = false;
    for (const NumberOption& one : kNumbers) {
      if (name != one.name) continue;
      known = true;
      std::uint64_t& number = options.*one.field;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      if (error != std::errc() || end != value.data() + value.size()) {
        return refuse(name + " needs a number, not '" + value + "'");
      }
    }
    if (!known) return refuse("unknown option '" + name + "'");
  }
  if (options.threads == 0) return refuse("--threads 0 would run nothing");
  return options;
}

}  // namespace fanfold::sim
