// `queue`: the tasks of jobs that wait for workers.

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "cli/commands/command.hpp"
#include "cli/commands/connection.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/text/table.hpp"
#include "cli/view/names.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {
namespace {

/// Of the maps of one job.
struct Row {
  JobId job;
  std::string name;
  bool paused = false;
  proto::QueueStatus queue;
  std::uint64_t in_flight = 0;
  std::uint64_t done = 0;
  std::uint64_t redelivered = 0;
  std::uint64_t dead = 0;
};

Row row_of(const proto::JobStatus& status) {
  Row row;
  row.job = status.job;
  row.name = status.job_name;
  row.paused = status.control.paused;
  row.queue = status.queue;
  row.redelivered = std::uint64_t{status.failed_attempts} + status.lost_attempts;
  row.dead = status.dead_letters + status.completion.maps_failed;
  for (const proto::StageStatus& stage : status.stages) {
    if (stage.stage != Stage::kMap) continue;
    row.in_flight = stage.running;
    row.done = stage.done;
  }
  return row;
}

/// "1:12 2:3": twelve tasks were handed out once, three twice.
std::string receipts_of(const proto::QueueStatus& queue) {
  std::string text;
  for (std::size_t i = 0; i < queue.received.size(); ++i) {
    if (queue.received[i] == 0) continue;
    // The last number that is told apart stands for more, too.
    const bool more = i + 1 == queue.received.size() && queue.received_most > i + 1;
    text += (text.empty() ? "" : " ") + std::to_string(i + 1) + (more ? "+" : "") + ":" +
            std::to_string(queue.received[i]);
  }
  return text.empty() ? "-" : text;
}

Result<std::vector<Row>> read_rows(const Environment& environment, const Arguments& arguments) {
  FANFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<Client> client,
                           connect_to_master(environment, arguments));
  std::vector<Row> rows;
  if (!arguments.positionals().empty()) {
    FANFOLD_ASSIGN_OR_RETURN(const JobId job, parse_job(arguments.positionals().front()));
    FANFOLD_ASSIGN_OR_RETURN(const proto::JobStatus status, get_job(*client, job));
    rows.push_back(row_of(status));
    return rows;
  }
  FANFOLD_ASSIGN_OR_RETURN(const auto jobs, client->ask<proto::JobList>(proto::ListJobs{}));
  for (const proto::JobStatus& status : jobs.jobs) {
    if (!proto::is_final(status.state)) rows.push_back(row_of(status));
  }
  return rows;
}

std::string json_of(const std::vector<Row>& rows) {
  nlohmann::json json = nlohmann::json::array();
  for (const Row& row : rows) {
    json.push_back({{"job", row.job.value},
                    {"name", row.name},
                    {"open", row.queue.open},
                    {"paused", row.paused},
                    {"depth", row.queue.waiting},
                    {"bytes", row.queue.bytes_waiting},
                    {"delayed", row.queue.delayed},
                    {"in_flight", row.in_flight},
                    {"done", row.done},
                    {"oldest_ms", row.queue.oldest_ms},
                    {"received", row.queue.received},
                    {"received_most", row.queue.received_most},
                    {"redelivered", row.redelivered},
                    {"dead_letters", row.dead}});
  }
  return json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string text_of(const std::vector<Row>& rows) {
  Table table({"JOB", "NAME", "INPUT", "DEPTH", "LATER", "IN FLIGHT", "DONE", "OLDEST", "RECEIVED",
               "AGAIN", "DEAD LETTERS"});
  for (const Row& row : rows) {
    table.add(
        {std::to_string(row.job.value), printable(row.name, false),
         row.paused       ? "paused"
         : row.queue.open ? "open"
                          : "closed",
         format_count(row.queue.waiting), format_count(row.queue.delayed),
         format_count(row.in_flight), format_count(row.done),
         row.queue.waiting == row.queue.delayed ? "-" : format_milliseconds(row.queue.oldest_ms),
         receipts_of(row.queue), format_count(row.redelivered), format_count(row.dead)});
  }
  return table.text();
}

int queue_main(const Environment& environment, const Arguments& arguments) {
  const Result<std::vector<Row>> rows = read_rows(environment, arguments);
  if (!rows.ok()) return report(rows.status());
  print(arguments.has("json") ? json_of(*rows) : text_of(*rows));
  return kExitDone;
}

}  // namespace

Command queue_command() {
  Command command;
  Syntax& syntax = command.syntax;
  syntax.command = "queue";
  syntax.positionals = "[JOB_ID]";
  syntax.summary = "Shows the tasks that wait: how many, for how long, what runs, dead letters.";
  syntax.description =
      "Of the maps of all jobs that run, or of one job.  DEPTH: tasks that no worker has; LATER: "
      "of\n"
      "them, those that failed or were given back and are not due yet; OLDEST: how long the first "
      "that\n"
      "is due has waited; RECEIVED: 1:12 2:3 are 12 tasks that were handed out once and 3 that "
      "were\n"
      "twice; AGAIN: attempts that failed or were lost with their worker; DEAD LETTERS: tasks and\n"
      "records that failed for good.  What a restarted master was not told it does not count.";
  syntax.flags = {master_flag(), key_flag(), json_flag()};
  syntax.positionals_max = 1;
  command.run = queue_main;
  return command;
}

}  // namespace fanfold::cli
