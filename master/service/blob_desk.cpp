#include "master/service/blob_desk.hpp"

#include <algorithm>
#include <bit>
#include <optional>

#include "common/core/check.hpp"
#include "common/digest/sha256.hpp"

namespace fanfold::master {
namespace {

/// The same client asks again each second while its upload is being made durable.
constexpr std::size_t kPeersWaiting = 8;
/// Blobs that are looked at once more at a time.
constexpr std::size_t kChecksMost = 16;
/// What has just been verified is what it should be: a worker that says otherwise errs.
constexpr Duration kVerifiedFor = std::chrono::minutes(1);
/// A part that was sent counts as on its way for so long, unless its worker asks for another.
constexpr Duration kSentTwice = std::chrono::seconds(2);
/// Beyond it some are forgotten: workers are told then that there is no such blob.
constexpr std::size_t kSpoiltRemembered = 256;

Status invalid(std::string message) { return {StatusCode::kInvalidArgument, std::move(message)}; }

}  // namespace

void BlobDesk::answer(const net::PeerId& peer, proto::BlobReply reply, const Status& status) {
  reply.code = static_cast<std::uint8_t>(status.code());
  reply.message = status.message();
  state_.outbox.add(peer, reply);
}

Status BlobDesk::check(const proto::PutBlob& message) const {
  if (!is_sha256(message.sha256)) return invalid("a file comes without a SHA-256 digest");
  if (doors_.store == nullptr) {
    return {StatusCode::kUnavailable,
            "this master keeps no files: it runs without a state directory"};
  }
  if (state_.stopping) {
    return {StatusCode::kAborted, "the cluster at " + state_.settings.address + " is stopping"};
  }
  if (message.size > proto::kBlobBytes) {
    return invalid("a file of " + std::to_string(message.size) +
                   " bytes is too large: " + std::to_string(proto::kBlobBytes) + " is the most");
  }
  if (message.bytes.size() > proto::kBlobPartBytes || message.offset > message.size ||
      message.bytes.size() > message.size - message.offset) {
    return invalid("a part of a file does not fit into it");
  }
  return {};
}

std::set<std::string> BlobDesk::named() const {
  std::set<std::string> digests;
  for (const JobPhase phase : {JobPhase::kPlanning, JobPhase::kActive}) {
    for (const JobId job : state_.jobs.list(phase)) {
      const proto::JobSpec& spec = state_.jobs.find(job)->spec();
      digests.insert(spec.plugin.sha256);
      for (const proto::FileReference& file : spec.side_files) digests.insert(file.sha256);
    }
  }
  return digests;
}

Status BlobDesk::begin(const proto::PutBlob& message) {
  const std::string owner = state_.key_name();
  if (const auto& holder = state_.sender.holder; holder && doors_.check_size) {
    Status allowed =
        doors_.check_size(*holder, {.bytes = message.size + doors_.store->bytes_under_way(owner)});
    if (!allowed.ok()) return std::move(allowed).with_context("cannot keep it");
  }
  FANFOLD_RETURN_IF_ERROR(doors_.store->begin(
      owner, message.sha256, message.size, [this] { return named(); }, state_.now));
  state_.log.info("blob.begun",
                  {{"sha256", message.sha256}, {"bytes", message.size}, {"key", owner}});
  return {};
}

void BlobDesk::take(const net::PeerId& peer, const proto::PutBlob& message) {
  proto::BlobReply reply{.sha256 = message.sha256, .offset = message.offset, .message = {}};
  if (const Status refused = check(message); !refused.ok()) {
    return answer(peer, std::move(reply), refused);
  }
  doors_.store->expire(state_.now);
  if (doors_.store->size_of(message.sha256)) {
    doors_.store->touch(message.sha256, state_.now);
    doors_.store->forget(state_.key_name(), message.sha256);
    reply.taken = message.size;
    reply.kept = true;
    return answer(peer, std::move(reply));
  }
  if (Status status = take_bytes(message); !status.ok()) {
    // Whoever tries all day must not fill the disk: the 1st, 2nd, 4th, 8th ... are written down.
    if (std::has_single_bit(++refused_)) {
      state_.log.info(
          "blob.refused",
          {{"sha256", message.sha256}, {"reason", status.message()}, {"refused", refused_}});
    }
    return answer(peer, std::move(reply), status);
  }
  const BlobStore::Upload* upload = doors_.store->find(state_.key_name(), message.sha256);
  // Who sent the last part hears of it when all is durable.
  if (upload != nullptr && upload->ending) return wait(peer, message);
  reply.taken = upload == nullptr ? 0 : upload->taken;
  answer(peer, std::move(reply));
}

void BlobDesk::wait(const net::PeerId& peer, const proto::PutBlob& message) {
  std::vector<Waiting>& waiting = waiting_[{state_.key_name(), message.sha256}];
  std::erase_if(waiting, [&peer](const Waiting& one) { return one.peer == peer; });
  if (waiting.size() == kPeersWaiting) waiting.erase(waiting.begin());
  waiting.push_back({peer, state_.sender, message.offset});
}

/// What does not go on where the upload is changes nothing: the answer says where that is.
Status BlobDesk::take_bytes(const proto::PutBlob& message) {
  const std::string owner = state_.key_name();
  const BlobStore::Upload* upload = doors_.store->find(owner, message.sha256);
  if (upload == nullptr) {
    const bool question = message.bytes.empty() && message.size != 0;
    if (question || message.offset != 0) return {};
    FANFOLD_RETURN_IF_ERROR(begin(message));
    upload = doors_.store->find(owner, message.sha256);
  }
  if (upload->size != message.size) {
    return invalid("somebody with this key is sending " + std::to_string(upload->size) +
                   " bytes of the same digest, not " + std::to_string(message.size));
  }
  if (upload->ending || message.offset != upload->taken) return {};
  if (message.bytes.empty() && message.size != 0) return {};
  FANFOLD_RETURN_IF_ERROR(doors_.store->append(owner, message.sha256, message.bytes, state_.now));
  if (upload->taken < upload->size) return {};
  const bool started = doors_.storing.start(
      [work = doors_.store->end(owner, message.sha256)]() -> SideResult { return work(); });
  // There are fewer uploads than may wait there.
  FANFOLD_CHECK(started);
  return {};
}

void BlobDesk::done(const BlobDone& done) {
  const bool was_here = doors_.store->size_of(done.sha256).has_value();
  doors_.store->done(done, state_.now);
  if (done.checked) return checked(done, was_here);
  Status outcome = done.outcome;
  if (outcome.ok()) {
    spoilt_.erase(done.sha256);
    state_.log.info("blob.kept", {{"sha256", done.sha256}, {"key", done.owner}});
  } else if (outcome.code() == StatusCode::kCorruption) {
    outcome = invalid("what came is not what its digest says: it changed while it was sent");
  }
  const auto waiting = waiting_.extract({done.owner, done.sha256});
  if (!waiting) return;
  if (outcome.ok()) state_.audit.stored(waiting.mapped().front().sender, done.sha256);
  const std::uint64_t size = doors_.store->size_of(done.sha256).value_or(0);
  for (const Waiting& one : waiting.mapped()) {
    answer(one.peer,
           {.sha256 = done.sha256,
            .offset = one.offset,
            .taken = size,
            .kept = outcome.ok(),
            .message = {}},
           outcome);
  }
}

void BlobDesk::checked(const BlobDone& done, bool was_here) {
  if (was_here && !doors_.store->size_of(done.sha256)) note_spoilt(done.sha256, done.outcome);
  if (verified_.size() >= kSpoiltRemembered) verified_.clear();
  if (done.outcome.ok()) verified_[done.sha256] = state_.now;
  const auto waiting = checking_.extract(done.sha256);
  if (waiting) wants_.insert(waiting.mapped().begin(), waiting.mapped().end());
}

void BlobDesk::note_spoilt(const std::string& sha256, const Status& why) {
  state_.log.error("blob.damaged", {{"sha256", sha256}, {"reason", why.message()}});
  if (spoilt_.size() >= kSpoiltRemembered) spoilt_.erase(spoilt_.begin());
  spoilt_.insert(sha256);
}

void BlobDesk::want(const net::PeerId& peer, const proto::GetBlob& message) {
  const Want want{peer, message};
  // It is on its way: perhaps behind other parts on the same wire.
  const auto sent = sent_.find(message.worker);
  if (sent != sent_.end() && sent->second.sha256 == message.sha256 &&
      sent->second.offset == message.offset && !message.damaged &&
      state_.now - sent->second.when < kSentTwice) {
    return;
  }
  if (sent != sent_.end()) sent_.erase(sent);
  const bool here = doors_.store != nullptr && doors_.store->size_of(message.sha256);
  const auto verified = verified_.find(message.sha256);
  const bool just_verified =
      verified != verified_.end() && state_.now - verified->second < kVerifiedFor;
  if (!message.damaged || !here || just_verified) {
    wants_[message.worker] = want;
    return;
  }
  const auto found = checking_.find(message.sha256);
  if (found != checking_.end()) {
    found->second[message.worker] = want;
    return;
  }
  // Too many at a time: the worker asks again.
  if (checking_.size() == kChecksMost) return;
  const bool started = doors_.storing.start(
      [work = doors_.store->check(message.sha256)]() -> SideResult { return work(); });
  if (started) checking_[message.sha256][message.worker] = want;
}

proto::BlobPart BlobDesk::part_of(const proto::GetBlob& question) {
  proto::BlobPart part{
      .sha256 = question.sha256, .offset = question.offset, .bytes = {}, .message = {}};
  BlobStore* const store = doors_.store;
  const std::optional<std::uint64_t> size =
      store == nullptr ? std::nullopt : store->size_of(question.sha256);
  if (size && question.offset <= *size) {
    Result<std::string> bytes =
        store->read(question.sha256, question.offset, proto::kBlobPartBytes);
    if (bytes.ok()) {
      store->touch(question.sha256, state_.now);
      part.size = *size;
      part.bytes = *std::move(bytes);
      return part;
    }
    store->done(
        {.owner = {}, .sha256 = question.sha256, .checked = true, .outcome = bytes.status()},
        state_.now);
    if (store->size_of(question.sha256)) {
      state_.log.error("blob.unreadable",
                       {{"sha256", question.sha256}, {"reason", bytes.status().message()}});
      part.code = static_cast<std::uint8_t>(StatusCode::kUnavailable);
      part.message = "the master cannot read its copy of it now: " + bytes.status().message();
      return part;
    }
    // Whoever submits again brings it anew.
    note_spoilt(question.sha256, bytes.status());
  }
  const bool spoilt = spoilt_.contains(question.sha256);
  part.code = static_cast<std::uint8_t>(spoilt ? StatusCode::kCorruption : StatusCode::kNotFound);
  part.message = spoilt ? "the master's copy of it was lost or damaged on its disk: submit the job "
                          "again"
                        : "the master has no copy of it";
  return part;
}

void BlobDesk::end_turn() {
  if (doors_.store != nullptr) doors_.store->expire(state_.now);
  std::erase_if(sent_,
                [this](const auto& one) { return state_.now - one.second.when >= kSentTwice; });
  for (std::size_t parts = 0; parts < kBlobPartsPerTurn && has_more(); ++parts) {
    // Each in its turn, beginning behind the one that was served last.
    auto next = wants_.upper_bound(served_);
    if (next == wants_.end()) next = wants_.begin();
    served_ = next->first;
    const Want want = std::move(next->second);
    wants_.erase(next);
    const proto::BlobPart part = part_of(want.question);
    if (!part.bytes.empty()) sent_[served_] = {part.sha256, part.offset, state_.now};
    state_.outbox.add(want.peer, part);
  }
}

std::optional<Instant> BlobDesk::next_due() const {
  if (wants_.empty() || sent_.empty()) return std::nullopt;
  Instant first = sent_.begin()->second.when;
  for (const auto& [worker, sent] : sent_) first = std::min(first, sent.when);
  return first + kSentTwice;
}

}  // namespace fanfold::master
