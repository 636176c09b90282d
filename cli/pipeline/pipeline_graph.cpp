#include "cli/pipeline/pipeline_graph.hpp"

#include <algorithm>
#include <map>

#include "cli/job/job_spec.hpp"
#include "cli/text/suggest.hpp"

namespace fanfold::cli {
namespace {

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

std::vector<std::string> names_of(const Pipeline& pipeline) {
  std::vector<std::string> names;
  for (const PipelineStage& stage : pipeline.stages) names.push_back(stage.name);
  return names;
}

std::vector<StageSource> sources_of(const PipelineStage& stage, bool of_rounds) {
  std::vector<StageSource> sources;
  const auto add = [&sources](const std::vector<StageInput>& inputs,
                              const std::vector<CounterParameter>& parameters) {
    for (const StageInput& input : inputs) {
      if (input.source) sources.push_back(*input.source);
    }
    for (const CounterParameter& parameter : parameters) sources.push_back(parameter.source);
  };
  if (!of_rounds) add(stage.inputs, stage.parameters);
  if (of_rounds && stage.repeat) add(stage.repeat->inputs, stage.repeat->parameters);
  return sources;
}

Status check_sources(const PipelineStage& stage, const std::vector<std::string>& names) {
  for (const StageSource& source : sources_of(stage, false)) {
    if (source.previous()) {
      return refuse("stage '" + stage.name +
                    "': its first round has no 'previous'; that belongs into 'repeat'");
    }
  }
  for (const std::string& need : needs_of(stage)) {
    if (std::find(names.begin(), names.end(), need) == names.end()) {
      return refuse("stage '" + stage.name + "' reads a stage '" + need + "', which there is not." +
                    did_you_mean(need, names));
    }
  }
  if (stage.repeat && !stage.output.empty()) {
    return refuse("stage '" + stage.name +
                  "' is repeated, so nobody knows which round is the last before it is over: it "
                  "cannot have an 'output'. Let a stage after it write that");
  }
  return {};
}

/// Walks needs depth first; a stage that is met on the way to itself closes a cycle.
class CycleSearch {
 public:
  explicit CycleSearch(const Pipeline& pipeline) {
    for (const PipelineStage& stage : pipeline.stages) needs_[stage.name] = needs_of(stage);
  }

  /// "a -> b -> a", or nothing.
  std::string find() {
    for (const auto& [name, needs] : needs_) {
      if (const std::string cycle = visit(name); !cycle.empty()) return cycle;
    }
    return "";
  }

 private:
  // As deep as there are stages, whose number is bounded by the size of the file.
  std::string visit(const std::string& name) {
    const auto above = std::find(way_.begin(), way_.end(), name);
    if (above != way_.end()) {
      std::string text;
      for (auto step = above; step != way_.end(); ++step) text += *step + " -> ";
      return text + name;
    }
    if (!done_.insert(name).second) return "";
    way_.push_back(name);
    for (const std::string& need : needs_[name]) {
      if (const std::string cycle = visit(need); !cycle.empty()) return cycle;
    }
    way_.pop_back();
    return "";
  }

  std::map<std::string, std::set<std::string>> needs_;
  std::set<std::string> done_;
  std::vector<std::string> way_;
};

bool is_within(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + "/");
}

Status check_outputs(const Pipeline& pipeline, const std::string& working_directory) {
  std::map<std::string, std::string> outputs;  // Path to stage.
  for (const PipelineStage& stage : pipeline.stages) {
    if (stage.output.empty()) continue;
    const std::string path = absolute_path(working_directory, stage.output);
    for (const auto& [other, writer] : outputs) {
      if (path == other) {
        return refuse("stages '" + writer + "' and '" + stage.name + "' both write " + path);
      }
      if (is_within(path, other) || is_within(other, path)) {
        return refuse("the outputs of stages '" + writer + "' and '" + stage.name +
                      "' lie in one another: " + other + " and " + path);
      }
    }
    outputs[path] = stage.name;
  }
  for (const PipelineStage& stage : pipeline.stages) {
    for (const StageInput& input : stage.inputs) {
      if (input.source) continue;
      // A tag does no harm here: "left=/a" becomes no output's name.
      const std::string word = input.word.substr(input.word.find('=') + 1);
      for (const auto& [path, writer] : outputs) {
        if (!is_within(absolute_path(working_directory, word), path)) continue;
        return refuse("stage '" + stage.name + "' reads " + word + ", which stage '" + writer +
                      "' writes: name the stage, {\"stage\": \"" + writer + "\"}");
      }
    }
  }
  return {};
}

}  // namespace

std::set<std::string> needs_of(const PipelineStage& stage) {
  std::set<std::string> needs;
  for (const bool of_rounds : {false, true}) {
    for (const StageSource& source : sources_of(stage, of_rounds)) {
      if (!source.previous()) needs.insert(source.stage);
    }
  }
  return needs;
}

Status check_graph(const Pipeline& pipeline, const std::string& working_directory) {
  const std::vector<std::string> names = names_of(pipeline);
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (!seen.insert(name).second) return refuse("two stages are called '" + name + "'");
  }
  for (const PipelineStage& stage : pipeline.stages) {
    FANFOLD_RETURN_IF_ERROR(check_sources(stage, names));
  }
  if (const std::string cycle = CycleSearch(pipeline).find(); !cycle.empty()) {
    return refuse("its stages need each other in a circle: " + cycle);
  }
  return check_outputs(pipeline, working_directory);
}

}  // namespace fanfold::cli
