// `events`: what happened to a job, one JSON object a line.

#include <poll.h>

#include "cli/client/event_stream.hpp"
#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/process/interrupts.hpp"
#include "cli/view/names.hpp"

namespace fanfold::cli {
namespace {

/// A follower asks this often; the master writes no more often itself.
constexpr int kFollowMilliseconds = 200;

int events_main(const Environment& environment, const Arguments& arguments) {
  const Result<JobId> job = parse_job(arguments.positionals().front());
  if (!job.ok()) return report(job.status());
  const Result<MasterPlace> address = find_master(environment, arguments);
  if (!address.ok()) return report(address.status());
  Interrupts interrupts;
  const Result<std::unique_ptr<Client>> client = connect_interruptibly(*address, interrupts);
  if (!client.ok()) return report(client.status());
  EventReader reader;
  reader.take = [](std::string_view bytes) {
    print(bytes);
    return Status();
  };
  if (arguments.has("follow")) {
    reader.wait = [&interrupts] {
      pollfd wait = {interrupts.descriptor(), POLLIN, 0};
      ::poll(&wait, 1, kFollowMilliseconds);
      interrupts.drain();
      return interrupts.count() == 0;
    };
  }
  const Status status = read_events(**client, *job, reader);
  if (interrupts.count() > 0) return kExitInterrupted;
  return status.ok() ? kExitDone : report(status);
}

}  // namespace

Command events_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "events";
  syntax.positionals = "JOB_ID";
  syntax.summary = "Prints the event log of a job: one JSON object for each thing that happened.";
  syntax.description =
      "docs/operating/events.md explains the events. 'fanfold run --events FILE' keeps the log of "
      "a\n"
      "job whose cluster is gone with it.";
  syntax.flags = {
      {"follow", 'f', "", "Go on until the job is over.", false}, master_flag(), key_flag()};
  syntax.positionals_min = syntax.positionals_max = 1;
  command.run = events_main;
  return command;
}

}  // namespace fanfold::cli
