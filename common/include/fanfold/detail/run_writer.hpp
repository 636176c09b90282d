// Writes sorted records as one run: encodes them into blocks, sums the blocks up, and hands each to
// the host.

#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "fanfold/abi.hpp"
#include "fanfold/bytes.hpp"
#include "fanfold/detail/user_code.hpp"
#include "fanfold/hash.hpp"

namespace fanfold::detail {

class RunWriter {
 public:
  RunWriter(abi::TaskHost& host, abi::RunKind kind, abi::ProgressSlot& progress)
      : host_(host), progress_(progress), sink_(host.start_run(kind)) {}
  RunWriter(const RunWriter&) = delete;
  RunWriter& operator=(const RunWriter&) = delete;

  /// Partitions never decrease.
  void write(std::uint32_t partition, std::string_view key, std::string_view value) {
    // Where blocks are cut depends on the records alone, not on how they came here.
    char* begin = room(
        partition, varint_size(key.size()) + varint_size(value.size()) + key.size() + value.size());
    char* to = put_varint(begin, key.size());
    to = put_varint(to, value.size());
    to = copy_bytes(to, key.data(), key.size());
    to = copy_bytes(to, value.data(), value.size());
    end_record(begin, static_cast<std::size_t>(to - begin));
  }

  /// A record that is encoded already.
  void write(std::uint32_t partition, std::string_view record) {
    char* begin = room(partition, record.size());
    copy_bytes(begin, record.data(), record.size());
    end_record(begin, record.size());
  }

  /// Ends the run.  A run that is not finished was never there.
  void finish() {
    flush();
    const InHost in_host(progress_);
    host_.finish_run();
  }

 private:
  static constexpr std::size_t kBlockBytes = 256u << 10;

  char* room(std::uint32_t partition, std::size_t bytes) {
    if (partition != partition_ || block_.size() + bytes > kBlockBytes) {
      flush();
      partition_ = partition;
    }
    return block_.room(bytes);
  }

  void end_record(const char* begin, std::size_t size) {
    const std::uint64_t digest = hash({begin, size});
    ++summary_.records;
    summary_.sum += digest;
    summary_.exclusive_or ^= digest;
    block_.commit(size);
  }

  void flush() {
    if (block_.empty()) return;
    const InHost in_host(progress_);
    sink_.write(partition_, block_.view(), summary_);
    block_.clear();
    summary_ = {};
  }

  abi::TaskHost& host_;
  abi::ProgressSlot& progress_;
  abi::RunSink& sink_;
  std::uint32_t partition_ = 0;
  Bytes block_;
  abi::BlockSummary summary_;
};

}  // namespace fanfold::detail
