#include "master/service/service.hpp"

#include <algorithm>
#include <bit>
#include <iterator>
#include <type_traits>
#include <utility>
#include <variant>

#include "common/capsule/capsule.hpp"
#include "common/core/check.hpp"
#include "common/core/fault_point.hpp"
#include "common/core/limits.hpp"
#include "common/core/planted.hpp"
#include "common/proto/codec.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/versions.hpp"
#include "master/service/admission.hpp"
#include "master/service/chores.hpp"

namespace fanfold::master {
namespace {

/// Removals that may wait for their thread; the rest stays with the keeper for another turn.
constexpr std::size_t kRemovalsQueued = 64;
/// Capsules of failed attempts that may wait for theirs; the rest is not written.
constexpr std::size_t kCapsulesQueued = 64;

SideWork::Options side_options(std::size_t threads, std::size_t queued, net::Transport& transport) {
  return {.threads_max = threads, .queued_max = queued, .wake = [&transport] { transport.wake(); }};
}

template <class Message>
constexpr bool kIsFromWorker = std::is_constructible_v<proto::WorkerMessage, Message>;

std::optional<Instant> earlier(std::optional<Instant> a, std::optional<Instant> b) {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

}  // namespace

MasterService::MasterService(ServiceSettings settings, const ServiceDoors& doors)
    : doors_(doors),
      state_(std::move(settings), doors_.log, doors_.audit, doors_.keys, doors_.plugins,
             doors_.events, doors_.board != nullptr),
      host_desk_(state_),
      worker_desk_(state_, host_desk_),
      stagings_(limits::kStagingPatience),
      board_keeper_(state_, doors_.clock, doors_.board),
      planning_(doors_.side_work(side_options(state_.settings.planning_threads,
                                              limits::kJobsUnfinished + FeedDesk::kSideWorkMost,
                                              doors_.transport))),
      publishing_(doors_.side_work(
          side_options(limits::kPublishingThreads, limits::kJobsUnfinished, doors_.transport))),
      removing_(doors_.side_work(side_options(1, kRemovalsQueued, doors_.transport))),
      noting_(doors_.side_work(side_options(1, kCapsulesQueued, doors_.transport))),
      storing_(doors_.side_work(side_options(1, BlobDesk::kSideWorkMost, doors_.transport))),
      client_desk_(state_, doors_.files, *planning_, host_desk_),
      blob_desk_(state_, {doors_.blobs, *storing_,
                          [this](const security::KeyHolder& holder, const JobSize& more) {
                            return client_desk_.refuse_for_size(holder, more);
                          }}) {
  if (state_.keys != nullptr) keys_generation_ = state_.keys->generation();
  state_.now = doors_.clock.now();
  state_.started = state_.now;
}

Duration MasterService::time_to_wait(Duration wait) const {
  if (!events_for_next_turn_.empty() || blob_desk_.has_more()) return Duration(0);
  if (phase_ == Phase::kStopping && nothing_left()) return Duration(0);
  std::optional<Instant> deadline = state_.scheduler.next_deadline();
  deadline = earlier(deadline, state_.followers.next_due());
  deadline = earlier(deadline, stagings_.next_deadline());
  deadline = earlier(deadline, state_.event_log.next_due());
  deadline = earlier(deadline, board_keeper_.next_due());
  deadline = earlier(deadline, blob_desk_.next_due());
  deadline = earlier(deadline, host_desk_.next_due());
  if (phase_ == Phase::kStopping) deadline = earlier(deadline, stop_deadline_);
  if (!deadline) return wait;
  return std::clamp(*deadline - state_.now, Duration(0), wait);
}

Status MasterService::turn(Duration wait) {
  FANFOLD_RETURN_IF_ERROR(collect(time_to_wait(wait)));
  FANFOLD_RETURN_IF_ERROR(decide());
  state_.capsules_under_way = !noting_->idle();
  tell_followers();
  const auto written_to = [this](JobId job) {
    return state_.attempts.count(job) > 0 || client_desk_.feeds().writes_for(job);
  };
  remove_stagings(stagings_.take_removable(written_to, state_.now));
  blob_desk_.end_turn();
  FANFOLD_RETURN_IF_ERROR(send_outbox());
  if (doors_.store.exhausted()) return end_exhausted();
  state_.event_log.end_turn(state_.now);
  measure_turn();
  return phase_ == Phase::kStopping ? advance_stop() : Status();
}

void MasterService::measure_turn() {
  if (!state_.measures.on()) return;
  // The second read of the clock in a turn: nothing is decided by it.
  state_.measures.turn({.frames = frames_in_turn_,
                        .facts = facts_in_turn_,
                        .took = doors_.clock.now() - state_.now});
  board_keeper_.end_turn();
}

Status MasterService::collect(Duration wait) {
  std::size_t frames = 0;
  std::size_t bytes = 0;
  while (frames < limits::kFramesPerTurn && bytes < limits::kFrameBytesPerTurn) {
    Result<std::optional<net::Frame>> received =
        doors_.transport.receive(frames == 0 ? wait : Duration(0));
    // The one clock read of a turn: as soon as there is something to date.
    if (frames == 0) state_.now = std::max(state_.now, doors_.clock.now());
    if (!received.ok()) return received.status();
    if (!received->has_value()) break;
    ++frames;
    bytes += (*received)->payload.size();
    handle_frame(**std::move(received));
    if (strikes(FaultPoint::kShortTurn)) break;
  }
  frames_in_turn_ = frames;
  note_damage();
  note_keys();
  take_questions();
  collect_side_results();
  client_desk_.plan_listed();
  return {};
}

void MasterService::take_questions() {
  if (doors_.questions == nullptr) return;
  for (const web::Questions::Question& question : doors_.questions->take()) {
    client_desk_.handle({question.peer}, question.message);
  }
}

void MasterService::note_damage() {
  const net::Drops drops = doors_.transport.drops();
  state_.measures.frames_dropped(drops.peer_gone, drops.queue_full);
  const std::uint64_t damaged = doors_.transport.damaged_frames();
  if (std::exchange(frames_damaged_, damaged) == damaged) return;
  state_.measures.frames_damaged(damaged);
  doors_.log.warn("frame.damaged", {{"damaged", damaged}});
}

void MasterService::note_keys() {
  if (state_.keys == nullptr) return;
  const security::LiveKeys::News news = state_.keys->take_news();
  if (!news.unreadable.empty()) doors_.log.error("keys.unreadable", {{"reason", news.unreadable}});
  for (const std::string& key : news.added) state_.audit.key_changed("added", key);
  for (const std::string& key : news.removed) state_.audit.key_changed("removed", key);
  const net::Refusals refusals = doors_.transport.refusals();
  // Whoever knocks all day must not fill the disk: the 1st, 2nd, 4th, 8th ... are written down.
  if (std::bit_width(refusals.count) != std::bit_width(strangers_)) {
    doors_.log.warn("connection.refused", {{"address", refusals.address},
                                           {"fingerprint", refusals.fingerprint},
                                           {"refused", refusals.count}});
    state_.audit.stranger(refusals.address, refusals.fingerprint, refusals.count);
  }
  strangers_ = refusals.count;
  state_.measures.refused_in_all(Refusal::kStranger, strangers_);
  const std::uint64_t revoked = doors_.transport.revoked_frames();
  if (std::bit_width(revoked) != std::bit_width(frames_revoked_)) {
    doors_.log.warn("frame.revoked", {{"revoked", revoked}});
  }
  frames_revoked_ = revoked;
  state_.measures.refused_in_all(Refusal::kRevoked, revoked);
  if (std::exchange(keys_generation_, state_.keys->generation()) == keys_generation_) return;
  worker_desk_.forget_revoked();
  worker_desk_.tell_peers();
}

void MasterService::handle_frame(net::Frame frame) {
  state_.sender = std::move(frame.sender);
  if (const Status allowed = check_role(state_.sender, frame.payload); !allowed.ok()) {
    state_.measures.refused(Refusal::kRole);
    state_.audit.refused(state_.sender, allowed.message());
    if (is_from_client(frame.payload)) client_desk_.answer(frame.peer, allowed);
    return;
  }
  Result<proto::MasterInput> decoded = decode(frame);
  if (!decoded.ok()) {
    reject_frame(frame.peer, frame.payload, decoded.status());
    return;
  }
  std::visit(
      [&](auto&& message) {
        using Message = std::decay_t<decltype(message)>;
        if constexpr (std::is_same_v<Message, proto::StopCluster>) {
          stop_requesters_.push_back(frame.peer);
          state_.audit.stopped_cluster(state_.sender);
          stop(StopReason::kRequested);
        } else if constexpr (std::is_same_v<Message, proto::PutBlob>) {
          blob_desk_.take(frame.peer, message);
        } else if constexpr (std::is_same_v<Message, proto::GetBlob>) {
          if (worker_desk_.knows(message.worker, frame.peer)) blob_desk_.want(frame.peer, message);
        } else if constexpr (kIsFromWorker<Message>) {
          worker_desk_.handle(frame.peer, std::move(message));
        } else {
          client_desk_.handle(frame.peer, std::move(message));
        }
      },
      *std::move(decoded));
}

Result<proto::MasterInput> MasterService::decode(const net::Frame& frame) {
  const auto named = proto::peek_protocol(frame.payload);
  if (named && proto::is_spoken(*named)) state_.versions.note(frame.peer, *named);
  const std::uint32_t protocol = state_.versions.of(frame.peer);
  state_.decoded_as = protocol;
  Result<proto::MasterInput> decoded = proto::decode<proto::MasterInput>(frame.payload, protocol);
  if (decoded.ok() || named || protocol != proto::kProtocolVersion) return decoded;
  // A worker that this master does not know (any more) may be of the version before: it is to hear
  // that it should say Hello.
  Result<proto::MasterInput> older =
      proto::decode<proto::MasterInput>(frame.payload, proto::kProtocolBefore);
  if (!older.ok()) return decoded;
  state_.decoded_as = proto::kProtocolBefore;
  return older;
}

void MasterService::note_rejected(std::string_view payload, const Status& why) {
  // Whoever sends rubbish must not fill the disk with log lines: the 1st, 2nd, 4th, 8th ... do.
  ++frames_rejected_;
  state_.measures.frames_rejected(frames_rejected_);
  if (!std::has_single_bit(frames_rejected_)) return;
  doors_.log.warn(
      "frame.rejected",
      {{"reason", why.message()}, {"bytes", payload.size()}, {"rejected", frames_rejected_}});
}

void MasterService::reject_frame(const net::PeerId& peer, std::string_view payload,
                                 const Status& why) {
  const bool other_version = why.code() == StatusCode::kInvalidArgument;
  if (other_version) {
    // A newer peer begins with its own version: that is no trouble yet.
    state_.measures.refused(Refusal::kVersion);
    if (std::has_single_bit(++versions_refused_)) {
      doors_.log.info("frame.other_version",
                      {{"reason", why.message()}, {"refused", versions_refused_}});
    }
  } else {
    note_rejected(payload, why);
  }
  // Another protocol version is told so, whoever it is; rubbish gets an answer when somebody who
  // understands answers may be waiting for one.
  if (other_version || is_from_client(payload)) {
    client_desk_.answer(peer, why);
  }
}

Status MasterService::decide() {
  std::vector<Event>& events = state_.events;
  events.insert(events.begin(), std::make_move_iterator(events_for_next_turn_.begin()),
                std::make_move_iterator(events_for_next_turn_.end()));
  events_for_next_turn_.clear();
  const std::optional<Instant> deadline = state_.scheduler.next_deadline();
  if (deadline && *deadline <= state_.now) events.push_back(Tick{});

  Output output;
  for (const Event& event : events) state_.scheduler.step(state_.now, event, &output);
  events.clear();
  const bool too_early = planted(Bug::kAnswerBeforeDurable);
  if (too_early) {
    perform_all(&output.actions);
    FANFOLD_RETURN_IF_ERROR(send_outbox());
  }
  facts_in_turn_ = output.facts.size();
  if (!output.facts.empty()) FANFOLD_RETURN_IF_ERROR(make_durable(std::move(output.facts)));
  // Before the log of a job that fails by one of them is closed.
  write_capsules();
  if (!too_early) perform_all(&output.actions);
  client_desk_.feeds().end_turn();
  state_.reports.clear();
  return {};
}

void MasterService::perform_all(std::vector<Action>* actions) {
  for (Action& action : *actions) {
    std::visit([this](auto&& one) { perform(std::move(one)); }, std::move(action));
  }
}

Status MasterService::make_durable(std::vector<Fact> facts) {
  std::vector<StoredFact> stored;
  stored.reserve(facts.size());
  for (Fact& fact : facts) {
    std::string bytes = note(fact);
    stored.push_back({std::move(fact), std::move(bytes)});
  }
  return doors_.store.append(stored).with_context(
      "the master cannot record its decisions and stops");
}

void MasterService::tell_followers() {
  for (const Followers::Due& due : state_.followers.take_due(state_.now)) {
    const JobRecord* record = state_.jobs.find_visible(due.job);
    if (record == nullptr) continue;
    state_.outbox.add_all(due.peers, proto::JobReply{.status = status_of(state_, *record),
                                                     .state_id = state_.settings.state_id});
  }
}

void MasterService::remove_stagings(std::vector<StagingKeeper::Removable> stagings) {
  for (StagingKeeper::Removable& one : stagings) {
    const bool started = removing_->start([&files = doors_.files, one]() -> SideResult {
      return remove_remains(files, one.job, one.remains);
    });
    if (!started) stagings_.add(one.job, std::move(one.remains), state_.now);
  }
}

void MasterService::write_capsules() {
  for (proto::Capsule& capsule : std::exchange(state_.capsules, {})) {
    const JobId job = capsule.assignment.task.job;
    const proto::TaskAssignment& assignment = capsule.assignment;
    EventRecorder::CapsulePlace place = state_.event_log.take_capsule_place(
        job, capsule_name(assignment.task, assignment.attempt_number));
    if (place.directory.empty()) continue;
    const bool started = noting_->start(
        [&files = doors_.files, place = std::move(place),
         one = std::make_shared<proto::Capsule>(std::move(capsule))]() -> SideResult {
          return write_capsule(files, place, std::move(*one));
        });
    if (!started) doors_.log.warn("capsule.not_written", {{"job", job.value}, {"reason", "busy"}});
  }
}

void MasterService::note_withheld() {
  const std::uint64_t withheld = state_.outbox.withheld();
  if (std::exchange(frames_withheld_, withheld) == withheld) return;
  state_.measures.frames_withheld(withheld);
  doors_.log.warn("frame.withheld", {{"withheld", withheld}, {"from", "older workers"}});
}

Status MasterService::send_outbox() {
  note_withheld();
  if (state_.outbox.empty()) return {};
  // A master that slept while another took over must not speak any more.
  if (!planted(Bug::kNoEpochCheck)) FANFOLD_RETURN_IF_ERROR(doors_.store.confirm());
  for (Outbox::Item& item : state_.outbox.take()) {
    if (doors_.questions != nullptr && doors_.questions->answer(item.peer.value, item.payload)) {
      continue;
    }
    const Status sent = doors_.transport.send(item.peer, std::move(item.payload));
    if (sent.ok()) continue;
    // Workers reconcile by heartbeats and clients ask again; a follower that is gone is gone.
    if (sent.code() == StatusCode::kUnavailable) {
      state_.followers.remove(item.peer);
      doors_.log.debug("frame.dropped", {{"reason", sent.message()}});
    } else {
      doors_.log.error("frame.not_sent", {{"reason", sent.message()}});
    }
  }
  return {};
}

Status MasterService::end_exhausted() {
  // What was decided is recorded and done; more could not be recorded.
  return {StatusCode::kNoSpace,
          "the disk that keeps the master's state is full, so the master stops; make room and "
          "start it again: its jobs will go on"};
}

}  // namespace fanfold::master
