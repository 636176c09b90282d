// The segments of one worker's map outputs, as other workers ask for them.  No threads and no
// sockets: data_server.cpp puts it behind one, a simulation behind another.
//
// No path comes from the wire: <scratch>/<job>/<attempt>/output.run is made from numbers.

#pragma once

#include <list>
#include <memory>
#include <string>

#include "common/core/status.hpp"
#include "common/io/file_system.hpp"
#include "common/io/run_file.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::worker {

class SegmentStore {
 public:
  /// `files` outlives the store.
  SegmentStore(io::FileSystem& files, std::string scratch)
      : files_(files), scratch_(std::move(scratch)) {}

  /// The bytes, or why not.
  proto::Chunk answer(const proto::FetchSegment& wanted);

  /// Files that nobody asks for any more give back their space once they are closed.
  void close_all() { open_.clear(); }
  bool has_open() const { return !open_.empty(); }

 private:
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

  Status fill(const proto::FetchSegment& wanted, proto::Chunk* chunk);
  Result<OpenSegment*> find(const proto::FetchSegment& wanted);

  io::FileSystem& files_;
  const std::string scratch_;
  std::list<OpenSegment> open_;  // Most recently used first.
};

}  // namespace fanfold::worker
