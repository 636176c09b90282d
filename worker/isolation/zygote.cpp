#include "worker/isolation/zygote.hpp"

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "worker/isolation/zygote_wire.hpp"

namespace fanfold::worker {
namespace {

Status cannot(const char* what) {
  return {StatusCode::kUnavailable, std::string("cannot ") + what + ": " + std::strerror(errno)};
}

Status send_request(int socket, const ZygoteRequest& request, const ExecutorDescriptors* passed) {
  iovec part{const_cast<ZygoteRequest*>(&request), sizeof request};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(kPassedDescriptors * sizeof(int))] = {};
  if (passed != nullptr) {
    const int descriptors[kPassedDescriptors] = {passed->control.get(), passed->page.get(),
                                                 passed->log.get()};
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof descriptors);
    std::memcpy(CMSG_DATA(header), descriptors, sizeof descriptors);
  }
  while (::sendmsg(socket, &message, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return cannot("reach the process that starts executors");
  }
  return {};
}

}  // namespace

Result<Zygote> Zygote::start() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return cannot("make a socket pair");
  }
  UniqueFd ours(ends[0]);
  UniqueFd theirs(ends[1]);
  const pid_t process = ::fork();
  if (process < 0) return cannot("fork");
  if (process == 0) {
    ours.reset();
    run_zygote(theirs.get());
  }
  return Zygote(process, std::move(ours));
}

Zygote::~Zygote() {
  if (!socket_.open()) return;
  socket_.reset();
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Status Zygote::start_executor(std::uint64_t token, const ExecutorDescriptors& descriptors,
                              std::uint64_t data_bytes_max) {
  ZygoteRequest request;
  request.order = ZygoteOrder::kStart;
  request.token = token;
  request.data_bytes_max = data_bytes_max;
  return send_request(socket_.get(), request, &descriptors);
}

Status Zygote::signal_executor(std::uint64_t token, int signal) {
  return send_request(socket_.get(), {ZygoteOrder::kSignalGroup, signal, token, 0}, nullptr);
}

Status Zygote::ask_for_stack(std::uint64_t token) {
  return send_request(socket_.get(), {ZygoteOrder::kSignalProcess, SIGUSR2, token, 0}, nullptr);
}

Result<std::optional<ZygoteEvent>> Zygote::next_event() {
  ZygoteEvent event;
  for (;;) {
    const ssize_t got = ::recv(socket_.get(), &event, sizeof event, MSG_DONTWAIT);
    if (got == static_cast<ssize_t>(sizeof event)) return std::optional(event);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      return std::optional<ZygoteEvent>();
    }
    return Status(StatusCode::kAborted, "the process that starts executors is gone");
  }
}

}  // namespace fanfold::worker
