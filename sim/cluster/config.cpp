#include "sim/cluster/config.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>
#include <utility>

#include "common/proto/types.hpp"

namespace fanfold::sim {
namespace {

struct Setting {
  const char* name;
  std::uint64_t Config::*field;
};
constexpr std::array kSettings = {
    Setting{"workers", &Config::workers},
    Setting{"slots", &Config::slots},
    Setting{"shared_host", &Config::shared_host},
    Setting{"jobs", &Config::jobs},
    Setting{"splits", &Config::splits},
    Setting{"records", &Config::records},
    Setting{"partitions", &Config::partitions},
    Setting{"attempts", &Config::attempts},
    Setting{"speculate", &Config::speculate},
    Setting{"poison", &Config::poison},
    Setting{"nondeterministic", &Config::nondeterministic},
    Setting{"verify_per_cent", &Config::verify_per_cent},
    Setting{"completion", &Config::completion},
    Setting{"completion_percent", &Config::completion_percent},
    Setting{"deadline_ms", &Config::deadline_ms},
    Setting{"deadline_partial", &Config::deadline_partial},
    Setting{"retry", &Config::retry},
    Setting{"on_bad_record", &Config::on_bad_record},
    Setting{"bad_records_max", &Config::bad_records_max},
    Setting{"bad_per_million", &Config::bad_per_million},
    Setting{"control", &Config::control},
    Setting{"item_failures", &Config::item_failures},
    Setting{"item_never", &Config::item_never},
    Setting{"failures_max", &Config::failures_max},
    Setting{"failures_per_million", &Config::failures_per_million},
    Setting{"lower_tolerance", &Config::lower_tolerance},
    Setting{"gather", &Config::gather},
    Setting{"gather_arity", &Config::gather_arity},
    Setting{"replicas", &Config::replicas},
    Setting{"accept", &Config::accept},
    Setting{"hedge_per_mille", &Config::hedge_per_mille},
    Setting{"corrupt", &Config::corrupt},
    Setting{"hot_bytes", &Config::hot_bytes},
    Setting{"hot_usual", &Config::hot_usual},
    Setting{"fed", &Config::fed},
    Setting{"hosts", &Config::hosts},
    Setting{"near", &Config::near},
    Setting{"locality_wait_ms", &Config::locality_wait_ms},
    Setting{"shuffle", &Config::shuffle},
    Setting{"over_network", &Config::over_network},
    Setting{"absence_ms", &Config::absence_ms},
    Setting{"task_ms_min", &Config::task_ms_min},
    Setting{"task_ms_max", &Config::task_ms_max},
    Setting{"delay_us_min", &Config::delay_us_min},
    Setting{"delay_us_max", &Config::delay_us_max},
    Setting{"heartbeat_ms", &Config::heartbeat_ms},
    Setting{"silence_ms", &Config::silence_ms},
    Setting{"stall_ms", &Config::stall_ms},
    Setting{"drift", &Config::drift},
    Setting{"submit_ms", &Config::submit_ms},
    Setting{"tick_ms", &Config::tick_ms},
    Setting{"rest_ms", &Config::rest_ms},
    Setting{"chaos_ms", &Config::chaos_ms},
    Setting{"earlier_ms", &Config::earlier_ms},
};

/// Of a million occasions, at most.  Occasions are frames, operations, appends, attempts, or ticks
/// of a quarter of a second (sim/world/fault.hpp).
struct RateMax {
  FaultKind kind;
  std::uint32_t per_million;
};
constexpr std::array kRatesMax = {
    RateMax{FaultKind::kDrop, 300'000},
    RateMax{FaultKind::kDuplicate, 500'000},
    RateMax{FaultKind::kReorder, 300'000},
    RateMax{FaultKind::kReset, 10'000},
    RateMax{FaultKind::kPartition, 10'000},
    RateMax{FaultKind::kOneWay, 10'000},
    RateMax{FaultKind::kClog, 10'000},
    RateMax{FaultKind::kPause, 10'000},
    RateMax{FaultKind::kCrash, 12'500},
    RateMax{FaultKind::kPowerLoss, 8'000},
    RateMax{FaultKind::kDiskLoss, 8'000},
    RateMax{FaultKind::kDrain, 1'000},
    RateMax{FaultKind::kDiskFull, 3'000},
    RateMax{FaultKind::kDiskError, 1'000},
    RateMax{FaultKind::kOutputLost, 5'000},
    RateMax{FaultKind::kOutputRotten, 5'000},
    RateMax{FaultKind::kStoreSlow, 200'000},
    RateMax{FaultKind::kStoreError, 500},
    RateMax{FaultKind::kCrashBeforeAppend, 5'000},
    RateMax{FaultKind::kCrashAfterAppend, 5'000},
    RateMax{FaultKind::kCrashInSideWork, 100'000},
    RateMax{FaultKind::kTaskCrash, 100'000},
    RateMax{FaultKind::kTaskException, 100'000},
    RateMax{FaultKind::kTaskHang, 20'000},
    RateMax{FaultKind::kTaskSlow, 200'000},
    RateMax{FaultKind::kSpawnFailure, 50'000},
    RateMax{FaultKind::kCancel, 3'000},
    RateMax{FaultKind::kCancelLate, 500'000},
    RateMax{FaultKind::kSideWorkSlow, 500'000},
    RateMax{FaultKind::kTakeover, 25'000},
    RateMax{FaultKind::kFactRot, 8'000},
    RateMax{FaultKind::kSegmentMiscounted, 20'000},
    RateMax{FaultKind::kFaultPoint, 300'000},
    RateMax{FaultKind::kPoisonRecord, 100'000},
};

class SeedDraws {
 public:
  explicit SeedDraws(std::uint64_t seed) : draws_(seed) {}
  std::uint64_t operator()(std::uint64_t low, std::uint64_t high) {
    return draws_.between(Stream::kWorkload, {77, ++count_}, low, high);
  }
  bool one_in(std::uint64_t many) { return (*this)(1, many) == 1; }

 private:
  const Draws draws_;
  std::uint64_t count_ = 0;
};

/// As item jobs do, which go on with the items that did not fail.
void tolerate_failures(SeedDraws& draw, Config* config) {
  if (config->completion == 0) {
    config->completion = static_cast<std::uint64_t>(proto::CompletionRule::kAllCompleted);
  }
  config->item_never = draw.one_in(10) ? 1 : 0;
  const std::uint64_t expected = config->splits * config->records * config->item_failures / 100;
  if (draw.one_in(2)) config->failures_max = draw(0, 2 * expected);
  if (draw.one_in(2)) config->failures_per_million = draw(0, proto::kWhole);
  config->lower_tolerance = draw.one_in(3) ? 1 : 0;
}

/// Jobs whose input comes while they run, where that goes together with the rest.
void feed(SeedDraws& draw, Config* config) {
  const bool counts = config->item_failures != 0 || config->on_bad_record != 0;
  // Where a map goes depends on how many there are.
  if (config->gather == static_cast<std::uint64_t>(abi::Gather::kReduce)) return;
  if (counts || config->poison != 0 || config->splits == 0 || config->records == 0) return;
  config->fed = draw(1, config->splits);
  config->deadline_ms = 0;
  config->completion = draw(0, static_cast<std::uint64_t>(proto::CompletionRule::kAllCompleted));
}

Result<std::uint64_t> number_of(const std::string& word, const std::string& line) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) {
    return Status(StatusCode::kInvalidArgument, "not a number in '" + line + "'");
  }
  return value;
}

void replicate(SeedDraws& draw, Config* config) {
  // Items may have effects elsewhere: jobs of them refuse replicas.
  if (config->item_failures != 0) return;
  const bool replicated = draw.one_in(4);
  const std::uint64_t replicas = draw(2, 5);
  const std::uint64_t accept = draw(0, 2);
  const bool hedged = draw.one_in(4);
  const std::uint64_t hedge = draw(500, 999);
  const bool corrupt = draw.one_in(2);
  const std::uint64_t who = draw(1, config->workers);
  if (!replicated) {
    if (hedged && config->speculate != 0) config->hedge_per_mille = hedge;
    return;
  }
  config->verify_per_cent = 0;
  config->replicas = replicas;
  // Of two there is no quorum.
  config->accept = replicas == 2 && accept == 1 ? 2 : accept;
  if (config->accept != 0 && corrupt) config->corrupt = who;
}

/// Input that only some workers can read, where that goes together with the rest.
void lie_on_hosts(SeedDraws& draw, Config* config) {
  const bool on_hosts = draw.one_in(4);
  const std::uint64_t hosts = draw(1, std::min<std::uint64_t>(config->workers, 4));
  config->absence_ms = draw(3, 60) * 1000;
  if (on_hosts && config->replicas < 2 && config->fed == 0) config->hosts = hosts;
}

/// Some of the hosts may have no worker.
void prefer_hosts(SeedDraws& draw, Config* config) {
  const bool near = draw.one_in(4);
  const std::uint64_t hosts = draw(1, 4);
  config->locality_wait_ms = draw.one_in(4) ? 0 : draw(1, 10'000);
  if (near && config->hosts == 0) config->near = hosts;
}

}  // namespace

Config config_of(std::uint64_t seed) {
  SeedDraws draw(seed);
  Config config;
  config.seed = seed;
  // Small clusters meet more interleavings a second than large ones; a few seeds are larger.
  const bool large = draw.one_in(20);
  config.workers = large ? draw(8, 32) : draw(1, 6);
  config.slots = draw(1, draw.one_in(4) ? 8 : 3);
  config.shared_host = draw(0, 1);
  config.jobs = draw.one_in(3) ? draw(2, 4) : 1;
  config.splits = large ? draw(20, 100) : draw(0, 12);
  config.records = draw(0, 30);
  config.partitions = large ? draw(1, 30) : draw(1, 6);
  config.attempts = draw.one_in(4) ? draw(1, 6) : 4;
  config.speculate = draw.one_in(4) ? 0 : 1;
  config.poison = draw.one_in(20) ? draw(1, 3) : 0;
  config.nondeterministic = draw.one_in(20) ? 1 : 0;
  config.task_ms_min = draw(1, 50);
  config.task_ms_max = config.task_ms_min + (draw.one_in(3) ? draw(1, 5000) : draw(1, 500));
  config.delay_us_min = draw.one_in(4) ? draw(100, 30'000) : 100;
  config.delay_us_max = config.delay_us_min + (draw.one_in(4) ? draw(100, 100'000) : 2'000);
  config.heartbeat_ms = draw(200, 1000);
  config.silence_ms = config.heartbeat_ms * draw(5, 10);
  config.stall_ms = draw(2000, 8000);
  config.drift = draw.one_in(2) ? draw(1, 10) : 0;
  config.chaos_ms = draw(3, 30) * 1000;
  config.verify_per_cent = draw.one_in(4) ? draw(1, 100) : 0;
  config.completion = draw.one_in(4) ? draw(1, 4) : 0;
  config.completion_percent = draw(1, 100);
  config.deadline_ms = draw.one_in(8) ? draw(200, 20'000) : 0;
  config.deadline_partial = draw(0, 1);
  config.retry = draw.one_in(8) ? 1 : 0;
  // Who does not tolerate them never ends well: those seeds would show little else.
  config.on_bad_record = draw.one_in(4) ? draw(1, 2) : 0;
  config.bad_records_max = config.on_bad_record != 0 && draw.one_in(2) ? draw(1, 20) : 0;
  config.bad_per_million = config.on_bad_record != 0 && draw.one_in(3) ? draw(1, 200'000) : 0;
  config.control = draw.one_in(4) ? 1 : 0;
  config.item_failures = draw.one_in(4) ? draw(1, 100) : 0;
  if (config.item_failures != 0) tolerate_failures(draw, &config);
  config.gather = draw.one_in(4) ? draw(1, 3) : 0;
  if (config.gather != 0) config.gather_arity = draw(2, 4);
  replicate(draw, &config);
  if (draw.one_in(4)) feed(draw, &config);
  lie_on_hosts(draw, &config);
  // A worker that computes wrongly does so in its first life, which would be in that time.
  if (draw.one_in(8) && config.corrupt == 0) config.earlier_ms = draw(100, 5000);
  prefer_hosts(draw, &config);
  config.shuffle = draw.one_in(2) ? draw(1, 3) : 0;
  config.over_network = draw.one_in(4) ? 1 : 0;
  config.hot_bytes = draw.one_in(4) ? draw(1, 200) : 0;
  if (config.hot_bytes != 0 && draw.one_in(4)) config.hot_bytes = draw(200, 2000);
  if (config.hot_bytes != 0 && draw.one_in(4)) config.hot_usual = 1;
  return config;
}

FaultRates rates_of(std::uint64_t seed) {
  const Draws draws(seed);
  FaultRates rates{};
  // Some seeds are calm, so that what only a rare fault breaks is not drowned by others.
  const std::uint64_t on_per_cent = draws.between(Stream::kFaults, {88}, 5, 70);
  for (const RateMax& max : kRatesMax) {
    const auto kind = static_cast<std::uint64_t>(max.kind);
    if (draws.bits(Stream::kFaults, {88, kind}) % 100 >= on_per_cent) continue;
    // Low rates are as interesting as high ones.
    const std::uint64_t scale = std::uint64_t{1}
                                << draws.between(Stream::kFaults, {88, kind, 1}, 0, 6);
    rates[kind] = static_cast<std::uint32_t>(
        draws.between(Stream::kFaults, {88, kind, 2}, 1, max.per_million / scale + 1));
  }
  return rates;
}

std::uint64_t* setting(Config& config, std::string_view name) {
  for (const Setting& one : kSettings) {
    if (name == one.name) return &(config.*one.field);
  }
  return nullptr;
}

Result<Scenario> parse_scenario(std::string_view text) {
  Scenario scenario;
  std::istringstream lines{std::string(text)};
  std::string line;
  bool seeded = false;
  while (std::getline(lines, line)) {
    line.resize(std::min(line.size(), line.find('#')));
    std::istringstream words(line);
    std::string name;
    if (!(words >> name)) continue;
    if (name == "fault") {
      const std::optional<Fault> fault = fault_of(line.substr(line.find("fault") + 5));
      if (!fault) return Status(StatusCode::kInvalidArgument, "no such fault: '" + line + "'");
      if (!scenario.faults) scenario.faults.emplace();
      scenario.faults->insert(*fault);
      continue;
    }
    std::string word;
    words >> word;
    FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t value, number_of(word, line));
    if (name == "seed") {
      scenario.config = config_of(value);
      seeded = true;
    } else if (name == "calm") {
      if (!scenario.faults) scenario.faults.emplace();
    } else if (std::uint64_t* field = setting(scenario.config, name)) {
      *field = value;
    } else {
      return Status(StatusCode::kInvalidArgument, "unknown setting '" + name + "'");
    }
  }
  if (!seeded) return Status(StatusCode::kInvalidArgument, "a scenario begins with 'seed N'");
  return scenario;
}

std::string to_text(const Scenario& scenario) {
  std::string text = "seed " + std::to_string(scenario.config.seed) + "\n";
  const Config usual = config_of(scenario.config.seed);
  for (const Setting& one : kSettings) {
    if (usual.*one.field == scenario.config.*one.field) continue;
    text += std::string(one.name) + " " + std::to_string(scenario.config.*one.field) + "\n";
  }
  if (scenario.faults && scenario.faults->empty()) text += "calm 1\n";
  if (scenario.faults) {
    for (const Fault& fault : *scenario.faults) text += "fault " + to_text(fault) + "\n";
  }
  return text;
}

}  // namespace fanfold::sim
