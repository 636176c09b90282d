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
    {"--seed", &Options::seed},       {"--seeds", &Options::seeds},
    {"--threads", &Options::threads}, {"--twice", &Options::twice_per_cent},
    {"--explore", &Options::explore}, {"--sample", &Options::sample},
    {"--kills", &Options::kills},
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
  --explore N       tries every fault at every occasion in a small cluster, and after it every
                    other, up to N of them
  --sample P        tries only so many per cent of the second and later ones
  --scale           what the scheduler costs, with 10,000 workers and up to 1,000,000 tasks
  --kills N         what the loss of 200 of 1,746 workers costs a job, N runs for each moment
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
    if (name == "--scale") {
      options.mode = Options::Mode::kScale;
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
    if (name == "--explore") options.mode = Options::Mode::kExplore;
    if (name == "--kills") options.mode = Options::Mode::kKills;
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
  if (options.kills == 0) return refuse("--kills 0 would run nothing");
  return options;
}

}  // namespace fanfold::sim
