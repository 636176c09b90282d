// One job from submission to its end, as the command that waits for it sees it.

#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/client/client.hpp"
#include "cli/commands/command.hpp"
#include "cli/process/interrupts.hpp"
#include "cli/view/display.hpp"

namespace fanfold::cli {

/// How it went.  Either `error` or `status` says so.
struct Conclusion {
  Status error;
  std::optional<proto::JobStatus> status;
  std::vector<proto::LogEntry> attempts;  // Of the failed task.
  bool interrupted = false;
  Status events_kept;  // The event log, where one was asked for.
};

struct SessionOptions {
  Interrupts* interrupts = nullptr;
  Display* display = nullptr;
  /// Called after every wait; an error ends the session.
  std::function<Status()> check;
  /// Whether an interrupt cancels the job.  False: it only ends the waiting.
  bool cancel_on_interrupt = true;
  /// Whether an interrupt may leave a job behind that is being submitted: its cluster ends anyway.
  bool abandon_submission = false;
};

class Session {
 public:
  Session(Client& client, SessionOptions options);

  /// Submits, follows, and fetches the causes when the job failed.
  Conclusion run(const proto::JobSpec& spec);
  /// The same for a job that is there already.
  Conclusion follow(JobId job);

 private:
  Attention attend();
  void tell_silence();
  Result<JobId> submit(const proto::JobSpec& spec);

  Client& client_;
  SessionOptions options_;
  Status check_failed_;
  std::optional<Instant> cancelled_at_;
};

/// The attempts at the task that failed the job; none of a job without such a task.
std::vector<proto::LogEntry> attempts_at_cause(Client& client, const proto::JobStatus& status);

/// Ends a private cluster of which attempts may still be writing: its master removes their
/// directories once they are gone.  An interrupt ends the waiting; the guardian and the master's
/// own end do what they can.
void stop_in_order(Client& client, Interrupts& interrupts);

struct ReportOptions {
  bool quiet = false;
  bool json = false;
  std::uint64_t wall_ms = 0;
  std::string master;   // Empty: a private cluster, gone by now.
  std::string command;  // To run the job again.
  std::string events;   // Where its event log is kept; empty: nowhere.
};

/// Prints summary, JSON or causes; returns the exit code.
int report_conclusion(const Conclusion& conclusion, const ReportOptions& options);

/// The command line as it can be pasted into a shell.
std::string shell_command(const std::vector<std::string>& words);

}  // namespace fanfold::cli
