#include "tests/chaos/links.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "cli/process/spawn.hpp"

namespace fanfold::chaos {
namespace {

/// Of control messages, which are few: a flip every few seconds of a worker's life.
constexpr std::uint64_t kControlBytesPerFlip = 4u << 10;
/// Of map outputs: in one of several parts.
constexpr std::uint64_t kDataBytesPerFlip = 4u << 20;

RelayOptions options_of(std::uint64_t seed, std::uint64_t bytes_per_flip) {
  RelayOptions options;
  options.seed = seed;
  options.bytes_per_flip = bytes_per_flip;
  return options;
}

}  // namespace

Links::Links(std::size_t workers, std::uint64_t seed) {
  for (std::size_t number = 0; number < workers; ++number) {
    relays_.push_back(std::make_unique<Relay>(options_of(++seed, kControlBytesPerFlip)));
    relays_.push_back(std::make_unique<Relay>(options_of(++seed, kDataBytesPerFlip)));
  }
  relays_.push_back(std::make_unique<Relay>(options_of(++seed, kControlBytesPerFlip)));
}

void Links::lead_to_master(const std::string& address) {
  for (std::size_t number = 0; 2 * number < relays_.size(); ++number) {
    relays_[2 * number]->forward_to([address] { return address; });
  }
}

void Links::lead_to_data_server(std::size_t number, const std::string& log) {
  of_data_server(number).forward_to([log] { return last_in_log(log, "data"); });
}

std::string last_in_log(const std::string& log, const std::string& name) {
  std::ifstream file(log, std::ios::binary);
  std::stringstream all;
  all << file.rdbuf();
  const std::string text = all.str();
  const std::string wanted = " " + name + "=";
  const std::size_t found = text.rfind(wanted);
  if (found == text.npos) return "";
  const std::size_t begin = found + wanted.size();
  return text.substr(begin, text.find_first_of(" \n", begin) - begin);
}

bool cut_sockets(std::uint16_t port) {
  const std::string name = ":" + std::to_string(port);
  char output[] = "/tmp/fanfold-chaos-cut-XXXXXX";
  const int file = ::mkstemp(output);
  if (file < 0) return false;
  ::close(file);
  cli::SpawnRequest request;
  request.program = "/usr/bin/ss";
  request.output = output;
  request.arguments = {"-K", "-H", "-t", "sport", "=", name, "or", "dport", "=", name};
  const Result<pid_t> started = cli::spawn(request);
  int status = 0;
  while (started.ok() && ::waitpid(*started, &status, 0) < 0 && errno == EINTR) {
  }
  // It names each socket that it destroyed, and ends well where it may destroy none.
  std::string first;
  std::ifstream(output) >> first;
  ::unlink(output);
  return first == "ESTAB";
}

std::uint16_t port_of(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  if (colon == address.npos) return 0;
  return static_cast<std::uint16_t>(std::strtoul(address.c_str() + colon + 1, nullptr, 10));
}

}  // namespace fanfold::chaos
