// The connection to the master, with a note of every commit that is asked for and of its answer:
// who was granted what is how the experiment knows that nothing was committed twice.

#pragma once

#include <memory>
#include <string>
#include <utility>

#include "common/log/log.hpp"
#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::bench {

class NotingTransport final : public net::Transport {
 public:
  NotingTransport(std::unique_ptr<net::Transport> real, std::uint32_t worker, Log& log)
      : real_(std::move(real)), worker_(worker), log_(log) {}

  Status send(const net::PeerId& peer, std::string payload) override {
    if (is<proto::CommitRequest>(payload)) {
      const auto message = proto::decode<proto::MasterInput>(payload);
      if (message.ok()) {
        const AttemptId attempt = std::get<proto::CommitRequest>(*message).attempt;
        log_.info("commit.asked", {{"worker", worker_}, {"attempt", attempt.value}});
      }
    }
    return real_->send(peer, std::move(payload));
  }

  Result<std::optional<net::Frame>> receive(Duration timeout) override {
    auto frame = real_->receive(timeout);
    if (frame.ok() && *frame) note((*frame)->payload);
    return frame;
  }
  void watch(std::span<const int> descriptors) override { real_->watch(descriptors); }
  void wake() override { real_->wake(); }

 private:
  /// Large frames are not worth decoding for their first bytes.
  template <class Message>
  static bool is(const std::string& payload) {
    return payload.size() >= 2 && static_cast<unsigned char>(payload[0]) == Message::kTag % 256 &&
           static_cast<unsigned char>(payload[1]) == Message::kTag / 256;
  }

  void note(const std::string& payload) {
    if (!is<proto::CommitAnswer>(payload)) return;
    const auto message = proto::decode<proto::MasterMessage>(payload);
    if (!message.ok()) return;
    const auto& answer = std::get<proto::CommitAnswer>(*message);
    log_.info("commit.answered", {{"worker", worker_},
                                  {"attempt", answer.attempt.value},
                                  {"granted", answer.granted ? 1 : 0}});
  }

  std::unique_ptr<net::Transport> real_;
  const std::uint32_t worker_;
  Log& log_;
};

}  // namespace fanfold::bench
