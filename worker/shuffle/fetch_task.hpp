// The inputs of one reduce task on their way to this host: what is asked of which holder, what has
// arrived, and the files it is written to.  Bytes that are asked for or wait to be written are
// bounded by credits.  An output that cannot be had is lost; the others go on.  One thread; talks
// to holders through DataLinks alone.

#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/shuffle/data_links.hpp"
#include "worker/shuffle/fetcher.hpp"

namespace fanfold::worker {

class FetchTask {
 public:
  FetchTask(io::FileSystem& files, DataLinks& links, std::uint32_t holders_talking,
            FetchRequest request);
  ~FetchTask();
  FetchTask(const FetchTask&) = delete;
  FetchTask& operator=(const FetchTask&) = delete;

  void start(Instant now);
  void take(Instant now, Reply reply);
  /// A holder is quiet: another may be asked meanwhile.
  void note_quiet(Instant now);
  /// Everything of it that is not here is lost.
  void note_silent(Instant now, const DataLinks::Address& address);

  /// Nothing can be fetched any more.
  void note_broken(const Status& status);

  /// Nothing is asked or written any more.
  bool ended() const;
  /// Outputs are lost that no outcome() has named.
  bool has_lost() const { return !lost_.empty(); }
  FetchOutcome outcome();

 private:
  /// One output while it is brought here.
  struct Incoming {
    std::uint32_t output = 0;  // Index into request_.outputs.
    bool known = false;        // `segment` is what the holder says.
    io::Segment segment;
    std::uint64_t asked = 0;  // Stored bytes that are asked for, have arrived or are written.
    std::uint64_t written = 0;
    std::uint64_t credit = 0;  // Of the stream's, that it uses.
    std::uint64_t file_offset = 0;
    std::map<std::uint64_t, std::string> arrived;  // By offset; not written yet.
  };
  /// Segments lie in it one after the other.
  struct Target {
    std::string path;
    std::unique_ptr<io::WritableFile> file = {};
    std::uint64_t bytes = 0;
  };
  /// All outputs of one holder, one after the other.
  struct Stream {
    DataLinks::Address address;
    std::size_t target = 0;              // Of targets_.
    std::vector<std::uint32_t> outputs;  // Indexes into request_.outputs, ascending.
    std::size_t next = 0;                // Of `outputs`: not asked for yet.
    std::deque<Incoming> incoming;
    std::uint64_t credit_used = 0;

    /// Nothing else may go to its target now.
    bool is_writing() const { return !incoming.empty() && incoming.front().written > 0; }
  };

  FetchId id() const { return {request_.attempt, request_.round}; }
  static std::deque<Incoming>::iterator find(Stream& stream, std::uint32_t output);
  void add_stream(std::uint32_t holder, std::vector<std::uint32_t> outputs);
  void link_streams();
  void unlink_finished();
  void advance(Instant now);
  bool advance(Instant now, Stream& stream);
  bool has_credit(const Stream& stream, std::uint32_t length) const;
  /// Outputs that are asked for and of which no answer has come.
  std::uint64_t sizes_unknown() const;
  /// There is no room for what is not asked for yet.
  bool leave_rest(Stream& stream);
  void ask(Instant now, Stream& stream, Incoming& incoming, std::uint32_t length);
  void take_chunk(Incoming& incoming, Reply reply);
  bool is_left(const io::Segment& segment) const;
  void leave(Stream& stream, std::uint32_t output);
  void free_credit(Stream& stream, Incoming& incoming, std::uint64_t bytes);
  void stop_asking();
  /// `why` is a sentence's end: what is wrong with it.
  void note_lost(std::uint32_t output, const std::string& why);
  /// Nothing more will come of it.
  void give_up(std::uint32_t stream, std::uint32_t output, const std::string& why);
  bool has_one_file() const { return !request_.file.empty(); }
  void close(Target& target);
  void write_arrived(Stream& stream);
  void write_next(Stream& stream);
  bool may_write(const Stream& stream) const;
  Status write(Target& target, std::string_view bytes);
  void fail(proto::FailureKind kind, const std::string& message);
  void fail_disk(const Status& status);
  bool failed() const { return failure_.kind != proto::FailureKind::kNone; }

  io::FileSystem& files_;
  DataLinks& links_;
  const std::int64_t holders_talking_;
  const FetchRequest request_;
  std::vector<Stream> streams_;
  std::vector<Target> targets_;
  std::uint32_t begun_ = 0;            // Of streams_: linked, or finished.
  std::vector<std::uint32_t> linked_;  // Indexes into streams_, of those that are not finished.
  std::vector<std::optional<LocalSegment>> segments_;  // By output; nullopt: empty or not here.
  std::vector<bool> settled_;                          // By output: here, empty, or lost.
  std::uint64_t credit_used_ = 0;
  std::size_t turn_ = 0;                // Of linked_: who may ask next.
  std::vector<proto::MapOutput> lost_;  // Not named by an outcome().
  std::vector<proto::MapOutput> left_;
  std::uint64_t accepted_bytes_ = 0;  // Of segments whose sizes are known.
  std::string why_lost_;
  proto::FailureReport failure_;
};

}  // namespace fanfold::worker
