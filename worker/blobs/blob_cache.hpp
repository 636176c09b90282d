// Plugins and side files that the master keeps, brought to this worker: each once, one after the
// other, a part at a time, whoever wants them.  They stay for later attempts and jobs, as long as
// there is room.  One thread; no sockets: the owner sends the questions and hands over the answers.

#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/core/status.hpp"
#include "common/core/time.hpp"
#include "common/digest/sha256.hpp"
#include "common/io/file_system.hpp"
#include "common/proto/blobs.hpp"
#include "worker/blobs/file_wanted.hpp"

namespace fanfold::worker {

class BlobCache {
 public:
  struct Options {
    std::string directory;             // Made when it is needed.
    std::uint64_t bytes = 1ull << 30;  // Beyond it goes what no attempt uses.
    Duration repeat_first = std::chrono::seconds(1);
    Duration repeat_most = std::chrono::seconds(8);
  };
  struct Figures {
    std::uint64_t fetched = 0;  // Files that came whole.
    std::uint64_t bytes = 0;    // That came.
    std::uint64_t reused = 0;   // Times that one was here when it was wanted.
    std::uint64_t damaged = 0;  // Times that one was not what its digest says.
    std::uint64_t refused = 0;  // By the master, or by this host's disk.
  };

  /// `files` outlives it.
  BlobCache(io::FileSystem& files, Options options);

  /// One answer follows, unless the attempt is forgotten before.
  void want(Instant now, FileWanted wanted);
  /// It has ended: what it used may go.
  void forget(AttemptId attempt);
  void take(Instant now, const proto::BlobPart& part);
  /// What is asked for now cannot come, from this master.
  void refuse(Instant now, const Status& why);

  /// What to say to the master now, without the worker's id; it counts as said.  nullopt: nothing.
  std::optional<proto::GetBlob> take_question(Instant now);
  std::optional<Instant> next_deadline() const;
  std::vector<FileBrought> take_answers();
  /// Attempts that wait.
  std::set<AttemptId> waiting() const;

  const Figures& figures() const { return figures_; }

 private:
  struct Kept {
    std::string path;
    std::uint64_t size = 0;
    std::uint64_t used = 0;  // Grows with each use of any.
    std::set<AttemptId> users;
  };
  struct Wanted {
    std::string name;
    std::set<AttemptId> attempts;
  };
  struct Fetch {
    std::string sha256;
    std::string path;
    std::unique_ptr<io::WritableFile> file;  // Null: nothing has come yet.
    Sha256 digest;
    std::uint64_t size = 0;
    std::uint64_t offset = 0;
    bool again = false;            // What came the first time was something else.
    Instant due;                   // When to ask (again).
    std::optional<Instant> asked;  // For this part, first.
    Duration pause{};
  };

  void begin_next(Instant now);
  /// Makes room and the file.
  Status open(Fetch& fetch, std::uint64_t size);
  Status append(Fetch& fetch, const proto::BlobPart& part);
  void end(Instant now, Fetch& fetch);
  void keep(Fetch& fetch);
  void fail(const Status& why);
  void make_room(std::uint64_t size);
  void drop(std::map<std::string, Kept>::iterator kept);

  io::FileSystem& files_;
  const Options options_;
  std::map<std::string, Kept> kept_;
  std::map<std::string, Wanted> wanted_;  // All that do not lie here, the fetched one too.
  std::deque<std::string> queue_;         // In which order they are fetched.
  std::optional<Fetch> fetch_;
  Duration pause_;  // Before a part is asked for again, as long as they take.
  std::vector<FileBrought> answers_;
  std::uint64_t bytes_kept_ = 0;
  std::uint64_t uses_ = 0;
  std::uint64_t files_made_ = 0;
  Figures figures_;
};

}  // namespace fanfold::worker
