// The one place that knows Boost.Program_options.

#include "worker/service/options.hpp"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <boost/program_options.hpp>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <memory>

#include "common/core/executor_memory.hpp"

namespace fanfold::worker {
namespace {

namespace po = boost::program_options;

constexpr std::uint32_t kSlotsMax = 1024;

Status invalid(const std::string& message) { return {StatusCode::kInvalidArgument, message}; }

po::options_description described() {
  po::options_description all("fanfold-worker: runs the tasks of a Fanfold cluster on this host");
  auto add = all.add_options();
  add("help", "this text");
  add("version", "the version");
  add("master", po::value<std::string>(),
      "address of the master, such as ipc:///run/ff/master.sock");
  add("key", po::value<std::string>(),
      "file with this worker's key, made by 'fanfold keys add NAME --role worker'; tcp:// needs "
      "it");
  add("plugin-allow", po::value<std::string>(),
      "run no plugin that is not in this file of SHA-256 digests, as sha256sum prints them");
  add("private-dir", po::value<std::string>(),
      "directory of the cluster, mode 0700: sockets and scratch files go there");
  add("scratch", po::value<std::string>(),
      "intermediate files go into a directory of our own in here (default: --private-dir, else "
      "/var/tmp/fanfold-<uid>)");
  add("data-address", po::value<std::string>(),
      "address other workers fetch from (default: a socket among the scratch files; with a master "
      "at tcp:// any port of the address that leads there)");
  add("data-advertised", po::value<std::string>(),
      "what other workers are told in its place, when something forwards to it");
  add("slots", po::value<std::uint32_t>(), "tasks that run at once (default: one a core)");
  add("memory", po::value<std::string>(),
      "budget of each executor, such as 512M (default: 70% of RAM shared by the slots, at most "
      "1G)");
  add("name", po::value<std::string>(), "shown to people (default: host name and process id)");
  add("host-name", po::value<std::string>(),
      "of this host in inputs such as host://NAME/var/log/syslog (default: its host name)");
  add("host-input", po::value<std::vector<std::string>>(),
      "let jobs read files in this directory by the name of the host; may be repeated (default: "
      "with a master at ipc:// all that this user may read, else nothing)");
  add("lifetime-fd", po::value<int>(), "end when this descriptor reaches its end of file");
  add("ready-fd", po::value<int>(), "write a byte here once the master has welcomed this worker");
  add("http", po::value<std::uint16_t>(),
      "answer /metrics at this port of 127.0.0.1 (0: any; the log has it)");
  add("http-host", po::value<std::vector<std::string>>(),
      "another value of the Host header to answer, for the far end of a tunnel");
  add("allow-unauthenticated-tcp", po::bool_switch(),
      "use tcp:// on the loopback without keys; for tests alone");
  add("log-level", po::value<std::string>()->default_value("info"),
      "debug, info, warn, error or off");
  add("log-file", po::value<std::string>(), "append log lines to this file (default: stderr)");
  return all;
}

std::string text_or(const po::variables_map& given, const char* name, std::string otherwise) {
  return given.count(name) != 0 ? given[name].as<std::string>() : std::move(otherwise);
}

/// An ordinary path of ours, so that messages and other processes mean the same file.
std::string absolute(const std::string& path) {
  if (path.empty() || path[0] == '/') return path;
  const std::unique_ptr<char, decltype(&std::free)> here(::getcwd(nullptr, 0), &std::free);
  return here ? std::string(here.get()) + "/" + path : path;
}

std::uint32_t usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return static_cast<std::uint32_t>(std::max(1, CPU_COUNT(&set)));
}

std::uint64_t default_memory(std::uint32_t slots) {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  const bool known = pages > 0 && page > 0;
  return default_executor_memory(
      known ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0, slots);
}

std::string host_name() {
  char host[HOST_NAME_MAX + 1] = "worker";
  ::gethostname(host, sizeof host);
  host[HOST_NAME_MAX] = '\0';
  return host;
}

std::string default_name() { return host_name() + "/" + std::to_string(::getpid()); }

/// As it is called and as it is: links may lead there.
Status add_host_input(const std::string& word, inputs::HostInputs* readable) {
  std::string directory = absolute(word);
  while (directory.size() > 1 && directory.back() == '/') directory.pop_back();
  std::error_code error;
  const std::string real = std::filesystem::canonical(directory, error).string();
  if (error || !std::filesystem::is_directory(real, error)) {
    return invalid("--host-input " + word + " is no directory" +
                   (error ? ": " + error.message() : ""));
  }
  readable->directories.push_back(directory);
  if (real != directory) readable->directories.push_back(real);
  return {};
}

Status read_host_inputs(const po::variables_map& given, WorkerOptions* options) {
  inputs::HostInputs& readable = options->host_inputs;
  readable.host = text_or(given, "host-name", host_name());
  if (given.count("host-input") != 0) {
    for (const std::string& word : given["host-input"].as<std::vector<std::string>>()) {
      FANFOLD_RETURN_IF_ERROR(add_host_input(word, &readable));
    }
  } else if (options->master.starts_with("ipc://")) {
    // Whoever reaches that socket is the same user.
    readable.directories = {"/"};
  }
  if (inputs::is_host_name(readable.host)) return {};
  if (given.count("host-name") != 0 || given.count("host-input") != 0) {
    return invalid("'" + readable.host +
                   "' cannot be the name of a host in inputs: letters, digits, '.', '_' and '-', "
                   "at most 64 of them; give another with --host-name");
  }
  readable = {};
  return {};
}

Result<int> descriptor_option(const po::variables_map& given, const char* name) {
  if (given.count(name) == 0) return -1;
  const int descriptor = given[name].as<int>();
  if (descriptor < 0 || ::fcntl(descriptor, F_GETFD) < 0) {
    return invalid(std::string("--") + name + " " + std::to_string(descriptor) +
                   " is not an open descriptor");
  }
  return descriptor;
}

Status read_resources(const po::variables_map& given, WorkerOptions* options) {
  options->slots = given.count("slots") != 0 ? given["slots"].as<std::uint32_t>() : usable_cores();
  if (options->slots == 0 || options->slots > kSlotsMax) {
    return invalid("--slots must be between 1 and " + std::to_string(kSlotsMax));
  }
  options->threads = std::max(1u, usable_cores() / options->slots);
  options->memory_bytes = default_memory(options->slots);
  if (given.count("memory") != 0) {
    auto bytes = parse_size(given["memory"].as<std::string>());
    if (!bytes.ok()) return std::move(bytes).status().with_context("--memory");
    options->memory_bytes = *bytes;
  }
  if (options->memory_bytes < kExecutorMemoryMin) {
    return invalid("--memory must be at least 32M: an executor needs about that much to run");
  }
  return {};
}

Status read_places(const po::variables_map& given, WorkerOptions* options) {
  if (given.count("master") == 0) {
    return invalid("--master is missing; give the address that fanfold-master listens on");
  }
  options->master = given["master"].as<std::string>();
  options->name = text_or(given, "name", default_name());
  // Two workers of one name, or one that is started again, never share files.
  const std::string unique = "worker-" + std::to_string(::getpid());
  const std::string directory = absolute(text_or(given, "private-dir", ""));
  const std::string parent = absolute(
      text_or(given, "scratch",
              directory.empty() ? "/var/tmp/fanfold-" + std::to_string(::getuid()) : directory));
  options->scratch = parent + "/" + unique;
  options->key = text_or(given, "key", "");
  options->plugin_list = text_or(given, "plugin-allow", "");
  options->data_address = text_or(given, "data-address", "");
  options->data_advertised = text_or(given, "data-advertised", "");
  return {};
}

Result<std::optional<WorkerOptions>> interpret(const po::variables_map& given) {
  WorkerOptions options;
  FANFOLD_RETURN_IF_ERROR(read_places(given, &options));
  FANFOLD_RETURN_IF_ERROR(read_resources(given, &options));
  FANFOLD_ASSIGN_OR_RETURN(options.lifetime_fd, descriptor_option(given, "lifetime-fd"));
  FANFOLD_ASSIGN_OR_RETURN(options.ready_fd, descriptor_option(given, "ready-fd"));
  options.allow_unauthenticated_tcp = given["allow-unauthenticated-tcp"].as<bool>();
  if (options.allow_unauthenticated_tcp && !options.key.empty()) {
    return invalid("--key and --allow-unauthenticated-tcp exclude each other");
  }
  FANFOLD_ASSIGN_OR_RETURN(options.log_level,
                           parse_log_level(given["log-level"].as<std::string>()));
  options.log_file = text_or(given, "log-file", "");
  FANFOLD_RETURN_IF_ERROR(read_host_inputs(given, &options));
  if (given.count("http") != 0) options.http_port = given["http"].as<std::uint16_t>();
  if (given.count("http-host") != 0) {
    if (!options.http_port) return invalid("--http-host makes no sense without --http");
    options.http_hosts = given["http-host"].as<std::vector<std::string>>();
  }
  return std::optional(std::move(options));
}

}  // namespace

Result<std::uint64_t> parse_size(const std::string& text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  std::string unit(parsed.ptr, end);
  std::transform(unit.begin(), unit.end(), unit.begin(),
                 [](unsigned char letter) { return std::tolower(letter); });
  int shift = -1;
  if (unit.empty() || unit == "b") shift = 0;
  if (unit == "k" || unit == "kib" || unit == "kb") shift = 10;
  if (unit == "m" || unit == "mib" || unit == "mb") shift = 20;
  if (unit == "g" || unit == "gib" || unit == "gb") shift = 30;
  if (parsed.ec != std::errc() || shift < 0 || number > (UINT64_MAX >> shift)) {
    return invalid("'" + text + "' is not a size; write 512M, 2G or a number of bytes");
  }
  return number << shift;
}

Result<std::optional<WorkerOptions>> parse_options(int argc, const char* const* argv) {
  const po::options_description all = described();
  po::variables_map given;
  try {
    const auto parsed =
        po::command_line_parser(argc, argv)
            .options(all)
            .positional({})
            .style(po::command_line_style::default_style & ~po::command_line_style::allow_guessing)
            .run();
    po::store(parsed, given);
    po::notify(given);
  } catch (const std::exception& error) {
    return invalid(std::string(error.what()) + "; see fanfold-worker --help");
  }
  if (given.count("help") != 0) {
    std::cout << all;
    return std::optional<WorkerOptions>();
  }
  if (given.count("version") != 0) {
    std::cout << "fanfold-worker " FANFOLD_VERSION "\n";
    return std::optional<WorkerOptions>();
  }
  return interpret(given);
}

}  // namespace fanfold::worker
