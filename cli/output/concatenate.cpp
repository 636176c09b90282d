#include "cli/output/concatenate.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cli/output/key_order.hpp"
#include "cli/output/record_stream.hpp"
#include "common/io/manifest.hpp"

namespace fanfold::cli {
namespace {

constexpr std::size_t kWriteBytes = 256u << 10;
// Descriptors that are not parts: standard ones, and what the library has open.
constexpr std::size_t kOtherDescriptors = 16;

class Sink {
 public:
  explicit Sink(int descriptor) : descriptor_(descriptor) {}

  Status write(std::string_view bytes) {
    buffer_.append(bytes);
    return buffer_.size() < kWriteBytes ? Status() : flush();
  }

  Status flush() {
    std::string_view left = buffer_;
    while (!left.empty() && !closed_) {
      const ssize_t count = ::write(descriptor_, left.data(), left.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EPIPE) {
        closed_ = true;
        break;
      }
      if (count < 0) {
        return Status(errno == ENOSPC ? StatusCode::kNoSpace : StatusCode::kIoError,
                      std::string("cannot write the output: ") + std::strerror(errno) + ".");
      }
      left.remove_prefix(static_cast<std::size_t>(count));
    }
    buffer_.clear();
    return Status();
  }

  /// Nobody reads any more.
  bool closed() const { return closed_; }

 private:
  const int descriptor_;
  std::string buffer_;
  bool closed_ = false;
};

struct Head {
  std::unique_ptr<RecordStream> stream;
  std::string sortable;
  std::string_view record;
};

class Merge {
 public:
  Merge(abi::OutputFormat format, KeyOrder order) : format_(format), order_(std::move(order)) {}

  Status add(std::unique_ptr<RecordStream> stream) {
    heads_.push_back({std::move(stream), "", ""});
    FANFOLD_ASSIGN_OR_RETURN(const bool more, advance(heads_.back()));
    if (more) queue_.push_back(heads_.size() - 1);
    return Status();
  }

  Status run(Sink* sink) {
    const auto later = [this](std::size_t a, std::size_t b) { return comes_later(a, b); };
    std::make_heap(queue_.begin(), queue_.end(), later);
    while (!queue_.empty() && !sink->closed()) {
      std::pop_heap(queue_.begin(), queue_.end(), later);
      Head& head = heads_[queue_.back()];
      FANFOLD_RETURN_IF_ERROR(sink->write(head.record));
      FANFOLD_ASSIGN_OR_RETURN(const bool more, advance(head));
      if (more) {
        std::push_heap(queue_.begin(), queue_.end(), later);
      } else {
        queue_.pop_back();
      }
    }
    return Status();
  }

 private:
  bool comes_later(std::size_t a, std::size_t b) const {
    int order = heads_[a].sortable.compare(heads_[b].sortable);
    // Lines that a job wrote as they are: what looks like the key may be only a part of it.
    if (order == 0) order = heads_[a].record.compare(heads_[b].record);
    return order != 0 ? order > 0 : a > b;
  }

  Result<bool> advance(Head& head) {
    FANFOLD_ASSIGN_OR_RETURN(const std::optional<Record> record, head.stream->next());
    if (!record.has_value()) return false;
    head.record = record->bytes;
    head.sortable.clear();
    bool is_key = true;
    switch (format_) {
      case abi::OutputFormat::kText:
        is_key = order_.from_text(record->key, &head.sortable);
        break;
      case abi::OutputFormat::kJsonLines:
        is_key = order_.from_json(record->key, &head.sortable);
        break;
      case abi::OutputFormat::kBinary:
        head.sortable = record->key;
        break;
    }
    // A reducer may write what is no key of the job: by its bytes, behind those that are.
    if (!is_key) head.sortable = "\xff\xff" + std::string(record->key);
    return true;
  }

  const abi::OutputFormat format_;
  const KeyOrder order_;
  std::vector<Head> heads_;
  std::vector<std::size_t> queue_;  // A heap of indexes into heads_.
};

std::vector<io::PartInfo> parts_of(const io::Manifest& manifest) {
  std::vector<io::PartInfo> parts;
  for (const io::PartInfo& file : manifest.files) {
    if (file.name.starts_with("part-")) parts.push_back(file);
  }
  return parts;
}

Status make_room(std::size_t parts) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return Status();
  const rlim_t needed = parts + kOtherDescriptors;
  if (limit.rlim_cur >= needed) return Status();
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, needed);
  if (limit.rlim_cur < needed || ::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return Status(StatusCode::kExhausted,
                  "cannot merge " + std::to_string(parts) + " parts: only " +
                      std::to_string(limit.rlim_max) +
                      " files may be open at once.\nRaise the limit (ulimit -n), or read the parts "
                      "one by one.");
  }
  return Status();
}

Status concatenate(io::FileSystem& files, const std::string& directory,
                   const io::Manifest& manifest, const std::vector<io::PartInfo>& parts,
                   Sink* sink) {
  for (const io::PartInfo& part : parts) {
    FANFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<RecordStream> stream,
                             RecordStream::open(files, directory, manifest, part));
    while (!sink->closed()) {
      FANFOLD_ASSIGN_OR_RETURN(const std::string_view bytes, stream->next_bytes());
      if (bytes.empty()) break;
      FANFOLD_RETURN_IF_ERROR(sink->write(bytes));
    }
  }
  return sink->flush();
}

}  // namespace

Status print_output(io::FileSystem& files, const std::string& directory, int descriptor) {
  FANFOLD_ASSIGN_OR_RETURN(const io::Manifest manifest, io::read_manifest(files, directory));
  const std::vector<io::PartInfo> parts = parts_of(manifest);
  Sink sink(descriptor);
  const std::optional<KeyOrder> order = KeyOrder::parse(manifest.key_order);
  const bool sorted = manifest.partitioning == abi::Partitioning::kRange || parts.size() < 2;
  const bool readable =
      manifest.output_format == abi::OutputFormat::kBinary ||
      (order.has_value() &&
       (manifest.output_format == abi::OutputFormat::kJsonLines || order->readable_from_text()));
  if (sorted || !readable) return concatenate(files, directory, manifest, parts, &sink);
  FANFOLD_RETURN_IF_ERROR(make_room(parts.size()));
  Merge merge(manifest.output_format, order.value_or(KeyOrder()));
  for (const io::PartInfo& part : parts) {
    FANFOLD_ASSIGN_OR_RETURN(std::unique_ptr<RecordStream> stream,
                             RecordStream::open(files, directory, manifest, part));
    FANFOLD_RETURN_IF_ERROR(merge.add(std::move(stream)));
  }
  FANFOLD_RETURN_IF_ERROR(merge.run(&sink));
  return sink.flush();
}

}  // namespace fanfold::cli
