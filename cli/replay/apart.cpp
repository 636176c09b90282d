#include "cli/replay/apart.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>

#include "cli/replay/here.hpp"
#include "common/core/unique_fd.hpp"
#include "worker/isolation/crash_capture.hpp"
#include "worker/isolation/executor_frames.hpp"
#include "worker/isolation/executor_state.hpp"
#include "worker/isolation/shared_page.hpp"
#include "worker/isolation/symbolise.hpp"

namespace fanfold::cli {
namespace {

Status cannot(const std::string& what) {
  return {StatusCode::kUnavailable, "cannot " + what + ": " + std::strerror(errno)};
}

[[noreturn]] void run_child(const ApartAttempt& attempt, worker::SharedPage* page, int socket) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  page->began = 1;
  worker::install_crash_capture(page);
  const worker::RunOutcome outcome = attempt.run(&page->progress);
  if (!outcome.succeeded) worker::dump_latest_throw();
  std::cout.flush();
  std::clog.flush();
  std::fflush(nullptr);
  const std::string frame = worker::encode_outcome(attempt.assignment->attempt, outcome);
  ::_exit(worker::write_frame(socket, frame).ok() ? 0 : 1);
}

/// All that the child says before its end of the socket is closed.
std::string read_all(int socket) {
  std::string bytes;
  char buffer[1u << 16];
  for (;;) {
    const ssize_t got = ::read(socket, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(got));
  }
}

/// Where user code was when its process ended.
worker::RunningAttempt description_of(const proto::TaskAssignment& assignment) {
  worker::RunningAttempt attempt(Instant{});
  attempt.attempt = assignment.attempt;
  attempt.task = assignment.task;
  attempt.key_order = assignment.spec.key_order;
  attempt.memory_bytes = memory_here(assignment.spec);
  for (const io::Piece& piece : assignment.split.pieces) attempt.piece_paths.push_back(piece.path);
  return attempt;
}

}  // namespace

Result<worker::RunOutcome> run_apart(const ApartAttempt& attempt) {
  FANFOLD_ASSIGN_OR_RETURN(const worker::SharedMapping mapping, worker::SharedMapping::create());
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return cannot("make a socket pair");
  }
  const UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  worker::SharedPage& page = mapping.page();
  worker::reset(page);
  const pid_t child = ::fork();
  if (child < 0) return cannot("start a process");
  if (child == 0) run_child(attempt, &page, theirs.get());
  theirs.reset();
  worker::FrameCollector collector(worker::kOutcomeFrameBytes);
  collector.add(read_all(ours.get()));
  int status = 0;
  rusage used{};
  while (::wait4(child, &status, 0, &used) < 0 && errno == EINTR) {
  }
  const Result<std::string> frame = collector.next();
  worker::RunOutcome outcome;
  if (frame.ok()) {
    FANFOLD_ASSIGN_OR_RETURN(outcome, worker::decode_outcome(*frame, attempt.assignment->attempt));
    if (outcome.succeeded) return outcome;
  }
  const worker::CrashReport crash = worker::read_crash(page);
  if (!frame.ok()) {
    worker::ZygoteEvent end;
    end.kind = worker::ZygoteEvent::Kind::kEnded;
    end.wait_status = status;
    end.peak_rss_bytes = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
    outcome.failure =
        worker::explain_end(description_of(*attempt.assignment), crash, page, end, false);
  }
  outcome.failure.memory.peak_bytes = static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
  outcome.failure.memory.budget_bytes = memory_here(attempt.assignment->spec);
  outcome.failure.stack = worker::symbolise(crash, attempt.assignment->spec.plugin.path);
  return outcome;
}

}  // namespace fanfold::cli
