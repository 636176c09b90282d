#include "cli/commands/item_run.hpp"

#include <filesystem>
#include <set>

#include "cli/commands/item_report.hpp"
#include "cli/commands/job_flags.hpp"
#include "cli/commands/pipeline_cluster.hpp"
#include "cli/commands/pipeline_report.hpp"
#include "cli/commands/session.hpp"
#include "cli/items/earlier_results.hpp"
#include "cli/items/item_job.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/pipeline/pipeline_run.hpp"
#include "cli/pipeline/small_files.hpp"
#include "common/core/clock.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kWorkersMax = 1000;
constexpr std::uint64_t kSlotsMax = 1000;

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

/// Names in the work directory that are no stage of it.
std::string path_in(const std::string& work, const char* name) { return work + "/.inputs." + name; }

/// The results are made in the work directory and moved to their place.
Status check_one_file_system(const std::string& work, const std::string& output) {
  const std::string parent = fs::path(output).parent_path().string();
  FANFOLD_RETURN_IF_ERROR(io::posix_file_system().make_directories(parent));
  FANFOLD_ASSIGN_OR_RETURN(const io::FileInfo there, io::posix_file_system().stat(parent));
  FANFOLD_ASSIGN_OR_RETURN(const io::FileInfo here, io::posix_file_system().stat(work));
  if (there.device == here.device) return {};
  return refuse("the work directory " + work +
                " has to lie on the file system of the output; name another one with --work.");
}

class ItemRun {
 public:
  ItemRun(const Environment& environment, const ItemRunFlags& flags, const ItemWork& work)
      : environment_(environment), flags_(flags), given_(work), state_(*work.state) {}

  int run() {
    if (Status status = work_.open(flags_.work, false); !status.ok()) return report(status);
    if (Status status = interrupts_.start(); !status.ok()) return report(status);
    const Status prepared = prepare();
    if (!prepared.ok()) {
      static_cast<void>(work_.leave_if_unused());
      if (!interrupted()) return report(prepared);
      print_error("fanfold: interrupted.\n");
      return kExitInterrupted;
    }
    if (children_.children == 0) return finish({});
    return run_job();
  }

 private:
  std::string path_of(const char* name) const { return path_in(flags_.work, name); }

  std::uint64_t all_items() const { return given_.items != 0 ? given_.items : children_.items; }

  /// All that can be refused before anything starts, and what the job reads.
  Status prepare() {
    FANFOLD_RETURN_IF_ERROR(check_one_file_system(flags_.work, given_.output));
    const std::string path = path_of("children");
    FANFOLD_ASSIGN_OR_RETURN(children_,
                             given_.write_children({path, [this] { return interrupted(); }}));
    FANFOLD_RETURN_IF_ERROR(name_run());
    ItemJobPlan plan;
    plan.state = &state_;
    plan.children = &children_;
    plan.children_path = path;
    plan.definition_path = path_of("definition");
    plan.directory = given_.directory;
    plan.items = all_items();
    plan.generation = given_.earlier.generation + 1;
    plan.request = flags_.request;
    plan.request.client_id = run_;
    control_ = control_of(state_, plan.request);
    if (children_.children == 0) return {};
    FANFOLD_ASSIGN_OR_RETURN(job_, make_item_job(surroundings_of(environment_), plan));
    return {};
  }

  bool interrupted() {
    interrupts_.drain();
    return interrupts_.count() > 0;
  }

  /// Runs that go on where another one ended have its name: children see it in their keys.
  Status name_run() {
    const Result<std::string> known = read_small_file(path_of("run"));
    run_ = known.ok() && !known->empty() ? *known : make_client_id();
    if (!given_.run.empty()) run_ = given_.run;
    return write_small_file(path_of("run"), run_);
  }

  int run_job() {
    PipelineCluster cluster(environment_, flags_.master, flags_.shape, interrupts_);
    if (!flags_.quiet) cluster.show_progress();
    std::vector<StageTemplate> stages(1);
    stages[0].stage = &job_.stage;
    stages[0].spec = job_.spec;
    PipelineOptions options;
    options.on_event = [this](const StageEvent& event) {
      if (event.status != nullptr) control_ = event.status->control;
    };
    PipelineRun pipeline(std::move(stages), work_, cluster.desk(), options);
    const PipelineOutcome outcome = pipeline.run();
    std::vector<proto::LogEntry> attempts;
    if (outcome.failed) attempts = cluster.attempts_of(*outcome.failed);
    cluster.stop(!outcome.complete());
    if (!outcome.complete()) return explain(outcome, std::move(attempts));
    return finish(outcome.results.at("items").directory);
  }

  int explain(const PipelineOutcome& outcome, std::vector<proto::LogEntry> attempts) const {
    const int code = report_incomplete(
        environment_,
        {outcome, "", std::move(attempts), flags_.master.address, interrupts_.count() > 0});
    print_error("fanfold: nothing is published; what is there yet is kept in " + flags_.work +
                ", and the same command goes on.\n");
    return code;
  }

  int finish(const std::string& job_output) {
    ResultPlan plan;
    plan.state = &state_;
    plan.run = run_;
    plan.job_output = job_output;
    plan.children = path_of("children");
    plan.items = all_items();
    plan.control = control_;
    plan.staging = path_of("results");
    plan.output = given_.output;
    plan.replace = given_.replace;
    plan.job_text = item_job_text(state_, given_.directory);
    plan.earlier = given_.earlier;
    const Result<ItemResults> results = write_item_results(io::posix_file_system(), plan);
    if (!results.ok()) return report(results.status());
    ItemSummary summary{state_.label, given_.output, *results, 0};
    const Duration wall = steady_clock().now() - started_;
    summary.wall_ms = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(wall).count());
    if (Status status = clear_up(); !status.ok()) return report(status);
    if (flags_.json) print(json_of(summary));
    if (!flags_.json && !flags_.quiet) print(text_of(summary));
    return tell_end(summary);
  }

  /// From when the run has no name any more, nobody goes on from what is left.
  Status clear_up() {
    FANFOLD_RETURN_IF_ERROR(io::posix_file_system().remove_file(path_of("run")));
    return work_.finish(false, {});
  }

  const Environment& environment_;
  const ItemRunFlags& flags_;
  const ItemWork& given_;
  MapState& state_;
  WorkDirectory work_;
  Interrupts interrupts_;
  ChildFile children_;
  ItemJob job_;
  std::string run_;
  proto::JobControl control_;
  const Instant started_ = steady_clock().now();
};

}  // namespace

std::vector<Flag> item_run_flags() {
  return {
      {"workers", '\0', "N", "Worker processes of the private cluster. Default: 2.", false},
      {"slots", '\0', "N", "Tasks at a time in each worker. Default: the cores, shared out.",
       false},
      {"master", '\0', "ADDR", "Run it on this cluster. Default: FANFOLD_MASTER.", false},
      key_flag(),
      {"work", '\0', "DIR", "Where it keeps what it goes on from. Default: OUTPUT.work.", false},
      {"quiet", 'q', "", "Print nothing but errors.", false},
      {"json", '\0', "", "Print what became of them as JSON.", false}};
}

Result<ItemRunFlags> read_item_run_flags(const Environment& environment,
                                         const Arguments& arguments) {
  ItemRunFlags flags;
  flags.master = {arguments.value("master").value_or(environment.master.value_or("")),
                  arguments.value("key").value_or(environment.key.value_or(""))};
  FANFOLD_ASSIGN_OR_RETURN(const auto workers, count_flag(arguments, "workers", 1, kWorkersMax));
  FANFOLD_ASSIGN_OR_RETURN(const auto slots, count_flag(arguments, "slots", 1, kSlotsMax));
  if (!flags.master.address.empty() && (workers || slots)) {
    return refuse("--workers and --slots make no sense with a master: the cluster has its own.");
  }
  flags.shape = choose_shape(workers, slots, usable_cores());
  flags.work = arguments.value("work").value_or("");
  flags.quiet = arguments.has("quiet");
  flags.json = arguments.has("json");
  return flags;
}

bool is_output_of(const std::string& work, const std::string& output) {
  const Result<std::string> run = read_small_file(path_in(work, "run"));
  const Result<std::string> text = read_small_file(output + "/manifest.json");
  if (!run.ok() || !text.ok()) return false;
  const Result<Json> manifest = items::parse_json(*text);
  return manifest.ok() && manifest->is_object() && manifest->value("MapRun", Json()) == *run;
}

int run_item_work(const Environment& environment, const ItemRunFlags& flags, const ItemWork& work) {
  return ItemRun(environment, flags, work).run();
}

}  // namespace fanfold::cli
