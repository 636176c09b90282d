#include "tests/chaos/job_client.hpp"

#include <stdexcept>
#include <variant>

namespace fanfold::chaos {
namespace {

using namespace std::chrono_literals;

/// A master that was killed lost the question with its socket: ask again this often.
constexpr Duration kRepeat = 300ms;

void put(net::Transport& transport, const proto::ClientMessage& message) {
  // What cannot be sent now is sent again, or counts as unanswered.
  static_cast<void>(
      transport.send({}, std::visit([](const auto& one) { return proto::encode(one); }, message)));
}

}  // namespace

JobClient::JobClient(const std::string& address, History& history)
    : address_(address), history_(history), clock_(steady_clock()) {
  transport_ = connect();
}

std::unique_ptr<net::Transport> JobClient::connect() const {
  net::SocketOptions options;
  options.protection = net::UnprotectedLoopback{};
  auto transport = net::connect(address_, options);
  if (!transport.ok()) throw std::runtime_error(transport.status().message());
  return *std::move(transport);
}

void JobClient::send(const proto::ClientMessage& message) { put(*transport_, message); }

template <class Reply>
std::optional<proto::ClientReply> JobClient::receive(net::Transport& transport, Instant deadline,
                                                     JobId job) {
  for (;;) {
    const Duration left = std::max(deadline - clock_.now(), Duration(0));
    auto frame = transport.receive(left);
    if (!frame.ok()) throw std::runtime_error(frame.status().message());
    if (!*frame) {
      if (clock_.now() >= deadline) return std::nullopt;
      continue;
    }
    auto reply = proto::decode<proto::ClientReply>((*frame)->payload);
    if (!reply.ok()) continue;
    if (const auto* answer = std::get_if<proto::Answer>(&*reply)) {
      // A repeated request may be answered twice: good news is for who asked for it.
      if (std::is_same_v<Reply, proto::Answer> || answer->code != 0) return *std::move(reply);
    } else if (const auto* news = std::get_if<proto::JobReply>(&*reply)) {
      if (std::holds_alternative<Reply>(*reply) && news->status.job == job)
        return *std::move(reply);
    } else if (std::holds_alternative<Reply>(*reply)) {
      return *std::move(reply);
    }
  }
}

std::optional<JobId> JobClient::submit(const proto::JobSpec& spec, Duration patience,
                                       std::string* refusal) {
  Operation operation;
  operation.kind = Operation::Kind::kSubmit;
  operation.begin = clock_.now();
  operation.client_id = spec.client_id;
  const Instant deadline = operation.begin + patience;
  std::optional<proto::ClientReply> reply;
  // An answer does not say which question it belongs to: one connection has one question.
  const auto transport = connect();
  while (!reply && clock_.now() < deadline) {
    put(*transport, proto::Submit{.spec = spec});
    reply = receive<proto::Answer>(*transport, std::min(deadline, clock_.now() + kRepeat), {});
  }
  operation.end = clock_.now();
  if (reply) {
    const auto& answer = std::get<proto::Answer>(*reply);
    operation.answered = answer.code == 0 ? Answered::kOk : Answered::kRefused;
    operation.job = answer.job;
    operation.detail = answer.message;
    if (answer.code != 0) *refusal = answer.message;
  }
  history_.add(operation);
  if (operation.answered != Answered::kOk) return std::nullopt;
  return operation.job;
}

std::optional<proto::JobStatus> JobClient::status(JobId job, Duration patience) {
  Operation operation;
  operation.kind = Operation::Kind::kStatus;
  operation.job = job;
  operation.begin = clock_.now();
  proto::GetJob question;
  question.job = job;
  send(question);
  const auto reply = receive<proto::JobReply>(*transport_, operation.begin + patience, job);
  operation.end = clock_.now();
  // ZeroMQ gives up a connection for ever when a bit of its own flips; the next question gets
  // another one.
  if (!reply) transport_ = connect();
  std::optional<proto::JobStatus> status;
  if (reply) {
    if (const auto* news = std::get_if<proto::JobReply>(&*reply)) {
      operation.answered = Answered::kOk;
      operation.state = news->status.state;
      status = news->status;
    } else {
      operation.answered = Answered::kRefused;
      operation.detail = std::get<proto::Answer>(*reply).message;
    }
  }
  history_.add(operation);
  return status;
}

void JobClient::cancel(JobId job) {
  proto::CancelJob request;
  request.job = job;
  send(request);
}

std::optional<proto::ClusterReply> JobClient::cluster(Duration patience) {
  send(proto::GetCluster{});
  const auto reply = receive<proto::ClusterReply>(*transport_, clock_.now() + patience, {});
  if (!reply) transport_ = connect();
  if (!reply) return std::nullopt;
  const auto* cluster = std::get_if<proto::ClusterReply>(&*reply);
  return cluster == nullptr ? std::nullopt : std::optional(*cluster);
}

bool JobClient::stop_cluster(Duration patience) {
  send(proto::StopCluster{});
  return receive<proto::Answer>(*transport_, clock_.now() + patience, {}).has_value();
}

void JobClient::rest(Instant until) {
  for (Duration left = until - clock_.now(); left > Duration(0); left = until - clock_.now()) {
    static_cast<void>(transport_->receive(left));
  }
}

void JobClient::note_output(JobId job, bool there) {
  Operation operation;
  operation.kind = Operation::Kind::kLookAtOutput;
  operation.job = job;
  operation.begin = operation.end = clock_.now();
  operation.answered = Answered::kOk;
  operation.output_there = there;
  history_.add(operation);
}

}  // namespace fanfold::chaos
