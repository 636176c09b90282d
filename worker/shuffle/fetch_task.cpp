#include "worker/shuffle/fetch_task.hpp"

#include <algorithm>
#include <utility>

#include "common/core/check.hpp"
#include "common/core/fault_point.hpp"
#include "common/core/limits.hpp"

namespace fanfold::worker {
namespace {

using proto::FailureKind;

/// Asked for before it is known how large a segment is: most of a small one, little of a large one.
constexpr std::uint32_t kFirstBytes = 128u << 10;
/// Of one task from one holder: keeps its disk and the network busy without filling its queues.
constexpr std::uint64_t kStreamCreditBytes = 4u << 20;

std::string describe(const proto::Holder& holder) {
  return "worker " + std::to_string(holder.worker.value) + " at " + holder.data_endpoint;
}

}  // namespace

FetchTask::FetchTask(io::FileSystem& files, DataLinks& links, std::uint32_t holders_talking,
                     FetchRequest request)
    : files_(files),
      links_(links),
      holders_talking_(holders_talking),
      request_(std::move(request)),
      segments_(request_.outputs.size()),
      settled_(request_.outputs.size()) {}

FetchTask::~FetchTask() {
  links_.forget(id());
  for (const std::uint32_t index : linked_) links_.close(streams_[index].address);
}

void FetchTask::start(Instant now) {
  if (const Status made = files_.make_directories(request_.directory); !made.ok()) {
    fail_disk(made);
    return;
  }
  std::map<std::uint32_t, std::vector<std::uint32_t>> by_holder;
  for (std::uint32_t i = 0; i < request_.outputs.size(); ++i) {
    by_holder[request_.outputs[i].holder].push_back(i);
  }
  streams_.reserve(by_holder.size());
  if (has_one_file()) targets_.push_back({request_.directory + "/" + request_.file});
  for (auto& [holder, outputs] : by_holder) add_stream(holder, std::move(outputs));
  // Not all reduces begin with the same holder.
  if (!streams_.empty()) {
    const std::size_t first = request_.partition % streams_.size();
    std::rotate(streams_.begin(), std::next(streams_.begin(), static_cast<std::ptrdiff_t>(first)),
                streams_.end());
  }
  advance(now);
}

void FetchTask::add_stream(std::uint32_t holder, std::vector<std::uint32_t> outputs) {
  Stream stream;
  stream.address = (*request_.holders)[holder].data_endpoint;
  if (!has_one_file()) {
    stream.target = targets_.size();
    targets_.push_back({request_.directory + "/fetched-" + std::to_string(request_.round) + "-" +
                        std::to_string(holder) + ".blocks"});
  }
  stream.outputs = std::move(outputs);
  streams_.push_back(std::move(stream));
}

/// Links to further holders, as many as may be talked to at a time.
void FetchTask::link_streams() {
  auto talking = std::count_if(linked_.begin(), linked_.end(), [this](std::uint32_t index) {
    return !links_.is_quiet(streams_[index].address);
  });
  while (begun_ < streams_.size() && talking < holders_talking_) {
    Stream& stream = streams_[begun_++];
    if (const Status opened = links_.open(stream.address); opened.ok()) {
      linked_.push_back(begun_ - 1);
      // Others of this worker may have found out that it is.
      if (!links_.is_quiet(stream.address)) ++talking;
    } else {
      for (const std::uint32_t output : stream.outputs) note_lost(output, opened.message());
    }
  }
}

void FetchTask::unlink_finished() {
  std::erase_if(linked_, [this](std::uint32_t index) {
    Stream& stream = streams_[index];
    if (stream.next != stream.outputs.size() || !stream.incoming.empty()) return false;
    links_.close(stream.address);
    // Thousands of holders do not need as many descriptors.
    if (!has_one_file()) close(targets_[stream.target]);
    return true;
  });
}

void FetchTask::close(Target& target) {
  if (!target.file) return;
  const Status closed = std::exchange(target.file, nullptr)->close();
  if (!closed.ok()) fail_disk(closed);
}

bool FetchTask::ended() const { return failed() || (begun_ == streams_.size() && linked_.empty()); }

FetchOutcome FetchTask::outcome() {
  FetchOutcome outcome;
  outcome.attempt = request_.attempt;
  outcome.round = request_.round;
  outcome.lost = std::exchange(lost_, {});
  outcome.why_lost = std::exchange(why_lost_, {});
  outcome.ended = ended();
  if (!outcome.ended) return outcome;
  outcome.succeeded = !failed();
  outcome.failure = std::move(failure_);
  if (!outcome.succeeded) return outcome;
  outcome.left = std::move(left_);
  for (std::optional<LocalSegment>& segment : segments_) {
    if (segment) outcome.segments.push_back(*std::move(segment));
  }
  return outcome;
}

std::deque<FetchTask::Incoming>::iterator FetchTask::find(Stream& stream, std::uint32_t output) {
  const auto found = std::find_if(stream.incoming.begin(), stream.incoming.end(),
                                  [output](const Incoming& one) { return one.output == output; });
  FANFOLD_CHECK(found != stream.incoming.end());
  return found;
}

void FetchTask::take(Instant now, Reply reply) {
  if (failed()) return;
  Stream& stream = streams_[reply.asker.stream];
  const std::uint32_t output = reply.asker.output;
  const auto incoming = find(stream, output);
  if (reply.chunk.code != 0) {
    give_up(reply.asker.stream, output, reply.chunk.message);
  } else {
    take_chunk(*incoming, std::move(reply));
  }
  advance(now);
}

void FetchTask::take_chunk(Incoming& incoming, Reply reply) {
  Stream& stream = streams_[reply.asker.stream];
  proto::Chunk& chunk = reply.chunk;
  const std::uint64_t stored = chunk.segment.stored_bytes;
  const bool same = !incoming.known || incoming.segment.stored_bytes == stored;
  const bool fits =
      chunk.offset <= stored &&
      chunk.bytes.size() == std::min<std::uint64_t>(reply.length, stored - chunk.offset);
  if (!same || !fits) {
    give_up(reply.asker.stream, incoming.output, "its data server contradicts itself");
    return;
  }
  // Less than was asked for came: the rest of the credit is free again.
  free_credit(stream, incoming, reply.length - chunk.bytes.size());
  if (!incoming.known) {
    if (is_left(chunk.segment)) return leave(stream, incoming.output);
    accepted_bytes_ += stored;
    incoming.known = true;
    incoming.segment = chunk.segment;
    incoming.asked = chunk.bytes.size();
  }
  if (!chunk.bytes.empty()) incoming.arrived.emplace(chunk.offset, std::move(chunk.bytes));
  write_arrived(stream);
}

bool FetchTask::is_left(const io::Segment& segment) const {
  const std::uint64_t stored = segment.stored_bytes;
  if (request_.segment_bytes_max != 0 && stored > request_.segment_bytes_max) return true;
  return request_.bytes_max != 0 && stored > request_.bytes_max - accepted_bytes_;
}

void FetchTask::leave(Stream& stream, std::uint32_t output) {
  const auto incoming = find(stream, output);
  free_credit(stream, *incoming, incoming->credit);
  stream.incoming.erase(incoming);
  settled_[output] = true;
  left_.push_back(request_.outputs[output]);
  // What was behind it may be complete.
  write_arrived(stream);
}

void FetchTask::write_arrived(Stream& stream) {
  write_next(stream);
  if (!has_one_file()) return;
  // It may have had the file to itself until now.
  for (const std::uint32_t index : linked_) write_next(streams_[index]);
}

bool FetchTask::may_write(const Stream& stream) const {
  return !has_one_file() || std::none_of(linked_.begin(), linked_.end(), [&](std::uint32_t index) {
    return &streams_[index] != &stream && streams_[index].is_writing();
  });
}

/// Writes what is next in the file; later segments wait for the earlier ones to be complete.
void FetchTask::write_next(Stream& stream) {
  if (failed() || !may_write(stream)) return;
  Target& target = targets_[stream.target];
  while (!stream.incoming.empty()) {
    Incoming& first = stream.incoming.front();
    if (!first.known) return;
    if (first.written == 0) first.file_offset = target.bytes;
    for (auto next = first.arrived.find(first.written); next != first.arrived.end();
         next = first.arrived.find(first.written)) {
      const std::string bytes = std::move(next->second);
      first.arrived.erase(next);
      if (const Status written = write(target, bytes); !written.ok()) {
        fail_disk(written);
        return;
      }
      first.written += bytes.size();
      free_credit(stream, first, bytes.size());
    }
    if (first.written < first.segment.stored_bytes) return;
    settled_[first.output] = true;
    if (first.segment.stored_bytes > 0) {
      LocalSegment local;
      local.output = request_.outputs[first.output];
      local.path = target.path;
      local.fetched = true;
      local.segment = first.segment;
      local.segment.offset = first.file_offset;
      segments_[first.output] = std::move(local);
    }
    stream.incoming.pop_front();
  }
}

Status FetchTask::write(Target& target, std::string_view bytes) {
  if (!target.file) {
    FANFOLD_ASSIGN_OR_RETURN(target.file, files_.create(target.path));
  }
  FANFOLD_RETURN_IF_ERROR(target.file->append(bytes));
  target.bytes += bytes.size();
  return {};
}

void FetchTask::advance(Instant now) {
  for (bool asking = true; asking && !failed();) {
    unlink_finished();
    link_streams();
    asking = false;
    for (std::size_t i = 0; i < linked_.size(); ++i) {
      turn_ = (turn_ + 1) % linked_.size();
      if (advance(now, streams_[linked_[turn_]])) asking = true;
    }
  }
  if (has_one_file() && !failed() && ended()) close(targets_.front());
}

/// Asks for one part more, or finds that nothing more is to be had; false: nothing can be done now.
bool FetchTask::advance(Instant now, Stream& stream) {
  for (Incoming& incoming : stream.incoming) {
    if (!incoming.known || incoming.asked == incoming.segment.stored_bytes) continue;
    const auto length = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(strikes(FaultPoint::kTinyChunk) ? 1 : limits::kDataChunkBytes,
                                incoming.segment.stored_bytes - incoming.asked));
    // The first is what the others wait for, so it may always have one part on its way.
    const bool first = &incoming == &stream.incoming.front();
    const bool starving = first && incoming.asked == incoming.written;
    if (!starving && !has_credit(stream, length)) return false;
    ask(now, stream, incoming, length);
    incoming.asked += length;
    return true;
  }
  if (stream.next == stream.outputs.size()) return false;
  if (!stream.incoming.empty() && !has_credit(stream, kFirstBytes)) return false;
  if (request_.bytes_max != 0) {
    const std::uint64_t unknown = sizes_unknown();
    if (accepted_bytes_ + (unknown + 1) * kFirstBytes > request_.bytes_max) {
      return unknown == 0 && leave_rest(stream);
    }
  }
  Incoming incoming;
  incoming.output = stream.outputs[stream.next++];
  stream.incoming.push_back(std::move(incoming));
  ask(now, stream, stream.incoming.back(), strikes(FaultPoint::kTinyChunk) ? 1 : kFirstBytes);
  return true;
}

bool FetchTask::has_credit(const Stream& stream, std::uint32_t length) const {
  return stream.credit_used + length <= kStreamCreditBytes &&
         credit_used_ + length <= limits::kFetchCreditBytes;
}

std::uint64_t FetchTask::sizes_unknown() const {
  std::uint64_t count = 0;
  for (const std::uint32_t index : linked_) {
    for (const Incoming& incoming : streams_[index].incoming) count += incoming.known ? 0 : 1;
  }
  return count;
}

bool FetchTask::leave_rest(Stream& stream) {
  for (; stream.next < stream.outputs.size(); ++stream.next) {
    settled_[stream.outputs[stream.next]] = true;
    left_.push_back(request_.outputs[stream.outputs[stream.next]]);
  }
  return true;
}

void FetchTask::ask(Instant now, Stream& stream, Incoming& incoming, std::uint32_t length) {
  const auto index = static_cast<std::uint32_t>(&stream - streams_.data());
  proto::FetchSegment wanted;
  wanted.job = request_.job;
  wanted.attempt = request_.outputs[incoming.output].attempt;
  wanted.partition = request_.partition;
  wanted.offset = incoming.asked;
  wanted.length = length;
  stream.credit_used += length;
  credit_used_ += length;
  incoming.credit += length;
  // Beyond the credit each holder may be asked for the one part that all others wait for.
  FANFOLD_CHECK(credit_used_ <= limits::kFetchCreditBytes +
                                    streams_.size() * std::max<std::uint64_t>(
                                                          limits::kDataChunkBytes, kFirstBytes));
  links_.ask(now, stream.address, {id(), index, incoming.output}, wanted);
}

void FetchTask::free_credit(Stream& stream, Incoming& incoming, std::uint64_t bytes) {
  stream.credit_used -= bytes;
  credit_used_ -= bytes;
  incoming.credit -= bytes;
}

void FetchTask::note_lost(std::uint32_t output, const std::string& why) {
  const proto::MapOutput& lost = request_.outputs[output];
  settled_[output] = true;
  if (why_lost_.empty()) {
    why_lost_ = "the output of map task " + std::to_string(lost.split) +
                " cannot be fetched from " + describe((*request_.holders)[lost.holder]) + ": " +
                why;
  }
  lost_.push_back(lost);
}

void FetchTask::give_up(std::uint32_t index, std::uint32_t output, const std::string& why) {
  Stream& stream = streams_[index];
  const auto incoming = find(stream, output);
  links_.forget({id(), index, output});
  free_credit(stream, *incoming, incoming->credit);
  stream.incoming.erase(incoming);
  note_lost(output, why);
  // What was behind it may be complete.
  write_arrived(stream);
}

void FetchTask::stop_asking() {
  links_.forget(id());
  for (Stream& stream : streams_) {
    stream.incoming.clear();
    stream.next = stream.outputs.size();
    stream.credit_used = 0;
  }
  credit_used_ = 0;
}

void FetchTask::note_silent(Instant now, const DataLinks::Address& address) {
  if (failed()) return;
  for (const std::uint32_t i : linked_) {
    Stream& stream = streams_[i];
    if (stream.address != address || stream.incoming.empty()) continue;
    links_.forget(id(), i);
    for (Incoming& incoming : stream.incoming) free_credit(stream, incoming, incoming.credit);
    stream.incoming.clear();
    stream.next = stream.outputs.size();
    for (const std::uint32_t output : stream.outputs) {
      if (!settled_[output]) note_lost(output, "it does not answer requests for map outputs");
    }
    write_arrived(stream);
  }
  // Others may use the credit.
  advance(now);
}

void FetchTask::note_quiet(Instant now) { advance(now); }

void FetchTask::note_broken(const Status& status) {
  fail(FailureKind::kIo, status.message());
  stop_asking();
}

void FetchTask::fail(FailureKind kind, const std::string& message) {
  failure_ = {};
  failure_.kind = kind;
  failure_.message = message;
}

void FetchTask::fail_disk(const Status& status) {
  const bool full = status.code() == StatusCode::kNoSpace;
  fail(full ? FailureKind::kNoSpace : FailureKind::kIo, status.message());
}

}  // namespace fanfold::worker
