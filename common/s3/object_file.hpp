// An object, read in ranges of one and the same version.
//
// Where the reader said what it will read, ranges are on their way before it asks: at most
// kAheadBytes are held, and the network fills them while the reader works.

#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/io/file_system.hpp"
#include "common/s3/client_pool.hpp"

namespace fanfold::s3 {

inline constexpr std::size_t kRangeBytes = 4u << 20;
inline constexpr std::size_t kRangesAhead = 4;
inline constexpr std::size_t kAheadBytes = kRangeBytes * kRangesAhead;

class ObjectFile final : public io::ReadableFile {
 public:
  struct Object {
    std::string path;
    Location location;
    std::string version;                // ETag; empty: whatever the first range finds.
    std::optional<std::uint64_t> size;  // Where it is known.
  };
  ObjectFile(ClientPool::Lease client, Object object)
      : client_(std::move(client)), object_(std::move(object)) {}
  ~ObjectFile() override = default;
  ObjectFile(const ObjectFile&) = delete;

  Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) override;
  Result<std::uint64_t> size() override;
  void will_read(std::uint64_t begin, std::uint64_t end) override;

 private:
  struct Range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    std::unique_ptr<char[]> bytes;
    std::unique_ptr<Client::Pending> pending;  // Null: it is here.
    std::size_t held = 0;
  };

  Call call_for(std::uint64_t begin, std::span<char> into) const;
  /// How much of what was asked for at `begin` there was.  Asks again when the answer is to another
  /// question.
  Result<std::size_t> taken(std::uint64_t begin, std::span<char> into, Result<Answer> answer);
  /// False: it holds other bytes than the range that was asked for, or fewer.
  bool fits(std::uint64_t begin, std::size_t wanted, const Answer& answer) const;
  Status refusal(const Answer& answer) const;
  Result<std::size_t> read_directly(std::uint64_t offset, std::span<char> buffer);
  /// Keeps ranges on their way.
  void read_ahead();
  Result<std::size_t> read_expected(std::uint64_t offset, std::span<char> buffer);

  const ClientPool::Lease client_;
  Object object_;
  std::uint64_t next_begin_ = 0;  // Of the range to ask for next ...
  std::uint64_t ahead_end_ = 0;   // ... and where the reader will stop.
  std::deque<Range> ahead_;       // Ascending, without gaps.  After client_: it goes first.
  std::vector<std::unique_ptr<char[]>> spare_;
};

}  // namespace fanfold::s3
