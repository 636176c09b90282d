// `plan`: what a job would come to, before anything runs.

#include <unistd.h>

#include "cli/client/host_listing.hpp"
#include "cli/cluster/programs.hpp"
#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/commands/job_flags.hpp"
#include "cli/commands/record_excerpt.hpp"
#include "cli/commands/replica_flags.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/plan/dry_run.hpp"
#include "cli/plan/plan_review.hpp"
#include "cli/process/private_directory.hpp"
#include "cli/view/summary.hpp"
#include "common/core/executor_memory.hpp"
#include "common/core/limits.hpp"
#include "common/storage/storage.hpp"
#include "master/service/completion.hpp"

namespace fanfold::cli {
namespace {

std::uint64_t machine_bytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  if (pages <= 0 || page <= 0) return 0;
  return static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page);
}

Result<PlanPlace> private_cluster(const Environment& environment, const Arguments& arguments,
                                  const proto::JobSpec& spec) {
  constexpr std::uint64_t kMost = 1000;
  FANFOLD_ASSIGN_OR_RETURN(auto workers, count_flag(arguments, "workers", 1, kMost));
  FANFOLD_ASSIGN_OR_RETURN(workers, workers_for(spec.replicas, workers));
  FANFOLD_ASSIGN_OR_RETURN(const auto slots, count_flag(arguments, "slots", 1, kMost));
  const ClusterShape shape = choose_shape(workers, slots, usable_cores());
  PlanPlace place;
  place.workers = shape.workers;
  place.slots = shape.workers * shape.slots;
  place.machine_bytes = machine_bytes();
  place.memory_bytes = spec.memory_bytes != 0
                           ? spec.memory_bytes
                           : default_executor_memory(place.machine_bytes, shape.slots);
  place.scratch = environment.temporary_directory;
  const auto free = io::posix_file_system().free_bytes(place.scratch);
  if (free.ok()) place.scratch_free = *free;
  return place;
}

Result<PlanPlace> place_at(Client& client, const proto::JobSpec& spec) {
  FANFOLD_ASSIGN_OR_RETURN(const auto cluster,
                           client.ask<proto::ClusterReply>(proto::GetCluster{}));
  PlanPlace place;
  place.cluster = client.address();
  place.workers = static_cast<std::uint32_t>(cluster.workers.size());
  place.slots = 0;
  for (const proto::WorkerStatus& worker : cluster.workers) place.slots += worker.slots;
  place.slots = std::max(1u, place.slots);
  place.memory_bytes = spec.memory_bytes;
  return place;
}

/// What of its input lies on hosts, if anything does.
Result<std::optional<master::HostListing>> look_on_hosts(Client* client, const Arguments& arguments,
                                                         const proto::JobSpec& spec) {
  FANFOLD_ASSIGN_OR_RETURN(const std::vector<std::string> inputs,
                           master::find_host_inputs(storage(), spec));
  if (inputs.empty()) return std::optional<master::HostListing>();
  if (client == nullptr) {
    return Status(StatusCode::kInvalidArgument,
                  inputs.front() +
                      " lies on hosts, whose workers know what is there: name their cluster with "
                      "--master ADDR.");
  }
  if (arguments.has("limit")) {
    return Status(StatusCode::kInvalidArgument,
                  "--limit tries the job on records that are read here, and " + inputs.front() +
                      " lies on hosts.");
  }
  FANFOLD_ASSIGN_OR_RETURN(master::HostListing listing,
                           list_on_hosts(*client, inputs, master::look_above(spec)));
  return std::optional(std::move(listing));
}

Result<PlanReview> review(const Environment& environment, const Arguments& arguments) {
  FANFOLD_ASSIGN_OR_RETURN(JobRequest request, make_job_request(arguments, OutputFlag::kOptional));
  const bool names_output = !request.output.empty();
  // Nothing is written: any name will do.
  if (!names_output) request.output = "output";
  FANFOLD_ASSIGN_OR_RETURN(proto::JobSpec spec,
                           make_job_spec(surroundings_of(environment), request));
  if (has_standard_input(spec)) {
    return Status(StatusCode::kInvalidArgument,
                  "'plan' cannot look at standard input ('-') without using it up; name a file.");
  }
  const std::string address = arguments.value("master").value_or(environment.master.value_or(""));
  const std::string key = arguments.value("key").value_or(environment.key.value_or(""));
  std::unique_ptr<Client> client;
  if (!address.empty()) {
    FANFOLD_ASSIGN_OR_RETURN(client, connect_client({address, key}, steady_clock(), {}));
  }
  FANFOLD_ASSIGN_OR_RETURN(PlanPlace place, client == nullptr
                                                ? private_cluster(environment, arguments, spec)
                                                : place_at(*client, spec));
  FANFOLD_ASSIGN_OR_RETURN(const auto hosts, look_on_hosts(client.get(), arguments, spec));
  place.output_exists = names_output && storage().stat(spec.output).ok();
  master::PlanLimits limits;
  limits.slots = place.slots;
  if (spec.memory_bytes != 0) limits.memory_bytes = spec.memory_bytes;
  FANFOLD_ASSIGN_OR_RETURN(master::Plan plan,
                           master::make_plan(storage(), spec, limits, hosts ? &*hosts : nullptr));
  // As a master does, which would refuse it now.
  FANFOLD_RETURN_IF_ERROR(master::check_completion(spec, plan.splits.size(), Duration(0)));
  return review_plan(std::move(spec), std::move(plan), std::move(place));
}

Result<DryRun> try_it(const Environment& environment, std::uint32_t limit,
                      const PlanReview& reviewed) {
  PrivateDirectory directory;
  FANFOLD_RETURN_IF_ERROR(directory.create(environment.temporary_directory));
  directory.exit_on_interrupt(kExitInterrupted);
  return dry_run(reviewed.spec, reviewed.plan, {.limit = limit, .scratch = directory.path()});
}

/// The stack and the record, as `why` shows them.
void tell_failure(const DryRun& run) {
  proto::LogEntry entry;
  entry.task = run.task;
  entry.attempt_number = 1;
  entry.failure = run.failure;
  FailureContext context;
  context.attempts = {entry};
  context.record_excerpt = record_excerpt(run.failure);
  print_error(attempts_text(context));
}

int plan_main(const Environment& environment, const Arguments& arguments) {
  constexpr std::uint64_t kRecordsMost = 1'000'000;
  const auto limit = count_flag(arguments, "limit", 1, kRecordsMost);
  if (!limit.ok()) return report(limit.status());
  const Result<PlanReview> reviewed = review(environment, arguments);
  if (!reviewed.ok()) return report(reviewed.status());
  const bool json = arguments.has("json");
  if (!*limit) {
    print(json ? to_json(*reviewed) : text_of(*reviewed));
    return kExitDone;
  }
  if (!json) print(text_of(*reviewed));
  const Result<DryRun> run = try_it(environment, **limit, *reviewed);
  if (!run.ok()) return report(run.status());
  print(json ? to_json(*reviewed, &*run) : text_of(*run));
  if (!run->failed) return kExitDone;
  tell_failure(*run);
  return kExitFailed;
}

}  // namespace

Command plan_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "plan";
  syntax.positionals = "JOB INPUT...";
  syntax.summary = "Shows what a job would come to: splits, tasks, reducers, memory, warnings.";
  syntax.description =
      "Takes the arguments of 'fanfold run' and runs nothing: the input is listed and looked at "
      "as\n"
      "the master would do it. With --limit its first records are mapped and reduced here, and\n"
      "what they give is shown and thrown away; the exit code is 1 when user code fails at them.";
  syntax.flags = job_flags();
  const std::vector<Flag> more = {
      {"limit", '\0', "N", "Try the job on the first N records, and show what they give.", false},
      {"workers", '\0', "N", "Worker processes of the private cluster. Default: 2.", false},
      {"slots", '\0', "N", "Tasks at a time in each worker. Default: the cores, shared out.",
       false},
      master_flag(),
      key_flag(),
      json_flag()};
  syntax.flags.insert(syntax.flags.end(), more.begin(), more.end());
  syntax.positionals_min = 2;
  syntax.positionals_max = static_cast<std::size_t>(-1);
  command.run = plan_main;
  return command;
}

}  // namespace fanfold::cli
