#include "cli/items/item_job.hpp"

#include <algorithm>

#include "cli/items/tolerance.hpp"
#include "cli/job/job_source.hpp"
#include "cli/pipeline/small_files.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::cli {
namespace {

Json definition_of(const MapState& state, const proto::JobControl& control,
                   const ItemJobPlan& plan) {
  Json definition = state.processor;
  definition["Run"] = plan.request.client_id;
  definition["Directory"] = plan.directory;
  // The results of an earlier generation are never those of a later one.
  definition["Generation"] = plan.generation;
  // An attempt that has more failures by itself need not go on.
  definition["Tolerated"] = tolerated_failures(control, plan.items);
  definition["Context"] = context_of_children(state);
  definition["Context"]["Execution"]["Id"] = plan.request.client_id;
  return definition;
}

}  // namespace

std::string items_plugin(const Surroundings& surroundings) {
  return bundled_jobs_directory(surroundings.program_directory) + "/../items/items.so";
}

std::string literal_pattern(const std::string& path) {
  std::string pattern;
  for (const char c : path) {
    if (std::string_view("*?[]\\").find(c) != std::string_view::npos) pattern += '\\';
    pattern += c;
  }
  return pattern;
}

Json context_of_children(const MapState& state) {
  Json context = Json::object();
  const bool read = items::text_of(state.processor).find("$$.Execution") != std::string::npos;
  for (const auto& [name, value] : state.context.items()) {
    if (name == "Execution" ? read : name != "Map") context[name] = value;
  }
  return context;
}

proto::JobControl control_of(const MapState& state, const JobRequest& request) {
  proto::JobControl control = request.control;
  if (state.concurrency_max != 0) {
    control.max_concurrency = control.max_concurrency == 0
                                  ? state.concurrency_max
                                  : std::min(control.max_concurrency, state.concurrency_max);
  }
  control.failures_max = state.failures_max.value_or(state.tolerates() ? proto::kAnyNumber : 0);
  control.failures_per_million = state.failures_per_million.value_or(proto::kWhole);
  return control;
}

Result<ItemJob> make_item_job(const Surroundings& surroundings, const ItemJobPlan& plan) {
  const proto::JobControl control = control_of(*plan.state, plan.request);
  FANFOLD_RETURN_IF_ERROR(write_small_file(
      plan.definition_path, items::text_of(definition_of(*plan.state, control, plan))));
  JobRequest request = plan.request;
  request.job = items_plugin(surroundings) + ":items";
  request.plugin.reset();
  request.inputs = {literal_pattern(plan.children_path)};
  request.side_files = {"definition=" + plan.definition_path};
  request.partitions = 1;
  request.split_bytes = plan.children->split_bytes;
  request.control = control;
  // What children do outside is not undone: none runs twice without need.
  request.speculate = false;
  request.completion = {proto::CompletionRule::kAllCompleted};
  request.output = kInputOfStage;
  request.on_exists = proto::OnExists::kFail;
  request.client_id.clear();
  ItemJob made;
  FANFOLD_ASSIGN_OR_RETURN(made.spec, make_job_spec(surroundings, request));
  made.spec.items = plan.items;
  made.stage.name = "items";
  made.stage.job = "items";
  made.stage.inputs = {{request.inputs.front(), std::nullopt}};
  return made;
}

}  // namespace fanfold::cli
