#include "worker/shuffle/data_links.hpp"

#include <algorithm>
#include <utility>

#include "common/core/check.hpp"
#include "fanfold/hash.hpp"

namespace fanfold::worker {
namespace {

/// A chunk that arrives damaged so often is damaged where it comes from.
constexpr int kDamagedMax = 3;

}  // namespace

Status DataLinks::open(const Address& address) {
  const auto known = links_.find(address);
  if (known != links_.end()) {
    ++known->second.users;
    return {};
  }
  Link link;
  FANFOLD_ASSIGN_OR_RETURN(link.peer, transport_.connect_to(address));
  link.users = 1;
  addresses_.emplace(link.peer, address);
  links_.emplace(address, std::move(link));
  return {};
}

void DataLinks::close(const Address& address) {
  const auto known = links_.find(address);
  FANFOLD_CHECK(known != links_.end());
  if (--known->second.users > 0) return;
  transport_.disconnect(known->second.peer);
  addresses_.erase(known->second.peer);
  links_.erase(known);
}

void DataLinks::send(const Link& link, const Asked& asked) {
  // What is not accepted is asked again by look_after().
  static_cast<void>(transport_.send(link.peer, proto::encode(asked.wanted)));
}

void DataLinks::note_heard(Instant now, Link& link) {
  link.heard = now;
  link.interval = Link::kResendFirst;
  link.resend = now + link.interval;
}

void DataLinks::ask(Instant now, const Address& address, const Asker& asker,
                    proto::FetchSegment wanted) {
  const auto known = links_.find(address);
  FANFOLD_CHECK(known != links_.end());
  Link& link = known->second;
  if (link.asked.empty()) note_heard(now, link);
  wanted.request = ++last_request_;
  link.asked.push_back({asker, std::move(wanted), 0});
  send(link, link.asked.back());
}

template <class Predicate>
void DataLinks::forget_if(const Predicate& is_forgotten) {
  for (auto& [address, link] : links_) {
    std::erase_if(link.asked,
                  [&is_forgotten](const Asked& asked) { return is_forgotten(asked.asker); });
  }
}

void DataLinks::forget(const FetchId& task) {
  forget_if([&task](const Asker& asker) { return asker.task == task; });
}

void DataLinks::forget(const FetchId& task, std::uint32_t stream) {
  forget_if([&](const Asker& asker) { return asker.task == task && asker.stream == stream; });
}

void DataLinks::forget(const Asker& asker) {
  forget_if([&asker](const Asker& other) {
    return other.task == asker.task && other.stream == asker.stream && other.output == asker.output;
  });
}

std::optional<Reply> DataLinks::read(Instant now, const net::Frame& frame) {
  const auto from = addresses_.find(frame.peer);
  if (from == addresses_.end()) return std::nullopt;
  auto message = proto::decode<proto::DataMessage>(frame.payload);
  if (!message.ok()) return std::nullopt;
  auto* chunk = std::get_if<proto::Chunk>(&*message);
  if (chunk == nullptr) return std::nullopt;
  Link& link = links_.find(from->second)->second;
  note_heard(now, link);
  const auto found =
      std::find_if(link.asked.begin(), link.asked.end(),
                   [chunk](const Asked& asked) { return asked.wanted.request == chunk->request; });
  if (found == link.asked.end()) return std::nullopt;
  // Those before it were lost on the way: they go to the end of the queue, and out again.
  std::rotate(link.asked.begin(), found, link.asked.end());
  const auto lost = static_cast<std::size_t>(found - link.asked.begin());
  Asked asked = std::move(link.asked.front());
  link.asked.pop_front();
  for (std::size_t i = link.asked.size() - lost; i < link.asked.size(); ++i) {
    send(link, link.asked[i]);
    ++trouble_.asked_again;
  }
  if (hash(chunk->bytes) != chunk->checksum) {
    ++trouble_.damaged;
    if (++asked.damaged < kDamagedMax) {
      ++trouble_.asked_again;
      link.asked.push_back(std::move(asked));
      send(link, link.asked.back());
      return std::nullopt;
    }
    chunk->code = static_cast<std::uint8_t>(StatusCode::kCorruption);
    chunk->message = "it arrives damaged, again and again";
  }
  return Reply{asked.asker, asked.wanted.length, std::move(*chunk)};
}

DataLinks::Silence DataLinks::look_after(Instant now) {
  Silence silence;
  for (auto& [address, link] : links_) {
    if (link.asked.empty()) continue;
    if (now - link.heard >= patience_) {
      silence.given_up.push_back(address);
      ++trouble_.given_up;
    } else if (now >= link.resend) {
      // The first time it may just be busy.
      if (link.is_quiet()) {
        reconnect(address, link);
      } else {
        silence.more_quiet = true;
      }
      for (const Asked& asked : link.asked) send(link, asked);
      trouble_.asked_again += link.asked.size();
      link.interval *= 2;
      link.resend = now + link.interval;
    }
  }
  return silence;
}

bool DataLinks::is_quiet(const Address& address) const {
  const auto known = links_.find(address);
  FANFOLD_CHECK(known != links_.end());
  return !known->second.asked.empty() && known->second.is_quiet();
}

/// ZeroMQ gives up a connection for ever, without a word, when a bit of its own messages flips.
void DataLinks::reconnect(const Address& address, Link& link) {
  auto peer = transport_.connect_to(address);
  if (!peer.ok()) return;  // No descriptors now; the old one may yet answer.
  addresses_.erase(link.peer);
  transport_.disconnect(link.peer);
  link.peer = *std::move(peer);
  addresses_.emplace(link.peer, address);
}

std::optional<Instant> DataLinks::next_deadline() const {
  std::optional<Instant> first;
  for (const auto& [address, link] : links_) {
    if (link.asked.empty()) continue;
    const Instant mine = std::min(link.resend, link.heard + patience_);
    if (!first || mine < *first) first = mine;
  }
  return first;
}

}  // namespace fanfold::worker
