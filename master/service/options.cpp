// The only file of the master that knows Boost.Program_options.

#include "master/service/options.hpp"

#include <boost/program_options.hpp>
#include <chrono>
#include <cstdint>
#include <sstream>

namespace fanfold::master {
namespace {

namespace po = boost::program_options;

constexpr std::uint64_t kMillisecondsMax = 24ull * 3600 * 1000;

std::uint64_t milliseconds_of(Duration duration) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

po::options_description describe() {
  po::options_description options("Options of fanfold-master");
  options.add_options()                //
      ("help,h", "show this text")     //
      ("version", "show the version")  //
      ("listen", po::value<std::string>(),
       "where to listen: ipc:///DIR/NAME, DIR being yours alone (mode 0700); or tcp://HOST:PORT, "
       "with --keys")  //
      ("keys", po::value<std::string>(),
       "directory of keys, made by 'fanfold keys init': tcp:// needs it")  //
      ("plugin-allow", po::value<std::string>(),
       "refuse jobs whose plugin is not in this file of SHA-256 digests, as sha256sum prints "
       "them")  //
      ("audit", po::value<std::string>(),
       "append who submits, cancels and stops to this file (default: DIR/audit.log of --state)")  //
      ("state", po::value<std::string>(), "directory that keeps jobs over restarts")              //
      ("ephemeral", "keep no jobs over restarts")                                                 //
      ("events", po::value<std::string>(),
       "directory of the event logs of jobs (default: DIR/events of --state)")       //
      ("ready-fd", po::value<int>(), "write the bound address to this descriptor")   //
      ("lifetime-fd", po::value<int>(), "end when this descriptor reaches its end")  //
      ("worker-silence-ms",
       po::value<std::uint64_t>()->default_value(milliseconds_of(limits::kWorkerSilence)),
       "a worker silent for longer is lost")  //
      ("heartbeat-ms",
       po::value<std::uint64_t>()->default_value(milliseconds_of(limits::kHeartbeatInterval)),
       "how often workers report")  //
      ("host-absence-ms",
       po::value<std::uint64_t>()->default_value(milliseconds_of(limits::kHostAbsence)),
       "tasks whose input lies on a host without workers wait so long")  //
      ("http", po::value<std::uint16_t>(),
       "serve pages and /metrics on 127.0.0.1 at this port (0: any; the log says which): whoever "
       "can log into this host can read them")  //
      ("http-host", po::value<std::vector<std::string>>(),
       "another value of the Host header to answer, such as localhost:8080 at the end of a tunnel; "
       "may be repeated")                                                                    //
      ("allow-unauthenticated-tcp", "listen on the loopback without keys; for tests alone")  //
      ("log-file", po::value<std::string>(),
       "append the log to this file, not to standard error")  //
      ("log-level", po::value<std::string>()->default_value("info"),
       "debug, info, warn, error or off");
  return options;
}

Status wrong(const std::string& why) {
  return {StatusCode::kInvalidArgument, why + " (fanfold-master --help lists the options)"};
}

Result<Duration> milliseconds_option(const po::variables_map& values, const char* name) {
  const auto value = values[name].as<std::uint64_t>();
  if (value == 0 || value > kMillisecondsMax) {
    return wrong(std::string("--") + name + " must be between 1 and " +
                 std::to_string(kMillisecondsMax));
  }
  return Duration(std::chrono::milliseconds(value));
}

Result<MasterOptions> interpret(const po::variables_map& values) {
  MasterOptions options;
  const auto text = [&values](const char* name) {
    return values.count(name) != 0 ? values[name].as<std::string>() : std::string();
  };
  const auto descriptor = [&values](const char* name) {
    return values.count(name) != 0 ? values[name].as<int>() : -1;
  };
  options.address = text("listen");
  if (options.address.empty())
    return wrong("--listen is missing; give an address such as ipc:///DIR/master.sock");
  options.state_directory = text("state");
  const bool ephemeral = values.count("ephemeral") != 0;
  if (options.state_directory.empty() != ephemeral) {
    return wrong("give either --state DIR or --ephemeral");
  }
  options.event_directory = text("events");
  if (options.event_directory.empty() && !ephemeral) {
    options.event_directory = options.state_directory + "/events";
  }
  options.ready_fd = descriptor("ready-fd");
  options.lifetime_fd = descriptor("lifetime-fd");
  FANFOLD_ASSIGN_OR_RETURN(options.worker_silence,
                           milliseconds_option(values, "worker-silence-ms"));
  FANFOLD_ASSIGN_OR_RETURN(options.heartbeat, milliseconds_option(values, "heartbeat-ms"));
  FANFOLD_ASSIGN_OR_RETURN(options.host_absence, milliseconds_option(values, "host-absence-ms"));
  if (options.heartbeat >= options.worker_silence) {
    return wrong("--heartbeat-ms must be less than --worker-silence-ms");
  }
  options.allow_unauthenticated_tcp = values.count("allow-unauthenticated-tcp") != 0;
  options.key_directory = text("keys");
  if (options.allow_unauthenticated_tcp && !options.key_directory.empty()) {
    return wrong("--keys and --allow-unauthenticated-tcp exclude each other");
  }
  options.plugin_list = text("plugin-allow");
  options.audit_file = text("audit");
  if (options.audit_file.empty() && !ephemeral) {
    options.audit_file = options.state_directory + "/audit.log";
  }
  if (values.count("http") != 0) options.http_port = values["http"].as<std::uint16_t>();
  if (values.count("http-host") != 0) {
    if (!options.http_port) return wrong("--http-host needs --http");
    options.http_hosts = values["http-host"].as<std::vector<std::string>>();
  }
  options.log_file = text("log-file");
  FANFOLD_ASSIGN_OR_RETURN(options.log_level, parse_log_level(text("log-level")));
  return options;
}

}  // namespace

Result<ParsedOptions> parse_options(int argc, const char* const* argv) {
  ParsedOptions parsed;
  try {
    const po::options_description description = describe();
    po::variables_map values;
    po::store(po::command_line_parser(argc, argv)
                  .options(description)
                  .positional(po::positional_options_description())
                  .run(),
              values);
    if (values.count("help") != 0) {
      std::ostringstream text;
      text << "fanfold-master: schedules jobs on the workers that connect to it.\n" << description;
      parsed.answer = text.str();
      return parsed;
    }
    if (values.count("version") != 0) {
      parsed.answer = "fanfold-master " FANFOLD_VERSION "\n";
      return parsed;
    }
    FANFOLD_ASSIGN_OR_RETURN(parsed.options, interpret(values));
  } catch (const po::error& error) {
    return wrong(error.what());
  }
  return parsed;
}

}  // namespace fanfold::master
