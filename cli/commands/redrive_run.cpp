#include "cli/commands/redrive_run.hpp"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands/bad_record_flags.hpp"
#include "cli/commands/connection.hpp"
#include "cli/commands/item_run.hpp"
#include "cli/commands/job_flags.hpp"
#include "cli/commands/pipeline_cluster.hpp"
#include "cli/commands/pipeline_report.hpp"
#include "cli/job/job_source.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/output/verification.hpp"
#include "cli/pipeline/small_files.hpp"
#include "cli/pipeline/work_directory.hpp"
#include "cli/redrive/next_generation.hpp"
#include "cli/redrive/redrive_job.hpp"
#include "cli/view/names.hpp"
#include "common/core/clock.hpp"
#include "common/io/file_system.hpp"
#include "common/storage/storage.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

/// In a work directory.
constexpr const char* kRedriveName = "redrive";

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

Result<JobRequest> read_request(const Environment& environment, const Arguments& arguments,
                                const io::Manifest& earlier) {
  JobRequest request;
  request.plugin = arguments.value("plugin");
  const auto bundled = bundled_jobs(environment.program_directory);
  const bool is_bundled =
      std::find(bundled.begin(), bundled.end(), earlier.job_name) != bundled.end();
  if (!request.plugin && !is_bundled) {
    return refuse("'" + earlier.job_name +
                  "' is no bundled job; name the plugin that maps its records now with --plugin "
                  "FILE.so");
  }
  request.side_files = arguments.values("file");
  FANFOLD_ASSIGN_OR_RETURN(request.memory_bytes, memory_flag(arguments));
  FANFOLD_ASSIGN_OR_RETURN(request.stall_timeout_ms, stall_timeout_flag(arguments));
  return request;
}

/// What is in it goes with the redrive, so it may hold nothing of anybody else.
Status check_work(const std::string& work) {
  const Result<std::vector<std::string>> names = storage().list(work);
  if (!names.ok()) return {};
  for (const std::string& name : *names) {
    if (name == kRedriveName || name.starts_with(".lock") || name.starts_with(".pipeline"))
      continue;
    return refuse("the work directory " + work + " holds '" + name +
                  "', which is of something else; name another one with --work");
  }
  return {};
}

Result<io::Manifest> read_earlier(const RedriveTarget& target) {
  FANFOLD_ASSIGN_OR_RETURN(io::Manifest earlier, read_redrivable(storage(), target.output));
  if (!target.job || is_output_of(earlier, *target.job)) return earlier;
  const std::string job = std::to_string(target.job->job.value);
  return refuse(target.output + " is not the output of job " + job +
                " any more: something else was written there since; name the directory instead of "
                "the job if that is what you mean");
}

class Redrive {
 public:
  Redrive(const Environment& environment, const ItemRunFlags& flags, const RedriveTarget& target)
      : environment_(environment), flags_(flags), target_(target), output_(target.output) {}

  int run(const Arguments& arguments) {
    if (Status status = check_work(flags_.work); !status.ok()) return report(status);
    if (Status status = work_.open(flags_.work, false); !status.ok()) return report(status);
    if (Status status = interrupts_.start(); !status.ok()) return give_up(status);
    if (Status status = prepare(arguments); !status.ok()) return give_up(status);
    PipelineCluster cluster(environment_, flags_.master, flags_.shape, interrupts_);
    if (!flags_.quiet) cluster.show_progress();
    const Result<proto::JobStatus> ended = run_on(cluster);
    const bool succeeded = ended.ok() && ended->state == proto::JobState::kSucceeded;
    std::vector<proto::LogEntry> attempts;
    if (ended.ok() && !succeeded) attempts = cluster.attempts_of(*ended);
    cluster.stop(!succeeded);
    if (!succeeded) return explain(ended, std::move(attempts));
    if (ended->dead_letters == job_.records) return nothing_mapped();
    return publish();
  }

 private:
  /// No other run has the same.
  std::string path_of(const char* name) const { return directory() + "/" + run_ + "/" + name; }
  /// Which job a run has begun on a cluster that outlives it.
  std::string job_file() const { return directory() + "/job"; }
  std::string directory() const { return flags_.work + "/" + kRedriveName; }

  bool interrupted() {
    interrupts_.drain();
    return interrupts_.count() > 0;
  }

  /// All that can be refused before anything starts.
  Status prepare(const Arguments& arguments) {
    io::FileSystem& files = storage();
    // Whoever held the work directory before may have replaced it.
    FANFOLD_ASSIGN_OR_RETURN(earlier_, read_earlier(target_));
    FANFOLD_ASSIGN_OR_RETURN(const JobRequest request,
                             read_request(environment_, arguments, earlier_));
    end_job_before();
    FANFOLD_RETURN_IF_ERROR(files.remove_tree(directory()));
    FANFOLD_RETURN_IF_ERROR(files.make_directories(directory() + "/" + run_));
    FANFOLD_ASSIGN_OR_RETURN(const io::FileInfo here, files.stat(flags_.work));
    FANFOLD_ASSIGN_OR_RETURN(const io::FileInfo there, files.stat(output_));
    if (here.device != there.device) {
      return refuse("the work directory " + flags_.work +
                    " has to lie on the file system of the output; name another one with --work");
    }
    RedrivePlan plan;
    plan.earlier = &earlier_;
    plan.earlier_directory = output_;
    plan.inputs = path_of("earlier");
    plan.made = path_of("made");
    plan.request = request;
    plan.interrupted = [this] { return interrupted(); };
    FANFOLD_ASSIGN_OR_RETURN(job_, make_redrive_job(files, surroundings_of(environment_), plan));
    return {};
  }

  /// One that was killed may have left its job behind, which would miss what is removed now.
  void end_job_before() {
    const Result<std::string> left = read_small_file(job_file());
    if (!left.ok() || flags_.master.address.empty()) return;
    const Result<JobId> job = parse_job(left->substr(0, left->find('\n')));
    if (!job.ok()) return;
    const auto client = connect_client(flags_.master, steady_clock(), {interrupts_.descriptor()});
    if (!client.ok()) return;
    const Result<proto::JobStatus> status = get_job(**client, *job);
    // Another master may have given the same number to another job.
    if (!status.ok() || status->output != left->substr(left->find('\n') + 1)) return;
    FollowHooks hooks;
    hooks.on_wake = [this] { return interrupted() ? Attention::kAbandon : Attention::kCancel; };
    if (!proto::is_final(status->state)) static_cast<void>((*client)->follow(*job, hooks).ok());
  }

  Result<proto::JobStatus> run_on(PipelineCluster& cluster) {
    FANFOLD_ASSIGN_OR_RETURN(const JobId job, cluster.submit(job_.spec));
    FANFOLD_RETURN_IF_ERROR(
        write_small_file(job_file(), std::to_string(job.value) + "\n" + job_.spec.output));
    return cluster.wait_for_one({job});
  }

  /// Nothing in the work directory is of use to a later run.
  void clear_up() { static_cast<void>(work_.finish(false, {}).ok()); }

  int give_up(const Status& why) {
    clear_up();
    if (!interrupted()) return report(why);
    print_error("fanfold: interrupted.\n");
    return kExitInterrupted;
  }

  int explain(const Result<proto::JobStatus>& ended, std::vector<proto::LogEntry> attempts) {
    PipelineOutcome outcome;
    if (ended.ok()) {
      outcome.failed = *ended;
    } else {
      outcome.error = ended.status();
    }
    const int code = report_incomplete(
        environment_, {outcome, "", std::move(attempts), flags_.master.address, interrupted()});
    print_error("fanfold: " + printable(output_, false) + " is as it was.\n");
    clear_up();
    return code;
  }

  int nothing_mapped() {
    clear_up();
    print_error("fanfold: none of the " + plural(job_.records, "record") +
                " could be mapped with this plugin either; " + printable(output_, false) +
                " is as it was, and 'fanfold dlq list " + printable(output_, false) +
                "' tells of them.\n");
    return kExitFailed;
  }

  int publish() {
    NextGeneration next;
    next.output = output_;
    next.earlier = &earlier_;
    next.made = path_of("made");
    next.records = job_.records;
    next.staging = path_of("next");
    // Not below what the next redrive removes.
    next.displaced = flags_.work + "/displaced";
    const Result<io::Manifest> now = publish_next_generation(storage(), next);
    if (!storage().stat(next.displaced).ok()) clear_up();
    if (!now.ok()) return report(now.status());
    if (flags_.json) {
      tell_json(*now);
    } else if (!flags_.quiet) {
      tell(*now);
    }
    const std::string where = printable(output_, false);
    if (now->dead_letters > 0) {
      print_error("fanfold: " + plural(now->dead_letters, "record") + " of " + where +
                  " could not be mapped again: 'fanfold dlq list " + where + "' says why.\n");
    }
    if (now->partial()) {
      print_error("fanfold: " + where + " lacks some of its input as before.\n");
    }
    return now->dead_letters > 0 || now->partial() ? kExitPartial : kExitDone;
  }

  std::uint64_t wall_ms() const {
    const Duration wall = steady_clock().now() - started_;
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(wall).count());
  }

  void tell(const io::Manifest& now) const {
    print(now.job_name + ": generation " + std::to_string(now.generation) + " in " +
          format_milliseconds(wall_ms()) + "\n  redriven  " +
          format_count(job_.records - now.dead_letters) + " of " +
          plural(job_.records, "dead letter") + "\n  output    " + printable(output_, false) +
          ": " + plural(now.records, "record") + ", " + format_bytes(now.bytes) + "\n");
  }

  void tell_json(const io::Manifest& now) const {
    const nlohmann::ordered_json json = {{"job", now.job_name},
                                         {"output", output_},
                                         {"generation", now.generation},
                                         {"redriven", job_.records - now.dead_letters},
                                         {"dead_letters", now.dead_letters},
                                         {"records", now.records},
                                         {"bytes", now.bytes},
                                         {"wall_ms", wall_ms()}};
    print(json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  }

  const Environment& environment_;
  const ItemRunFlags& flags_;
  const std::string run_ = make_client_id();
  const RedriveTarget& target_;
  const std::string& output_;
  io::Manifest earlier_;
  WorkDirectory work_;
  Interrupts interrupts_;
  RedriveJob job_;
  const Instant started_ = steady_clock().now();
};

}  // namespace

std::vector<Flag> redrive_run_flags() {
  return {{"file", '\0', "NAME=PATH", "Side file that every task can read under this name.", true},
          {"memory", '\0', "SIZE", "Memory of each executor. Default: a share of the machine's.",
           false},
          stall_timeout_flag_entry()};
}

int redrive_output(const Environment& environment, const Arguments& arguments,
                   RedriveTarget target) {
  // A link would be replaced itself, and what it leads to would stay.
  std::error_code none;
  const auto real = std::filesystem::canonical(target.output, none);
  if (!none) target.output = real.string();
  const Result<io::Manifest> earlier = read_earlier(target);
  if (!earlier.ok()) return report(earlier.status());
  const Result<JobRequest> request = read_request(environment, arguments, *earlier);
  if (!request.ok()) return report(request.status());
  Result<ItemRunFlags> flags = read_item_run_flags(environment, arguments);
  if (!flags.ok()) return report(flags.status());
  flags->work = flags->work.empty() ? target.output + ".work"
                                    : absolute_path(environment.working_directory, flags->work);
  flags->shape.memory_bytes = request->memory_bytes;
  return Redrive(environment, *flags, target).run(arguments);
}

}  // namespace fanfold::cli
