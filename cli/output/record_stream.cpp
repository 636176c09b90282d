#include "cli/output/record_stream.hpp"

#include <algorithm>
#include <utility>

#include "common/core/limits.hpp"
#include "common/io/byte_source.hpp"

namespace fanfold::cli {
namespace {

// Many parts are merged at once: each holds this much.
constexpr std::size_t kReadBytes = 64u << 10;

io::Compression reading(io::PartCompression compression) {
  switch (compression) {
    case io::PartCompression::kNone:
      return io::Compression::kNone;
    case io::PartCompression::kGzip:
      return io::Compression::kGzip;
    case io::PartCompression::kZstd:
      return io::Compression::kZstd;
  }
  return io::Compression::kNone;
}

// Bytes of the varint, 0 when it is not complete, -1 when it is none.
int read_varint(std::string_view bytes, std::uint64_t* value) {
  *value = 0;
  for (std::size_t i = 0; i < bytes.size() && i < 10; ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    *value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if ((byte & 0x80) == 0) return static_cast<int>(i + 1);
  }
  return bytes.size() < 10 ? 0 : -1;
}

}  // namespace

RecordStream::RecordStream(std::unique_ptr<io::ReadableStream> source, std::string path,
                           abi::OutputFormat format)
    : source_(std::move(source)), path_(std::move(path)), format_(format) {}

Result<std::unique_ptr<RecordStream>> RecordStream::open(io::FileSystem& files,
                                                         const std::string& directory,
                                                         const io::Manifest& manifest,
                                                         const io::PartInfo& part) {
  const std::string path = directory + "/" + part.name;
  FANFOLD_ASSIGN_OR_RETURN(std::unique_ptr<io::ReadableFile> file, files.open(path));
  FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
  if (size != part.bytes) {
    return Status(StatusCode::kCorruption, path + " is " + std::to_string(size) + " bytes, but " +
                                               std::string(manifest.file_name()) + " says " +
                                               std::to_string(part.bytes) +
                                               ": it was changed after the job wrote it.");
  }
  std::unique_ptr<io::ReadableStream> source;
  if (manifest.compression == io::PartCompression::kNone) {
    source = io::make_range_source(std::move(file), path, 0, size);
  } else {
    FANFOLD_ASSIGN_OR_RETURN(
        source, io::open_decompressor(std::move(file), path, reading(manifest.compression), size));
  }
  return std::unique_ptr<RecordStream>(
      new RecordStream(std::move(source), path, manifest.output_format));
}

Result<bool> RecordStream::fill() {
  buffer_.erase(0, used_);
  used_ = 0;
  const std::size_t before = buffer_.size();
  if (before > 2 * limits::kRecordBytes) {
    return Status(StatusCode::kCorruption, path_ + " holds a record that is too large to be one.");
  }
  // Doubling, so that a large record is not copied once for every few bytes of it.
  buffer_.resize(before + std::max(kReadBytes, before));
  FANFOLD_ASSIGN_OR_RETURN(const std::size_t count,
                           source_->read({buffer_.data() + before, buffer_.size() - before}));
  buffer_.resize(before + count);
  return count > 0;
}

Result<std::optional<Record>> RecordStream::next() {
  return format_ == abi::OutputFormat::kBinary ? next_binary() : next_line();
}

Result<std::optional<Record>> RecordStream::next_line() {
  std::size_t searched = 0;
  std::size_t feed = std::string_view::npos;
  while ((feed = unread().find('\n', searched)) == std::string_view::npos) {
    searched = unread().size();
    FANFOLD_ASSIGN_OR_RETURN(const bool more, fill());
    if (more) continue;
    if (unread().empty()) return std::optional<Record>();
    feed = unread().size() - 1;
    break;
  }
  Record record;
  record.bytes = unread().substr(0, feed + 1);
  record.key = record.bytes;
  if (record.key.ends_with('\n')) record.key.remove_suffix(1);
  if (format_ == abi::OutputFormat::kText) record.key = record.key.substr(0, record.key.find('\t'));
  used_ += record.bytes.size();
  return std::optional<Record>(record);
}

Result<std::optional<Record>> RecordStream::next_binary() {
  for (;;) {
    std::uint64_t key_size = 0;
    std::uint64_t value_size = 0;
    const int first = read_varint(unread(), &key_size);
    const int second =
        first <= 0 ? first
                   : read_varint(unread().substr(static_cast<std::size_t>(first)), &value_size);
    const bool absurd = key_size > limits::kRecordBytes || value_size > limits::kRecordBytes;
    if (first < 0 || second < 0 || (first > 0 && second > 0 && absurd)) {
      return Status(StatusCode::kCorruption, path_ + " is damaged: it holds an impossible length.");
    }
    if (first > 0 && second > 0) {
      const std::size_t head = static_cast<std::size_t>(first + second);
      const std::size_t whole = head + key_size + value_size;
      if (unread().size() >= whole) {
        const Record record = {unread().substr(0, whole), unread().substr(head, key_size)};
        used_ += whole;
        return std::optional<Record>(record);
      }
    }
    FANFOLD_ASSIGN_OR_RETURN(const bool more, fill());
    if (more) continue;
    if (unread().empty()) return std::optional<Record>();
    return Status(StatusCode::kCorruption, path_ + " is damaged: it ends within a record.");
  }
}

Result<std::string_view> RecordStream::next_bytes() {
  if (unread().empty()) FANFOLD_RETURN_IF_ERROR(fill().status());
  const std::string_view bytes = unread();
  used_ = buffer_.size();
  return bytes;
}

}  // namespace fanfold::cli
