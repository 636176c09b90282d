#include "tests/hosts/holder.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace fanfold::hosts {
namespace {

constexpr int kPacketBytes = 9000;
constexpr const char* kDevice = "eth0";

/// What went wrong is told to the parent, by its name.
struct Refused {
  const char* what;
};

void need(bool done, const char* what) {
  if (!done) throw Refused{what};
}

ifreq request_for(const char* device) {
  ifreq request{};
  std::strncpy(request.ifr_name, device, sizeof request.ifr_name - 1);
  return request;
}

void set_address(int socket, unsigned long what, const char* address) {
  ifreq request = request_for(kDevice);
  sockaddr_in value{};
  value.sin_family = AF_INET;
  need(::inet_pton(AF_INET, address, &value.sin_addr) == 1, "address");
  std::memcpy(&request.ifr_addr, &value, sizeof value);
  need(::ioctl(socket, what, &request) == 0, "set an address");
}

void bring_up(int socket, const char* device) {
  ifreq request = request_for(device);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  need(::ioctl(socket, SIOCSIFFLAGS, &request) == 0, "bring up a network device");
}

int make_tunnel(const std::string& address) {
  const int tunnel = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
  need(tunnel >= 0, "open /dev/net/tun");
  ifreq request = request_for(kDevice);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  need(::ioctl(tunnel, TUNSETIFF, &request) == 0, "make a network device");
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  set_address(socket.get(), SIOCSIFADDR, address.c_str());
  set_address(socket.get(), SIOCSIFNETMASK, "255.255.255.0");
  request = request_for(kDevice);
  request.ifr_mtu = kPacketBytes;
  need(::ioctl(socket.get(), SIOCSIFMTU, &request) == 0, "set the size of packets");
  bring_up(socket.get(), kDevice);
  bring_up(socket.get(), "lo");
  return tunnel;
}

void mount_disk(const std::string& disk, std::uint64_t bytes) {
  need(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "part from other mounts");
  // Of the processes of this host.
  need(::mount("proc", "/proc", "proc", 0, nullptr) == 0, "mount /proc");
  const std::string size = "mode=0700,size=" + std::to_string(bytes);
  need(::mount("none", disk.c_str(), "tmpfs", 0, size.c_str()) == 0, "mount a disk");
}

void send_descriptor(int channel, int descriptor) {
  char byte = 'k';
  iovec part{&byte, 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  ::sendmsg(channel, &message, 0);
}

struct Received {
  std::string text;
  UniqueFd descriptor;
};

/// Throws what went wrong.
Received receive(int channel) {
  char text[256] = {};
  iovec part{text, sizeof text - 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (::recvmsg(channel, &message, MSG_CMSG_CLOEXEC) <= 0) {
    throw std::runtime_error("no host: its process ended");
  }
  if (text[0] == '!') throw std::runtime_error("no host: " + std::string(text + 1));
  Received received{text, UniqueFd()};
  if (const cmsghdr* header = CMSG_FIRSTHDR(&message)) {
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    received.descriptor = UniqueFd(descriptor);
  }
  return received;
}

void complain(int channel, const Refused& refused) {
  const std::string text = std::string("!it cannot ") + refused.what + ": " + std::strerror(errno);
  static_cast<void>(::send(channel, text.data(), text.size(), 0));
  ::_exit(1);
}

/// Process 1 of the host: takes in orphans until it is killed.
[[noreturn]] void hold(int channel, int number, const std::string& address, const std::string& disk,
                       std::uint64_t disk_bytes) {
  try {
    need(::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "tie its life to ours");
    const std::string name = "h" + std::to_string(number);
    need(::sethostname(name.data(), name.size()) == 0, "name itself");
    mount_disk(disk, disk_bytes);
    const int tunnel = make_tunnel(address);
    send_descriptor(channel, tunnel);
    ::close(tunnel);
    ::close(channel);
  } catch (const Refused& refused) {
    complain(channel, refused);
  }
  for (;;) {
    if (::waitpid(-1, nullptr, 0) < 0) ::poll(nullptr, 0, 100);
  }
}

/// Makes the namespaces and the first process in them, and goes when that goes.
[[noreturn]] void guard(int channel, int number, const std::string& address,
                        const std::string& disk, std::uint64_t disk_bytes) {
  try {
    need(::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "tie its life to ours");
    need(::unshare(CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWPID) == 0,
         "have namespaces of its own");
    const pid_t holder = ::fork();
    need(holder >= 0, "start its first process");
    if (holder == 0) {
      hold(channel, number, address, disk, disk_bytes);
    }
    const std::string text = std::to_string(holder);
    static_cast<void>(::send(channel, text.data(), text.size(), 0));
    ::close(channel);
    while (::waitpid(holder, nullptr, 0) < 0 && errno == EINTR) {
    }
  } catch (const Refused& refused) {
    complain(channel, refused);
  }
  ::_exit(0);
}

}  // namespace

HeldHost start_holder(int number, const std::string& address, const std::string& disk,
                      std::uint64_t disk_bytes) {
  int channel[2] = {-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  const UniqueFd ours(channel[0]);
  UniqueFd theirs(channel[1]);
  HeldHost held;
  held.guard = ::fork();
  if (held.guard < 0) throw std::system_error(errno, std::generic_category(), "fork");
  if (held.guard == 0) guard(theirs.get(), number, address, disk, disk_bytes);
  theirs.reset();
  try {
    // One from the guard and one from the first process, in any order.
    for (int messages = 0; messages < 2; ++messages) {
      Received received = receive(ours.get());
      if (received.descriptor.open()) {
        held.tunnel = std::move(received.descriptor);
      } else {
        held.holder = std::stoi(received.text);
      }
    }
  } catch (...) {
    end_host(held);
    throw;
  }
  return held;
}

void end_host(const HeldHost& host) {
  // The kernel ends all others before the first is gone.
  ::kill(host.holder > 0 ? host.holder : host.guard, SIGKILL);
  while (::waitpid(host.guard, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace fanfold::hosts
