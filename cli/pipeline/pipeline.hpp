// What a pipeline file says: stages, what each reads, and what is done again.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fanfold::cli {

/// Where something comes from that an earlier job of the pipeline made.
struct StageSource {
  std::string stage;   // Empty: the round before this one.
  std::string output;  // Named output of it; empty: its parts.
  bool previous() const { return stage.empty(); }
};

struct StageInput {
  std::string word;  // As on the command line, TAG= included; of a source only the tag.
  std::optional<StageSource> source;
};

/// A parameter that is a counter of an earlier job.
struct CounterParameter {
  std::string name;
  StageSource source;
  std::string counter;
};

/// Rounds of the same job, each on what the one before it wrote.
struct Repeat {
  std::uint32_t times_max = 1;
  std::vector<StageInput> inputs;            // Of all rounds but the first.
  std::vector<CounterParameter> parameters;  // The same.
  std::string until_counter;                 // Empty: all rounds run.
  std::int64_t until_at_most = 0;
};

struct PipelineStage {
  std::string name;
  std::string job;
  std::vector<StageInput> inputs;
  std::vector<std::string> options;  // As words of a command line: "--reducers", "4".
  std::vector<CounterParameter> parameters;
  std::optional<Repeat> repeat;
  std::string output;  // As given; empty: intermediate.
};

struct Pipeline {
  std::string name;
  std::string description;
  std::vector<PipelineStage> stages;  // As in the file.
};

}  // namespace fanfold::cli
