#include "master/service/feed_desk.hpp"

#include <algorithm>
#include <chrono>

#include "common/core/check.hpp"
#include "common/core/limits.hpp"
#include "common/core/planted.hpp"
#include "common/io/piece_reader.hpp"
#include "common/text/units.hpp"
#include "fanfold/hash.hpp"
#include "master/publish/output_path.hpp"
#include "master/service/chores.hpp"

namespace fanfold::master {
namespace {

/// Of one batch: larger splits instead of more of them.
constexpr std::size_t kSplitsPerBatch = 1'000;
/// Connections that wait for the same answer: a feeder that connects anew is one more.
constexpr std::size_t kPeersPerBatch = 8;

std::string name_of(JobId job) { return "job " + std::to_string(job.value); }

Status invalid(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }
Status full(std::string why) { return {StatusCode::kExhausted, std::move(why)}; }
Status busy(const std::string& feeder) {
  return full("feeder '" + feeder + "' has a batch under way");
}

Status write_durably(io::FileSystem& files, const std::string& path, std::string_view bytes) {
  const std::string directory = path.substr(0, path.rfind('/'));
  FANFOLD_RETURN_IF_ERROR(files.make_directory(directory));
  FANFOLD_ASSIGN_OR_RETURN(const auto file, files.create(path));
  FANFOLD_RETURN_IF_ERROR(file->append(bytes));
  FANFOLD_RETURN_IF_ERROR(file->sync());
  FANFOLD_RETURN_IF_ERROR(file->close());
  FANFOLD_RETURN_IF_ERROR(files.sync_directory(directory));
  return files.sync_directory(parent_of_output(directory));
}

/// Of one split of what a job was fed, in the master: its place.
std::uint64_t encoded_size_of(const std::string& staging) {
  constexpr std::uint64_t kBesides = 64;
  return fed_directory(staging).size() + kBesides;
}

/// Why nothing of it can be a batch of anybody.
Status check_batch(const proto::Feed& message) {
  if (message.feeder.empty() || message.feeder.size() > limits::kNameBytes) {
    return invalid("a feeder needs a name of at most " + std::to_string(limits::kNameBytes) +
                   " bytes");
  }
  if (message.close && !message.bytes.empty()) {
    return invalid("records and the word that there will be none come one after the other");
  }
  if (message.bytes.size() > limits::kFeedBytes) {
    return invalid("a batch of " + std::to_string(message.bytes.size()) + " bytes; the most are " +
                   std::to_string(limits::kFeedBytes));
  }
  if (io::detect_compression(message.bytes) != io::Compression::kNone) {
    return invalid(
        "the records of this batch look like a compressed file: feed them decompressed, as in "
        "'zcat FILE | fanfold feed JOB'");
  }
  return {};
}

bool is_batch(const JobRecord::Feeder& known, const proto::Feed& message) {
  return known.bytes_last == message.bytes.size() &&
         known.taken == message.offset + message.bytes.size() &&
         known.digest_last == hash(message.bytes);
}

}  // namespace

std::vector<proto::Split> cut_batch(const proto::JobSpec& spec, const std::string& path,
                                    std::string_view bytes) {
  std::size_t least = spec.split_bytes != 0 ? spec.split_bytes : bytes.size();
  least = std::max(least, (bytes.size() + kSplitsPerBatch - 1) / kSplitsPerBatch);
  std::vector<proto::Split> splits;
  for (std::size_t begin = 0; begin < bytes.size();) {
    std::size_t end = bytes.size();
    if (bytes.size() - begin > least) {
      end = std::min(bytes.find('\n', begin + least - 1), bytes.size() - 1) + 1;
    }
    io::Piece piece;
    piece.path = path;
    piece.begin = begin;
    piece.end = end;
    splits.push_back({{std::move(piece)}, end - begin});
    begin = end;
  }
  return splits;
}

FeedWritten write_batch(io::FileSystem& files, const std::string& path,
                        const proto::Feed& message) {
  Status written = write_durably(files, path, message.bytes);
  // The reason is what the feeder must hear; half a batch that stays behind is nobody's.
  if (!written.ok()) static_cast<void>(files.remove_file(path));
  return {message.job, message.feeder, std::move(written)};
}

void FeedDesk::take(const net::PeerId& peer, const JobRecord& record, proto::Feed message) {
  const JobRecord::Feeder* known = record.find_feeder(message.feeder);
  proto::FeedReply reply{.job = message.job,
                         .feeder = message.feeder,
                         .offset = message.offset,
                         .size = message.bytes.size(),
                         .close = message.close,
                         .taken = known == nullptr ? 0 : known->taken,
                         .message = {}};
  if (Status refused = check_batch(message); !refused.ok()) return answer(peer, reply, refused);
  if (message.close) return close(peer, record, reply);
  if (message.bytes.empty()) {
    // How much the job has is not known before that is decided.
    const bool undecided = find_under_way({message.job, message.feeder}) != nullptr;
    return answer(peer, reply, undecided ? busy(message.feeder) : refuse_job(record, message.job));
  }
  if (join(peer, message, reply)) return;
  // Its answer was lost.
  const bool again = known != nullptr && is_batch(*known, message);
  if (again && !planted(Bug::kFeedTwice)) return answer(peer, reply, {});
  if (Status refused = refuse_job(record, message.job); !refused.ok()) {
    return answer(peer, reply, refused);
  }
  if (message.offset != reply.taken && !again) {
    return answer(peer, reply,
                  invalid(name_of(message.job) + " has " + std::to_string(reply.taken) +
                          " bytes of feeder '" + message.feeder + "', and this batch begins at " +
                          std::to_string(message.offset) +
                          ": two feeders have one name, or the input is not that of before"));
  }
  write(peer, record, std::move(message), reply);
}

void FeedDesk::close(const net::PeerId& peer, const JobRecord& record,
                     const proto::FeedReply& reply) {
  if (record.phase() == JobPhase::kEnded) {
    const proto::JobState state = record.final_status().state;
    const bool whole = state == proto::JobState::kSucceeded || state == proto::JobState::kPartial;
    // Closing twice is fine, and the answer to the first time may have been lost.
    return answer(peer, reply, whole ? Status() : refuse_job(record, reply.job));
  }
  if (record.input_closed()) return answer(peer, reply, {});
  Status refused = refuse_job(record, reply.job);
  if (refused.ok() && offered_.size() >= kFeedsUnderWay) {
    refused = full("too much is being fed at a time");
  }
  if (!refused.ok()) return answer(peer, reply, refused);
  state_.audit.closed(state_.sender, reply.job);
  Batch batch;
  batch.peers = {peer};
  batch.reply = reply;
  offer(std::move(batch));
}

FeedDesk::Batch* FeedDesk::find_under_way(const Key& key) {
  const auto found = writing_.find(key);
  if (found != writing_.end()) return &found->second;
  for (Batch& one : offered_) {
    if (key_of(one) == key && !one.reply.close) return &one;
  }
  return nullptr;
}

bool FeedDesk::join(const net::PeerId& peer, const proto::Feed& message,
                    const proto::FeedReply& reply) {
  Batch* batch = find_under_way({message.job, message.feeder});
  if (batch == nullptr) return false;
  const bool same = batch->reply.offset == reply.offset && batch->reply.size == reply.size &&
                    batch->digest == hash(message.bytes);
  std::vector<net::PeerId>& peers = batch->peers;
  if (same && std::find(peers.begin(), peers.end(), peer) != peers.end()) return true;
  if (same && peers.size() < kPeersPerBatch) {
    peers.push_back(peer);
  } else {
    answer(peer, reply, busy(message.feeder));
  }
  return true;
}

Status FeedDesk::refuse_job(const JobRecord& record, JobId job) const {
  const std::string name = name_of(job);
  if (record.phase() != JobPhase::kActive) {
    return invalid(name + " is over (" + proto::name_of(record.final_status().state) +
                   "): it takes no more input");
  }
  if (!record.spec().open) {
    return invalid(name +
                   " is not open: its input was complete when it was submitted; 'fanfold "
                   "submit --open' keeps a job open");
  }
  if (state_.stopping) {
    return {StatusCode::kUnavailable, "the cluster is stopping: " + name + " takes no more input"};
  }
  if (record.input_closed()) return invalid(name + " is closed: it takes no more input");
  return {};
}

FeedDesk::Load FeedDesk::load_of(const std::function<bool(const Batch&)>& counts) const {
  Load load;
  const auto add = [&](const Batch& batch) {
    if (!counts(batch)) return;
    ++load.batches;
    load.size.tasks += batch.splits.size();
    load.size.bytes += batch.reply.size;
  };
  for (const auto& [key, batch] : writing_) add(batch);
  for (const Batch& batch : offered_) add(batch);
  return load;
}

JobSize FeedDesk::under_way(const std::string& key) const {
  return load_of([&](const Batch& batch) { return batch.holder && batch.holder->name == key; })
      .size;
}

bool FeedDesk::writes_for(JobId job) const {
  const auto first = writing_.lower_bound({job, ""});
  return first != writing_.end() && first->first.first == job;
}

Status FeedDesk::refuse_for_load(const net::PeerId& peer, const JobRecord& record, JobId job,
                                 const JobSize& more) const {
  const Load coming = load_of([job](const Batch& batch) { return batch.reply.job == job; });
  const std::uint64_t splits = record.splits() + coming.size.tasks + more.tasks;
  if (splits > limits::kSplits) {
    return invalid(name_of(job) + " would have " + std::to_string(splits) + " map tasks, and " +
                   std::to_string(limits::kSplits) +
                   " are the most; close it, and feed the rest to another one");
  }
  const std::uint64_t names =
      record.names_bytes() + (coming.size.tasks + more.tasks) * encoded_size_of(record.staging());
  if (names > limits::kPlanBytes) {
    return invalid(name_of(job) + " has as many map tasks as the master can keep the places of; " +
                   "close it, and feed the rest to another one, or in larger splits");
  }
  const auto queue = state_.scheduler.queue(job, state_.now);
  const std::uint64_t tasks = (queue ? queue->waiting : 0) + coming.size.tasks;
  const std::uint64_t bytes = (queue ? queue->bytes_waiting : 0) + coming.size.bytes;
  const std::string waits =
      " that wait for a worker, and so many are the most; it takes more when "
      "some of them are done";
  if (tasks + more.tasks > kTasksWaiting) {
    return full(name_of(job) + " has " + std::to_string(tasks) + " tasks" + waits);
  }
  // A batch is smaller than all that may wait.
  if (bytes + more.bytes > kBytesWaiting) {
    return full(name_of(job) + " has " + format_bytes(bytes) + " of input" + waits);
  }
  const auto& holder = state_.sender.holder;
  const auto of_sender = [&](const Batch& batch) {
    if (holder || batch.holder) return holder && batch.holder && holder->name == batch.holder->name;
    return batch.peers.front() == peer;
  };
  if (writing_.size() >= kFeedsUnderWay || coming.batches >= kFeedsOfJob ||
      load_of(of_sender).batches >= kFeedsOfSender) {
    return full("too much is being fed at a time");
  }
  if (!holder) return {};
  const JobSize whole{record.size().tasks + coming.size.tasks + more.tasks,
                      record.size().bytes + coming.size.bytes + more.bytes};
  if (const Status alone = check_size(*holder, whole, {}); !alone.ok()) {
    // It does not get smaller by waiting.
    return invalid(alone.message() + "; close " + name_of(job));
  }
  const JobSize known = under_way(holder->name);
  return doors_.check_size(*holder, {known.tasks + more.tasks, known.bytes + more.bytes});
}

void FeedDesk::write(const net::PeerId& peer, const JobRecord& record, proto::Feed message,
                     const proto::FeedReply& reply) {
  // Who waits asks again and again: what takes time comes after what refuses most.
  Status refused = refuse_for_load(peer, record, reply.job, {1, reply.size});
  if (!refused.ok()) return answer(peer, reply, refused);
  Batch batch;
  batch.peers = {peer};
  batch.holder = state_.sender.holder;
  batch.reply = reply;
  batch.digest = hash(message.bytes);
  // Unlike those of earlier masters, too.
  batch.path = fed_directory(record.staging()) + "/" + std::to_string(state_.settings.epoch) + "-" +
               std::to_string(++files_);
  batch.splits = cut_batch(record.spec(), batch.path, message.bytes);
  refused = refuse_for_load(peer, record, reply.job, {batch.splits.size(), reply.size});
  if (refused.ok()) {
    const bool started = doors_.planning.start(
        [&files = doors_.files, path = batch.path,
         one = std::make_shared<proto::Feed>(std::move(message))]() -> SideResult {
          return write_batch(files, path, *one);
        });
    if (!started) refused = full("the master is busy");
  }
  if (!refused.ok()) return answer(peer, reply, refused);
  // What comes a thousand times a second is one thing to be told.
  if (audited_.emplace(reply.job, state_.key_name()).second) {
    state_.audit.fed(state_.sender, reply.job);
  }
  if (planted(Bug::kFeedAnswersBeforeFact)) answer_taken(batch);
  writing_.emplace(key_of(batch), std::move(batch));
}

void FeedDesk::written(FeedWritten result) {
  if (result.feeder.empty()) {
    --dropping_;
    if (!result.outcome.ok()) {
      state_.log.warn("batch.left_behind",
                      {{"job", result.job.value}, {"reason", result.outcome.message()}});
    }
    return;
  }
  auto node = writing_.extract({result.job, result.feeder});
  FANFOLD_CHECK(!node.empty());
  Batch& batch = node.mapped();
  if (result.outcome.ok()) return offer(std::move(batch));
  const Status why = std::move(result.outcome).with_context("cannot feed " + name_of(result.job));
  for (const net::PeerId& peer : batch.peers) answer(peer, batch.reply, why);
}

void FeedDesk::offer(Batch batch) {
  InputOffered event;
  event.job = batch.reply.job;
  for (const proto::Split& split : batch.splits) event.split_bytes.push_back(split.bytes);
  const auto since_origin =
      std::chrono::duration_cast<std::chrono::microseconds>(state_.now.since_origin).count();
  event.unix_us = static_cast<std::uint64_t>(state_.settings.unix_us_at_origin + since_origin);
  event.close = batch.reply.close;
  state_.events.push_back(std::move(event));
  offered_.push_back(std::move(batch));
}

proto::StoredFeed FeedDesk::taken(const InputFed& fact, const JobRecord& record) {
  // The scheduler takes what it takes in the order in which it was offered.
  const auto found = std::find_if(offered_.begin(), offered_.end(), [&](const Batch& one) {
    return one.reply.job == fact.job && one.reply.close == fact.closed &&
           one.splits.size() == fact.split_bytes.size();
  });
  FANFOLD_CHECK(found != offered_.end());
  Batch batch = std::move(*found);
  offered_.erase(found);
  if (batch.reply.close) {
    // Sent when the fact is durable, as all that this turn has to say.
    answer_taken(batch);
    return {};
  }
  const JobRecord::Feeder* known = record.find_feeder(batch.reply.feeder);
  const std::uint64_t before = known == nullptr ? 0 : known->taken;
  FANFOLD_CHECK(before == batch.reply.offset || planted(Bug::kFeedTwice));
  answer_taken(batch);
  return {std::move(batch.reply.feeder), batch.digest, std::move(batch.splits)};
}

void FeedDesk::end_turn() {
  for (const Batch& batch : std::exchange(offered_, {})) {
    const JobId job = batch.reply.job;
    const JobRecord* record = state_.jobs.find(job);
    if (batch.reply.close && record != nullptr && record->input_closed()) {
      // Two closed it in one turn.
      answer_taken(batch);
      continue;
    }
    const Status why = invalid(name_of(job) + " is closed or over: it takes no more input");
    for (const net::PeerId& peer : batch.peers) answer(peer, batch.reply, why);
    if (!batch.path.empty()) drop(job, batch.path);
  }
}

void FeedDesk::forget(JobId job) {
  std::erase_if(audited_, [job](const auto& one) { return one.first == job; });
}

void FeedDesk::drop(JobId job, const std::string& path) {
  // Submissions count on room for theirs.
  const bool started = dropping_ < kFeedsUnderWay &&
                       doors_.planning.start([&files = doors_.files, job, path]() -> SideResult {
                         return FeedWritten{job, "", files.remove_tree(path)};
                       });
  if (started) {
    ++dropping_;
  } else {
    state_.log.warn("batch.left_behind", {{"job", job.value}, {"reason", "busy"}});
  }
}

void FeedDesk::answer(const net::PeerId& peer, proto::FeedReply reply, const Status& status) {
  reply.code = static_cast<std::uint8_t>(status.code());
  reply.message = status.message();
  reply.state_id = state_.settings.state_id;
  state_.outbox.add(peer, reply);
}

void FeedDesk::answer_taken(const Batch& batch) {
  proto::FeedReply reply = batch.reply;
  reply.taken += reply.size;
  for (const net::PeerId& peer : batch.peers) answer(peer, reply, {});
}

}  // namespace fanfold::master
