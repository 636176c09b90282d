#include "worker/shuffle/data_server.hpp"

#include <algorithm>
#include <atomic>
#include <list>
#include <thread>
#include <utility>

#include "common/core/limits.hpp"
#include "common/io/run_file.hpp"
#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"
#include "fanfold/hash.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;

/// Segments whose file is kept open: one for each task that fetches from us, with some to spare.
constexpr std::size_t kOpenSegmentsMax = 64;
/// Then files that nobody asks for any more are closed, so that deleted ones give back their space.
constexpr Duration kIdle = 2s;

struct OpenSegment {
  JobId job;
  AttemptId attempt;
  std::uint32_t partition = 0;
  io::Segment segment;
  std::unique_ptr<io::ReadableFile> file;  // None when the segment is empty.

  bool is_for(const proto::FetchSegment& wanted) const {
    return job == wanted.job && attempt == wanted.attempt && partition == wanted.partition;
  }
};

/// Answers requests from the files of one scratch directory.
class SegmentStore {
 public:
  SegmentStore(io::FileSystem& files, std::string scratch)
      : files_(files), scratch_(std::move(scratch)) {}

  proto::Chunk answer(const proto::FetchSegment& wanted) {
    proto::Chunk chunk;
    chunk.request = wanted.request;
    chunk.offset = wanted.offset;
    if (Status status = fill(wanted, &chunk); !status.ok()) {
      chunk.code = static_cast<std::uint8_t>(status.code());
      chunk.message = status.message();
      chunk.bytes.clear();
    }
    chunk.checksum = hash(chunk.bytes);
    return chunk;
  }

  void close_all() { open_.clear(); }
  bool has_open() const { return !open_.empty(); }

 private:
  Status fill(const proto::FetchSegment& wanted, proto::Chunk* chunk) {
    FANFOLD_ASSIGN_OR_RETURN(OpenSegment * open, find(wanted));
    chunk->segment = open->segment;
    const std::uint64_t stored = open->segment.stored_bytes;
    if (wanted.offset > stored) {
      return Status(StatusCode::kInvalidArgument, "byte " + std::to_string(wanted.offset) +
                                                      " was asked of a segment of " +
                                                      std::to_string(stored) + " bytes");
    }
    const std::uint64_t most = std::min<std::uint64_t>(wanted.length, limits::kDataChunkBytes);
    const auto length = static_cast<std::size_t>(std::min(most, stored - wanted.offset));
    if (length == 0) return {};
    chunk->bytes.resize(length);
    FANFOLD_ASSIGN_OR_RETURN(
        const std::size_t got,
        open->file->read_at(open->segment.offset + wanted.offset, chunk->bytes));
    if (got != length) return Status(StatusCode::kCorruption, "the map output is cut short");
    return {};
  }

  Result<OpenSegment*> find(const proto::FetchSegment& wanted) {
    const auto known = std::find_if(open_.begin(), open_.end(), [&wanted](const OpenSegment& open) {
      return open.is_for(wanted);
    });
    if (known != open_.end()) {
      open_.splice(open_.begin(), open_, known);
      return &open_.front();
    }
    const std::string path = scratch_ + "/" + std::to_string(wanted.job.value) + "/" +
                             std::to_string(wanted.attempt.value) + "/output.run";
    OpenSegment open;
    open.job = wanted.job;
    open.attempt = wanted.attempt;
    open.partition = wanted.partition;
    FANFOLD_ASSIGN_OR_RETURN(open.segment, io::find_segment(files_, path, wanted.partition));
    if (open.segment.stored_bytes > 0) {
      FANFOLD_ASSIGN_OR_RETURN(open.file, files_.open(path));
    }
    if (open_.size() == kOpenSegmentsMax) open_.pop_back();
    open_.push_front(std::move(open));
    return &open_.front();
  }

  io::FileSystem& files_;
  const std::string scratch_;
  std::list<OpenSegment> open_;  // Most recently used first.
};

class ThreadedServer final : public DataServer {
 public:
  ThreadedServer(io::FileSystem& files, const DataServerOptions& options,
                 std::unique_ptr<net::BoundTransport> transport)
      : transport_(std::move(transport)),
        endpoint_(transport_->bound_address()),
        store_(files, options.scratch),
        thread_([this] { serve(); }) {}

  ~ThreadedServer() override {
    stopping_ = true;
    transport_->wake();
  }

  const std::string& endpoint() const override { return endpoint_; }

 private:
  void serve() {
    while (!stopping_) {
      const Duration wait = store_.has_open() ? kIdle : Duration(1h);
      const auto frame = transport_->receive(wait);
      // Without its socket the server cannot do anything; fetchers report it as silent.
      if (!frame.ok()) return;
      if (*frame) {
        answer(**frame);
      } else {
        store_.close_all();
      }
    }
  }

  void answer(const net::Frame& frame) {
    const auto message = proto::decode<proto::DataMessage>(frame.payload);
    if (!message.ok()) return;
    const auto* wanted = std::get_if<proto::FetchSegment>(&*message);
    if (wanted == nullptr) return;
    // What cannot be sent is asked for again.
    static_cast<void>(transport_->send(frame.peer, proto::encode(store_.answer(*wanted))));
  }

  const std::unique_ptr<net::BoundTransport> transport_;  // The thread's, but for wake().
  const std::string endpoint_;
  SegmentStore store_;
  std::atomic<bool> stopping_ = false;
  std::jthread thread_;  // Last: joined before what it uses is gone.
};

}  // namespace

Result<std::unique_ptr<DataServer>> start_data_server(io::FileSystem& files,
                                                      const DataServerOptions& options) {
  net::SocketOptions socket;
  socket.frame_bytes_max = limits::kDataFrameBytes;
  socket.allow_unauthenticated_tcp = options.allow_unauthenticated_tcp;
  FANFOLD_ASSIGN_OR_RETURN(auto transport, net::listen(options.address, socket));
  return std::unique_ptr<DataServer>(
      std::make_unique<ThreadedServer>(files, options, std::move(transport)));
}

}  // namespace fanfold::worker
