#include "cli/commands/history_source.hpp"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "cli/client/event_stream.hpp"
#include "cli/commands/connection.hpp"
#include "cli/options/exit_codes.hpp"
#include "cli/view/names.hpp"

namespace fanfold::cli {
namespace {

bool is_number(const std::string& word) {
  return !word.empty() && word.find_first_not_of("0123456789") == std::string::npos;
}

Result<std::string> events_from_master(const Environment& environment, const Arguments& arguments,
                                       const std::string& word) {
  FANFOLD_ASSIGN_OR_RETURN(const JobId job, parse_job(word));
  FANFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<Client> client,
                           connect_to_master(environment, arguments));
  std::string text;
  EventReader reader;
  reader.take = [&text](std::string_view bytes) {
    text += bytes;
    return Status();
  };
  FANFOLD_RETURN_IF_ERROR(read_events(*client, job, reader));
  return text;
}

Result<std::string> events_from_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (file.bad() || !file.is_open()) {
    return Status(StatusCode::kNotFound,
                  "cannot read the event log " + path + ": " + std::strerror(errno) +
                      ".\nGive the number of a job, or a file of 'fanfold run --events FILE'.");
  }
  return text;
}

Status cannot_write(const std::string& path) {
  return {StatusCode::kIoError, "cannot write " + path + ": " + std::strerror(errno)};
}

}  // namespace

Result<JobHistory> load_history(const Environment& environment, const Arguments& arguments) {
  const std::string& word = arguments.positionals().front();
  // A file of that name is what is meant; `./7` is never a job.
  const bool is_job = is_number(word) && !std::filesystem::exists(word);
  const Result<std::string> text =
      is_job ? events_from_master(environment, arguments, word) : events_from_file(word);
  FANFOLD_RETURN_IF_ERROR(text.status());
  Result<JobHistory> history = read_job_history(*text);
  if (!history.ok()) return history.status().with_context(is_job ? "job " + word : word);
  return history;
}

Status write_result(const Arguments& arguments, std::string_view text) {
  const std::string path = arguments.value("output").value_or("-");
  if (path == "-") {
    print(text);
    return {};
  }
  const std::string temporary = path + ".new-" + std::to_string(::getpid());
  std::ofstream file(temporary, std::ios::binary | std::ios::trunc);
  if (!file) return cannot_write(path);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file || std::rename(temporary.c_str(), path.c_str()) != 0) {
    Status status = cannot_write(path);
    ::unlink(temporary.c_str());
    return status;
  }
  return {};
}

int convert_history(const Environment& environment, const Arguments& arguments,
                    std::string (*convert)(const JobHistory& history)) {
  const Result<JobHistory> history = load_history(environment, arguments);
  if (!history.ok()) return report(history.status());
  const Status written = write_result(arguments, convert(*history));
  return written.ok() ? kExitDone : report(written);
}

Flag result_flag(std::string help) { return {"output", 'o', "FILE", std::move(help), false}; }

}  // namespace fanfold::cli
