#include "tests/e2e/ssh_hosts.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "common/core/unique_fd.hpp"

namespace fanfold::e2e {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// Ports that nobody uses now.
std::vector<int> free_ports(int count) {
  std::vector<UniqueFd> sockets;
  std::vector<int> ports;
  for (int i = 0; i < count; ++i) {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no free port");
    }
    ports.push_back(ntohs(address.sin_port));
    sockets.push_back(std::move(socket));
  }
  return ports;
}

void make_key(const Workspace& workspace, const std::string& file) {
  CommandOptions options;
  options.program = "/usr/bin/ssh-keygen";
  const Outcome made =
      run(workspace, {"-q", "-t", "ed25519", "-N", "", "-f", workspace.path(file)}, options);
  if (made.exit_code != 0) throw std::runtime_error(made.both());
}

}  // namespace

SshHosts::SshHosts(const Workspace& workspace, int count) : workspace_(workspace) {
  std::filesystem::create_directory(workspace.path("ssh"));
  std::filesystem::permissions(workspace.path("ssh"), std::filesystem::perms::owner_all);
  make_key(workspace, "ssh/host");
  make_key(workspace, "ssh/id");
  for (int i = 1; i <= count; ++i) std::filesystem::create_directory(home(i));
  // The server of the system makes it at its start; nobody has started that.
  std::error_code refused;
  std::filesystem::create_directories("/run/sshd", refused);
  // Somebody else may take a port between the look and the start.
  for (int tries = 0; tries < 5; ++tries) {
    ports_ = free_ports(count);
    write_files();
    if (start()) return;
  }
  throw std::runtime_error("sshd does not start");
}

void SshHosts::write_files() const {
  std::string server = "HostKey " + workspace_.path("ssh/host") + "\nAuthorizedKeysFile " +
                       workspace_.path("ssh/id.pub") +
                       "\nStrictModes no\nUsePAM no\nPidFile none\nMaxStartups 100\n"
                       "PermitRootLogin yes\nPasswordAuthentication no\nListenAddress 127.0.0.1\n";
  std::string client;
  std::string known;
  for (const int port : ports_) server += "Port " + std::to_string(port) + "\n";
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    const std::string port = std::to_string(ports_[i]);
    const int number = static_cast<int>(i) + 1;
    server += "Match LocalPort " + port + "\n  SetEnv HOME=" + home(number) +
              " PATH=" + home(number) + "/bin:/usr/local/bin:/usr/bin:/bin\n";
    client += "Host h" + std::to_string(number) + "\n  HostName 127.0.0.1\n  Port " + port + "\n";
    known += "[127.0.0.1]:" + port + " " + workspace_.read("ssh/host.pub");
  }
  client += "Host *\n  User " + std::string(::getpwuid(::getuid())->pw_name) + "\n  IdentityFile " +
            workspace_.path("ssh/id") + "\n  IdentitiesOnly yes\n  UserKnownHostsFile " +
            workspace_.path("ssh/known") + "\n";
  workspace_.write("ssh/server", server);
  workspace_.write("ssh/config", client);
  workspace_.write("ssh/known", known);
}

SshHosts::~SshHosts() {
  if (server_) go_away();
}

bool SshHosts::start() {
  CommandOptions options;
  options.program = FANFOLD_SSHD;
  server_ = std::make_unique<Running>(
      workspace_, std::vector<std::string>{"-D", "-e", "-f", workspace_.path("ssh/server")},
      options);
  const auto count = [this](const std::string& text) {
    std::size_t found = 0;
    const std::string log = server_->err_so_far();
    for (std::size_t at = log.find(text); at != log.npos; at = log.find(text, at + 1)) ++found;
    return found;
  };
  const auto decided = [&] {
    return server_->ended() || count("listening on") + count("Bind to port") >= ports_.size();
  };
  return eventually(decided) && !server_->ended() && count("Bind to port") == 0;
}

void SshHosts::go_away() {
  // What it has started stays; connections end with their own processes.
  server_->signal(SIGTERM);
  server_->wait();
  server_.reset();
}

void SshHosts::come_back() {
  if (!start()) throw std::runtime_error("sshd: " + server_->err_so_far());
}

}  // namespace fanfold::e2e
