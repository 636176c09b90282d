#include "cli/cluster/programs.hpp"

#include <sched.h>

#include <algorithm>

namespace fanfold::cli {
namespace {

void append_common(const ProgramOptions& options, SpawnRequest* request) {
  const auto give = [&](const char* flag, int descriptor) {
    if (descriptor < 0) return;
    request->arguments.insert(request->arguments.end(), {flag, std::to_string(descriptor)});
    request->inherited.push_back(descriptor);
  };
  give("--lifetime-fd", options.lifetime_fd);
  give("--ready-fd", options.ready_fd);
  if (options.guardian >= 0) request->inherited.push_back(options.guardian);
  request->new_session = options.new_session;
}

}  // namespace

ClusterShape choose_shape(std::optional<std::uint32_t> workers, std::optional<std::uint32_t> slots,
                          std::uint32_t cores) {
  ClusterShape shape;
  shape.workers = workers.value_or(cores > 1 ? 2 : 1);
  shape.slots = slots.value_or(std::max<std::uint32_t>(1, cores / shape.workers));
  return shape;
}

std::uint32_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&set)));
}

std::string master_address(const std::string& directory) {
  return "ipc://" + directory + "/master.sock";
}

std::string pages_address(std::uint16_t http_port) {
  return "http://127.0.0.1:" + std::to_string(http_port) + "/";
}

std::string event_directory(const std::string& directory) { return directory + "/events"; }

std::string master_log(const std::string& directory) { return directory + "/master.log"; }

std::string worker_log(const std::string& directory, std::uint32_t number) {
  return directory + "/worker-" + std::to_string(number) + ".log";
}

SpawnRequest master_program(const ProgramOptions& options) {
  SpawnRequest request;
  request.program = options.program_directory + "/fanfold-master";
  request.arguments = {"--listen",
                       options.listen.empty() ? master_address(options.directory) : options.listen};
  if (!options.key_directory.empty()) {
    request.arguments.insert(request.arguments.end(), {"--keys", options.key_directory});
  }
  if (options.keeps_state) {
    request.arguments.insert(request.arguments.end(), {"--state", options.directory + "/state"});
  } else {
    request.arguments.insert(request.arguments.end(),
                             {"--ephemeral", "--events", event_directory(options.directory)});
  }
  if (options.http_port != 0) {
    request.arguments.insert(request.arguments.end(),
                             {"--http", std::to_string(options.http_port)});
  }
  request.output = master_log(options.directory);
  append_common(options, &request);
  return request;
}

std::vector<std::string> distant_worker_arguments(const DistantWorker& worker) {
  std::vector<std::string> words = {"--master", worker.master};
  const auto add = [&words](const char* flag, const std::string& value) {
    words.insert(words.end(), {flag, value});
  };
  if (!worker.name.empty()) add("--name", worker.name);
  if (worker.slots > 0) add("--slots", std::to_string(worker.slots));
  if (worker.memory_bytes > 0) add("--memory", std::to_string(worker.memory_bytes));
  if (!worker.scratch.empty()) add("--scratch", worker.scratch);
  if (!worker.host.empty()) add("--host-name", worker.host);
  for (const std::string& directory : worker.host_inputs) add("--host-input", directory);
  return words;
}

SpawnRequest worker_program(const ProgramOptions& options, const ClusterShape& shape,
                            std::uint32_t number) {
  SpawnRequest request;
  request.program = options.program_directory + "/fanfold-worker";
  request.arguments = {
      "--master", master_address(options.directory),  "--private-dir", options.directory,
      "--name",   "worker-" + std::to_string(number), "--slots",       std::to_string(shape.slots)};
  if (shape.memory_bytes > 0) {
    request.arguments.insert(request.arguments.end(),
                             {"--memory", std::to_string(shape.memory_bytes)});
  }
  request.output = worker_log(options.directory, number);
  append_common(options, &request);
  return request;
}

}  // namespace fanfold::cli
