#include "cli/client/client.hpp"

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "common/core/limits.hpp"
#include "common/net/any_server.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/versions.hpp"
#include "common/security/key_file.hpp"
#include "common/security/known_master.hpp"

namespace fanfold::cli {
namespace {

// Requests are repeated, and a followed job is asked about, this often: it tells a busy master from
// a dead one.
constexpr Duration kRepeat = limits::kHeartbeatInterval;
constexpr Duration kRepeatMost = 16 * kRepeat;

bool is_error(const proto::Answer& answer) {
  return answer.code != static_cast<std::uint8_t>(StatusCode::kOk);
}

Status to_status(const proto::Answer& answer) {
  return Status(static_cast<StatusCode>(answer.code), answer.message);
}

}  // namespace

Client::Client(std::unique_ptr<net::Transport> transport, std::string address, std::string key,
               Clock& clock, const std::vector<int>& descriptors)
    : transport_(std::move(transport)),
      address_(std::move(address)),
      key_(std::move(key)),
      clock_(clock) {
  transport_->watch(descriptors);
}

Status Client::send(const proto::ClientMessage& request) {
  const auto encode = [&] {
    return std::visit(
        [this](const auto& message) { return proto::encode_for(message, spoken_.number()); },
        request);
  };
  proto::Encoded encoded = encode();
  if (!encoded.unknown.empty() && !std::exchange(asked_anew_, true)) {
    // The master may be a newer one by now.
    spoken_.reset();
    encoded = encode();
  }
  if (!encoded.unknown.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  "the master at " + address_ + " speaks protocol " +
                      std::to_string(spoken_.number()) + " and does not know " + encoded.unknown +
                      ": start it again with this version of Fanfold");
  }
  Status status = transport_->send(net::PeerId{}, std::move(encoded.frame));
  // Away for now: the request is repeated, and silence has its limit.
  if (status.code() == StatusCode::kUnavailable) return Status();
  return status;
}

Status Client::silence(Duration patience) const {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(patience).count();
  std::string message =
      "the master at " + address_ + " has not answered for " + std::to_string(seconds) + " s.\n";
  if (!key_.empty() && patience <= limits::kConnectTimeout) {
    message += "Is it running, and is " + key_ +
               " still accepted there? 'fanfold keys list' on "
               "its host shows the keys that are.";
    return Status(StatusCode::kUnavailable, message);
  }
  // Its jobs are not lost: it goes on with them when it is started with the same state.
  message +=
      patience > limits::kConnectTimeout
          ? "'fanfold cluster up' starts it again and its jobs go on; 'fanfold wait' follows "
            "them then."
          : "Is it running? 'fanfold cluster status' shows the local cluster, 'fanfold "
            "cluster up' starts one.";
  return Status(StatusCode::kUnavailable, message);
}

Status Client::trouble() const {
  const std::string why = transport_->trouble();
  if (why.empty()) return {};
  return Status(StatusCode::kUnavailable,
                "cannot talk to the master at " + address_ + " with " + key_ + ": " + why + ".");
}

Status Client::note_state(const proto::ClientReply& reply) {
  std::uint64_t told = 0;
  if (const auto* news = std::get_if<proto::JobReply>(&reply)) told = news->state_id;
  if (const auto* fed = std::get_if<proto::FeedReply>(&reply)) told = fed->state_id;
  if (is_other_state(state_id_, told)) {
    return Status(
        StatusCode::kNotFound,
        "the master at " + address_ +
            " has another state directory than before, and knows nothing of the jobs in "
            "that one.\nStart it again with the earlier directory, or submit them again.");
  }
  if (told != 0) state_id_ = told;
  return {};
}

Duration Client::patience_for_a_job() const {
  return answered_ ? limits::kReturnPatience : limits::kConnectTimeout;
}

void Client::note_silence(const FollowHooks& hooks) {
  if (silence_noted_ || clock_.now() - heard_ < limits::kConnectTimeout) return;
  silence_noted_ = true;
  if (hooks.on_silence) hooks.on_silence();
}

Result<std::optional<proto::ClientReply>> Client::receive(Instant until, Duration patience) {
  const Duration timeout = std::max(until - clock_.now(), Duration(0));
  FANFOLD_ASSIGN_OR_RETURN(std::optional<net::Frame> frame, transport_->receive(timeout));
  if (!frame.has_value()) {
    FANFOLD_RETURN_IF_ERROR(trouble());
    if (clock_.now() - heard_ >= patience) return silence(patience);
    return std::optional<proto::ClientReply>();
  }
  heard_ = clock_.now();
  answered_ = true;
  silence_noted_ = false;
  Result<proto::ClientReply> reply =
      proto::decode<proto::ClientReply>(frame->payload, spoken_.number());
  if (!reply.ok()) {
    return reply.status().with_context("the master at " + address_ +
                                       " sent something that is no reply");
  }
  FANFOLD_RETURN_IF_ERROR(note_state(*reply));
  using Heard = proto::SpokenVersion::Heard;
  const auto* answer = std::get_if<proto::Answer>(&*reply);
  const Heard heard = answer == nullptr ? Heard::kNothing : spoken_.hear(*answer);
  if (heard == Heard::kChanged) ask_again_ = true;
  if (heard == Heard::kChanged || heard == Heard::kStale) {
    return std::optional<proto::ClientReply>();
  }
  return std::optional<proto::ClientReply>(*std::move(reply));
}

template <class Reply>
Result<Reply> Client::ask(const proto::ClientMessage& request, const FollowHooks& hooks) {
  heard_ = clock_.now();
  Instant next_send = heard_;
  Duration repeat = kRepeat;
  for (;;) {
    const bool for_a_job = std::holds_alternative<proto::Submit>(request) ||
                           std::holds_alternative<proto::Feed>(request) ||
                           std::holds_alternative<proto::PutBlob>(request) ||
                           std::holds_alternative<proto::ListInputs>(request);
    if (std::exchange(ask_again_, false)) next_send = clock_.now();
    if (clock_.now() >= next_send) {
      FANFOLD_RETURN_IF_ERROR(send(request));
      // A master that is planning a large job answers this at once, and is not taken for dead.
      if (for_a_job && next_send != heard_) {
        FANFOLD_RETURN_IF_ERROR(send(proto::GetCluster{}));
      }
      next_send = clock_.now() + repeat;
      // Where a part takes that long, more of them would only take longer.
      if (std::holds_alternative<proto::PutBlob>(request))
        repeat = std::min(2 * repeat, kRepeatMost);
    }
    FANFOLD_ASSIGN_OR_RETURN(
        std::optional<proto::ClientReply> reply,
        receive(next_send, for_a_job ? patience_for_a_job() : limits::kConnectTimeout));
    note_silence(hooks);
    if (reply.has_value()) {
      const bool answers = !hooks.answers || hooks.answers(*reply);
      if (auto* wanted = std::get_if<Reply>(&*reply); wanted != nullptr && answers) {
        if constexpr (std::is_same_v<Reply, proto::Answer>) {
          if (is_error(*wanted)) return to_status(*wanted);
        }
        return std::move(*wanted);
      }
      // Other kinds answer an earlier, repeated request.
      const auto* answer = std::get_if<proto::Answer>(&*reply);
      if (answer != nullptr && is_error(*answer)) return to_status(*answer);
    }
    if (hooks.on_wake && hooks.on_wake() != Attention::kNone) {
      return Status(StatusCode::kAborted, "interrupted");
    }
  }
}

template Result<proto::Answer> Client::ask(const proto::ClientMessage&, const FollowHooks&);
template Result<proto::JobReply> Client::ask(const proto::ClientMessage&, const FollowHooks&);
template Result<proto::JobList> Client::ask(const proto::ClientMessage&, const FollowHooks&);
template Result<proto::Logs> Client::ask(const proto::ClientMessage&, const FollowHooks&);
template Result<proto::Output> Client::ask(const proto::ClientMessage&, const FollowHooks&);
template Result<proto::Events> Client::ask(const proto::ClientMessage&, const FollowHooks&);
template Result<proto::ClusterReply> Client::ask(const proto::ClientMessage&, const FollowHooks&);
template Result<proto::FeedReply> Client::ask(const proto::ClientMessage&, const FollowHooks&);
template Result<proto::BlobReply> Client::ask(const proto::ClientMessage&, const FollowHooks&);
template Result<proto::InputsListed> Client::ask(const proto::ClientMessage&, const FollowHooks&);

Result<proto::JobStatus> Client::follow(JobId job, const FollowHooks& hooks) {
  return follow_any({job}, hooks);
}

Status Client::send_about(const std::set<JobId>& jobs, bool cancelling) {
  for (const JobId job : jobs) {
    proto::GetJob question;
    question.job = job;
    question.follow = true;
    FANFOLD_RETURN_IF_ERROR(send(question));
    if (!cancelling) continue;
    proto::CancelJob cancel;
    cancel.job = job;
    cancel.state_id = state_id_;
    FANFOLD_RETURN_IF_ERROR(send(cancel));
  }
  return {};
}

Result<proto::JobStatus> Client::follow_any(const std::set<JobId>& jobs, const FollowHooks& hooks) {
  heard_ = clock_.now();
  Instant next_send = heard_;
  // Others of these jobs may have been cancelled in an earlier call.
  bool cancelling = hooks.on_wake && hooks.on_wake() == Attention::kCancel;
  for (;;) {
    if (std::exchange(ask_again_, false)) next_send = clock_.now();
    if (clock_.now() >= next_send) {
      FANFOLD_RETURN_IF_ERROR(send_about(jobs, cancelling));
      next_send = clock_.now() + kRepeat;
    }
    FANFOLD_ASSIGN_OR_RETURN(std::optional<proto::ClientReply> reply,
                             receive(next_send, patience_for_a_job()));
    note_silence(hooks);
    if (reply.has_value()) {
      const auto* news = std::get_if<proto::JobReply>(&*reply);
      if (news != nullptr && jobs.count(news->status.job) != 0) {
        if (hooks.on_status) hooks.on_status(news->status);
        if (proto::is_final(news->status.state)) return news->status;
      }
      const auto* answer = std::get_if<proto::Answer>(&*reply);
      if (answer != nullptr && answer->job.value != 0 && jobs.count(answer->job) == 0) continue;
      // A job that ended just before it was to be cancelled refuses that: its end is on the way.
      if (answer != nullptr && is_error(*answer) &&
          (!cancelling || answer->code == static_cast<std::uint8_t>(StatusCode::kNotFound))) {
        return to_status(*answer);
      }
    }
    const Attention attention = hooks.on_wake ? hooks.on_wake() : Attention::kNone;
    if (attention == Attention::kAbandon) return Status(StatusCode::kAborted, "interrupted");
    if (attention == Attention::kCancel && !cancelling) {
      cancelling = true;
      next_send = clock_.now();
    }
  }
}

Result<std::unique_ptr<Client>> connect_client(const MasterPlace& place, Clock& clock,
                                               const std::vector<int>& descriptors) {
  net::SocketOptions options;
  std::string key;
  net::ServerKeys masters;
  if (place.address.starts_with("tcp://")) {
    if (place.key.empty()) {
      return Status(StatusCode::kInvalidArgument,
                    "the master at " + place.address +
                        " wants to know who you are: TCP is used with keys alone.\nGive --key "
                        "FILE or set FANFOLD_KEY; 'fanfold keys add NAME --role client' on its "
                        "host makes such a file.");
    }
    FANFOLD_ASSIGN_OR_RETURN(const security::KeyFile file, security::read_key_file(place.key));
    options.protection =
        net::Proved{std::make_shared<const security::KeyPair>(file.pair), file.master};
    key = "the key '" + file.name + "' of " + place.key;
    masters = [known = security::KnownMaster(place.key, file)]() mutable { return known.keys(); };
  }
  FANFOLD_RETURN_IF_ERROR(net::check_address(place.address, options));
  FANFOLD_ASSIGN_OR_RETURN(std::unique_ptr<net::Transport> transport,
                           net::connect_to_any(place.address, options, std::move(masters)));
  return std::make_unique<Client>(std::move(transport), place.address, std::move(key), clock,
                                  descriptors);
}

}  // namespace fanfold::cli
