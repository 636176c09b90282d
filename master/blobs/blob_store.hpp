// Plugins and side files that clients have uploaded, each a file whose name is its SHA-256.
//
// What is on its way lies beside them as a part of which nobody else knows, until all of it is
// there, is what the digest says, and is durable.  The whole is bounded: what no job names and
// nobody has asked for lately goes, the one that was used longest ago first.  One thread owns the
// store; what takes long it gives away as work for a side thread, whose outcome comes back through
// done().

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "common/core/status.hpp"
#include "common/core/time.hpp"
#include "common/io/file_system.hpp"

namespace fanfold::master {

/// An upload that is over, or, without an owner, a blob that was looked at once more.
struct BlobDone {
  std::string owner;
  std::string sha256;
  bool checked = false;  // Looked at; otherwise uploaded.
  Status outcome;        // kCorruption: it is something else.
};

class BlobStore {
 public:
  struct Limits {
    std::uint64_t bytes = 4ull << 30;  // Of all blobs, and of all uploads as if they were complete.
    std::size_t blobs = 4096;          // And uploads.
    std::size_t uploads = 32;          // At a time.
    std::size_t uploads_of_owner = 8;
    /// Of a blob that was brought or asked for: its job may be about to be submitted.
    Duration grace = std::chrono::minutes(10);
    Duration patience = std::chrono::minutes(10);  // Of an upload that does not go on.
    std::uint64_t bytes_free = 64u << 20;  // Left on the disk, for what the master has to record.
  };

  /// Makes the directory, for its owner alone, or takes over what an earlier master kept there.
  /// `files` outlives it.
  static Result<std::unique_ptr<BlobStore>> open(io::FileSystem& files, std::string directory,
                                                 const Limits& limits);

  /// The size of a blob; nullopt: it is not here.
  std::optional<std::uint64_t> size_of(const std::string& sha256) const;
  /// Somebody needs it: others go before it.
  void touch(const std::string& sha256, Instant now);
  /// Of `size_of(sha256)`: so much from `offset` on.
  Result<std::string> read(const std::string& sha256, std::uint64_t offset,
                           std::size_t bytes_max) const;

  struct Upload {
    std::uint64_t size = 0;
    std::uint64_t taken = 0;
    bool ending = false;  // All of it is there, and is being looked at.
  };
  /// Null: there is none.
  const Upload* find(const std::string& owner, const std::string& sha256) const;
  /// What jobs need, asked for when something has to go.
  using Named = std::function<std::set<std::string>()>;
  /// Makes room, but not of what is named.  kExhausted, kNoSpace: there is none, and nothing went.
  Status begin(const std::string& owner, const std::string& sha256, std::uint64_t size,
               const Named& named, Instant now);
  /// At the end of what was taken.  After an error there is no such upload any more.
  Status append(const std::string& owner, const std::string& sha256, std::string_view bytes,
                Instant now);
  /// Of an upload of which all is taken: work for a side thread.
  std::function<BlobDone()> end(const std::string& owner, const std::string& sha256);
  /// Whether a blob on the disk is what it was: work for a side thread.
  std::function<BlobDone()> check(const std::string& sha256) const;
  /// kCorruption or kNotFound of one that was looked at: it goes.
  void done(const BlobDone& done, Instant now);
  /// Of that owner, who has no use for it any more; not while it is ending.
  void forget(const std::string& owner, const std::string& sha256);
  /// Uploads that do not go on.
  void expire(Instant now);

  /// Of all uploads of that owner, as if they were complete.
  std::uint64_t bytes_under_way(const std::string& owner) const;
  std::uint64_t bytes_kept() const { return bytes_kept_; }

 private:
  using Key = std::pair<std::string, std::string>;  // Owner and digest.
  struct Blob {
    std::uint64_t size = 0;
    std::uint64_t used = 0;  // Grows with each use of any.
    std::optional<Instant> touched;
  };
  struct Part : Upload {
    std::string path;
    std::unique_ptr<io::WritableFile> file;
    Instant heard;
  };

  BlobStore(io::FileSystem& files, std::string directory, const Limits& limits)
      : files_(files), directory_(std::move(directory)), limits_(limits) {}

  Status take_over();
  std::string path_of(const std::string& sha256) const { return directory_ + "/" + sha256; }
  /// What there would be: on the disk, and in numbers.
  struct Load {
    std::uint64_t bytes = 0;
    std::size_t blobs = 0;
    std::uint64_t free = 0;  // Of the disk, when all is written that is on its way.
  };
  Result<Load> load_with(std::uint64_t size) const;
  Status refuse_for(const Load& load) const;
  Status make_room(std::uint64_t size, const Named& named, Instant now);
  Status refuse_for_uploads(const std::string& owner) const;
  bool is_ending(const std::string& sha256) const;
  void remove(std::map<std::string, Blob>::iterator blob);
  void drop(std::map<Key, Part>::iterator part);

  io::FileSystem& files_;
  const std::string directory_;
  const Limits limits_;
  std::map<std::string, Blob> blobs_;
  std::map<Key, Part> parts_;
  std::uint64_t bytes_kept_ = 0;
  std::uint64_t uses_ = 0;
  std::uint64_t parts_made_ = 0;
};

}  // namespace fanfold::master
