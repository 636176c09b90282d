#include "worker/shuffle/fetch_task.hpp"

#include <algorithm>
#include <utility>

#include "common/core/check.hpp"
#include "common/core/limits.hpp"

namespace fanfold::worker {
namespace {

using proto::FailureKind;

/// Asked for before it is known how large a segment is: most of a small one, little of a large one.
constexpr std::uint32_t kFirstBytes = 128u << 10;
/// Of one task from one holder: keeps its disk and the network busy without filling its queues.
constexpr std::uint64_t kStreamCreditBytes = 4u << 20;

/// Requests without bytes on their way to one holder.
constexpr std::size_t kProbesMax = 64;

std::string describe(const proto::Holder& holder) {
  return "worker " + std::to_string(holder.worker.value) + " at " + holder.data_endpoint;
}

}  // namespace

FetchTask::FetchTask(io::FileSystem& files, DataLinks& links, FetchRequest request)
    : files_(files),
      links_(links),
      request_(std::move(request)),
      segments_(request_.outputs.size()) {}

FetchTask::~FetchTask() {
  links_.forget(request_.attempt);
  for (const Stream& stream : streams_) links_.close(stream.address);
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
  for (auto& [holder, outputs] : by_holder) {
    Stream stream;
    stream.address = request_.holders[holder].data_endpoint;
    stream.path = request_.directory + "/fetched-" + std::to_string(holder) + ".blocks";
    stream.outputs = std::move(outputs);
    if (const Status opened = links_.open(stream.address); !opened.ok()) {
      fail(FailureKind::kFetch, opened.message());
      for (const std::uint32_t output : stream.outputs) {
        failure_.lost_outputs.push_back(request_.outputs[output]);
      }
      return;
    }
    streams_.push_back(std::move(stream));
  }
  advance(now);
}

bool FetchTask::ended() const {
  if (failed() && !probed_) return true;
  return std::all_of(streams_.begin(), streams_.end(), [](const Stream& stream) {
    return stream.next == stream.outputs.size() && stream.incoming.empty();
  });
}

FetchOutcome FetchTask::outcome() {
  for (Stream& stream : streams_) {
    if (!stream.file) continue;
    if (const Status closed = stream.file->close(); !closed.ok()) fail_disk(closed);
    stream.file.reset();
  }
  FetchOutcome outcome;
  outcome.attempt = request_.attempt;
  outcome.succeeded = !failed();
  outcome.failure = std::move(failure_);
  if (!outcome.succeeded) return outcome;
  for (std::optional<LocalSegment>& segment : segments_) {
    if (segment) outcome.segments.push_back(*std::move(segment));
  }
  return outcome;
}

void FetchTask::take(Instant now, Reply reply) {
  if (failed() && !probed_) return;
  Stream& stream = streams_[reply.asker.stream];
  const std::uint32_t output = reply.asker.output;
  const auto incoming =
      std::find_if(stream.incoming.begin(), stream.incoming.end(),
                   [output](const Incoming& one) { return one.output == output; });
  FANFOLD_CHECK(incoming != stream.incoming.end());
  if (probed_) {
    stream.incoming.erase(incoming);
    if (reply.chunk.code != 0) note_lost(output, reply.chunk.message);
  } else if (reply.chunk.code != 0) {
    note_lost(output, reply.chunk.message);
    probe(reply.asker.stream);
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
    note_lost(incoming.output, "its data server contradicts itself");
    return;
  }
  // Less than was asked for came: the rest of the credit is free again.
  const std::uint64_t unused = reply.length - chunk.bytes.size();
  stream.credit_used -= unused;
  credit_used_ -= unused;
  if (!incoming.known) {
    incoming.known = true;
    incoming.segment = chunk.segment;
    incoming.asked = chunk.bytes.size();
  }
  if (!chunk.bytes.empty()) incoming.arrived.emplace(chunk.offset, std::move(chunk.bytes));
  write_arrived(stream);
}

/// Writes what is next in the file; later segments wait for the earlier ones to be complete.
void FetchTask::write_arrived(Stream& stream) {
  while (!stream.incoming.empty()) {
    Incoming& first = stream.incoming.front();
    if (!first.known) return;
    if (first.written == 0) first.file_offset = stream.file_bytes;
    for (auto next = first.arrived.find(first.written); next != first.arrived.end();
         next = first.arrived.find(first.written)) {
      const std::string bytes = std::move(next->second);
      first.arrived.erase(next);
      if (const Status written = write(stream, bytes); !written.ok()) {
        fail_disk(written);
        return;
      }
      first.written += bytes.size();
      stream.credit_used -= bytes.size();
      credit_used_ -= bytes.size();
    }
    if (first.written < first.segment.stored_bytes) return;
    if (first.segment.stored_bytes > 0) {
      LocalSegment local;
      local.output = request_.outputs[first.output];
      local.path = stream.path;
      local.fetched = true;
      local.segment = first.segment;
      local.segment.offset = first.file_offset;
      segments_[first.output] = std::move(local);
    }
    stream.incoming.pop_front();
  }
}

Status FetchTask::write(Stream& stream, std::string_view bytes) {
  if (!stream.file) {
    FANFOLD_ASSIGN_OR_RETURN(stream.file, files_.create(stream.path));
  }
  FANFOLD_RETURN_IF_ERROR(stream.file->append(bytes));
  stream.file_bytes += bytes.size();
  return {};
}

void FetchTask::advance(Instant now) {
  bool asking = true;
  while (asking) {
    asking = false;
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      turn_ = (turn_ + 1) % streams_.size();
      if (advance(now, streams_[turn_])) asking = true;
    }
  }
}

/// Asks for one part more; false when nothing is to be asked now.
bool FetchTask::advance(Instant now, Stream& stream) {
  if (failed() && !probed_) return false;
  for (Incoming& incoming : stream.incoming) {
    if (!incoming.known || incoming.asked == incoming.segment.stored_bytes) continue;
    const auto length = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        limits::kDataChunkBytes, incoming.segment.stored_bytes - incoming.asked));
    // The first is what the others wait for, so it may always have one part on its way.
    const bool first = &incoming == &stream.incoming.front();
    const bool starving = first && incoming.asked == incoming.written;
    if (!starving && !has_credit(stream, length)) return false;
    ask(now, stream, incoming, length);
    incoming.asked += length;
    return true;
  }
  if (stream.next == stream.outputs.size()) return false;
  if (probed_ && stream.incoming.size() >= kProbesMax) return false;
  if (!stream.incoming.empty() && !has_credit(stream, kFirstBytes)) return false;
  Incoming incoming;
  incoming.output = stream.outputs[stream.next++];
  stream.incoming.push_back(std::move(incoming));
  ask(now, stream, stream.incoming.back(), probed_ ? 0 : kFirstBytes);
  return true;
}

bool FetchTask::has_credit(const Stream& stream, std::uint32_t length) const {
  return stream.credit_used + length <= kStreamCreditBytes &&
         credit_used_ + length <= limits::kFetchCreditBytes;
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
  links_.ask(now, stream.address, {request_.attempt, index, incoming.output}, wanted);
}

void FetchTask::note_lost(std::uint32_t output, const std::string& why) {
  const proto::MapOutput& lost = request_.outputs[output];
  if (!failed()) {
    fail(FailureKind::kFetch, "the output of map task " + std::to_string(lost.split) +
                                  " cannot be fetched from " +
                                  describe(request_.holders[lost.holder]) + ": " + why);
  }
  failure_.lost_outputs.push_back(lost);
}

/// A holder that has lost one output has probably lost others, and the master had better know all
/// at once: the rest is asked for without its bytes.
void FetchTask::probe(std::uint32_t index) {
  stop_asking();
  Stream& stream = streams_[index];
  const std::uint32_t lost = failure_.lost_outputs.back().split;
  std::erase_if(stream.outputs, [this, lost](std::uint32_t output) {
    return segments_[output] || request_.outputs[output].split == lost;
  });
  stream.next = 0;
  probed_ = index;
}

void FetchTask::stop_asking() {
  links_.forget(request_.attempt);
  for (Stream& stream : streams_) {
    stream.incoming.clear();
    stream.next = stream.outputs.size();
    stream.credit_used = 0;
  }
  credit_used_ = 0;
}

void FetchTask::note_silent(const DataLinks::Address& address) {
  for (const Stream& stream : streams_) {
    if (stream.address != address || stream.incoming.empty()) continue;
    if (!failed()) {
      fail(FailureKind::kFetch,
           describe(request_.holders[request_.outputs[stream.outputs.front()].holder]) +
               " does not answer requests for map outputs");
    }
    // What was empty is among them: computing it again costs little.
    for (const std::uint32_t output : stream.outputs) {
      if (!segments_[output]) failure_.lost_outputs.push_back(request_.outputs[output]);
    }
  }
  if (!failed()) return;
  stop_asking();
  probed_.reset();
}

void FetchTask::note_broken(const Status& status) {
  fail(FailureKind::kIo, status.message());
  stop_asking();
  probed_.reset();
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
