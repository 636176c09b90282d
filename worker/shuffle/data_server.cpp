#include "worker/shuffle/data_server.hpp"

#include <atomic>
#include <thread>
#include <utility>

#include "common/core/limits.hpp"
#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"
#include "worker/shuffle/segment_store.hpp"

namespace fanfold::worker {
namespace {

using namespace std::chrono_literals;

/// Then files that nobody asks for any more are closed, so that deleted ones give back their space.
constexpr Duration kIdle = 2s;

class ThreadedServer final : public DataServer {
 public:
  ThreadedServer(io::FileSystem& files, const DataServerOptions& options,
                 std::unique_ptr<net::BoundTransport> transport)
      : transport_(std::move(transport)),
        endpoint_(transport_->bound_address()),
        figures_(options.figures),
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
      tell_figures();
    }
  }

  void tell_figures() {
    if (!figures_) return;
    const net::Drops drops = transport_->drops();
    figures_->strangers_refused = transport_->refusals().count;
    figures_->frames_revoked = transport_->revoked_frames();
    figures_->frames_damaged = transport_->damaged_frames();
    figures_->frames_dropped = drops.peer_gone + drops.queue_full;
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
  const std::shared_ptr<ShuffleFigures> figures_;  // Shared with those who look on.
  SegmentStore store_;
  std::atomic<bool> stopping_ = false;
  std::jthread thread_;  // Last: joined before what it uses is gone.
};

}  // namespace

Result<std::unique_ptr<DataServer>> start_data_server(io::FileSystem& files,
                                                      const DataServerOptions& options) {
  net::SocketOptions socket;
  socket.frame_bytes_max = limits::kDataFrameBytes;
  socket.protection = options.protection;
  FANFOLD_ASSIGN_OR_RETURN(auto transport, net::listen(options.address, socket));
  return std::unique_ptr<DataServer>(
      std::make_unique<ThreadedServer>(files, options, std::move(transport)));
}

}  // namespace fanfold::worker
