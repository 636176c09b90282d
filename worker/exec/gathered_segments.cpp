#include "worker/exec/gathered_segments.hpp"

#include <cstring>
#include <memory>
#include <string>

#include "common/core/check.hpp"
#include "fanfold/detail/merger.hpp"
#include "fanfold/detail/prefix_sort.hpp"

namespace fanfold::worker {
namespace {

/// Of one source.  A merge counts on 768 KiB for each.
constexpr std::uint64_t kGatheredBytes = 704u << 10;
/// The records unsorted and sorted, and entries to sort.
constexpr std::uint64_t kBytesPerRecord = 2 * 16;

std::uint64_t bytes_for(const io::Segment& segment) {
  return 2 * segment.raw_bytes + kBytesPerRecord * segment.summary.records;
}

bool is_small(const io::Segment& segment) {
  // In this order: numbers of a damaged index may be anything.
  return segment.stored_bytes <= io::KeptRuns::kSegmentBytesMax &&
         segment.raw_bytes <= io::KeptRuns::kSegmentBytesMax &&
         segment.summary.records <= segment.raw_bytes && bytes_for(segment) <= kGatheredBytes / 4;
}

}  // namespace

struct GatheredSegments::Entry {
  std::uint64_t prefix;
  std::uint64_t place;  // Size, offset: most significant first.

  static constexpr unsigned kOffsetBits = 60;
  /// Sizes up to 8 are exact; 9 stands for anything larger.
  static constexpr std::uint64_t kLongKey = 9;

  std::uint64_t offset() const { return place & ((std::uint64_t{1} << kOffsetBits) - 1); }
  std::size_t size() const { return place >> kOffsetBits; }
};

namespace {

/// How sorting reaches keys and values.
template <class Entry>
struct Keys {
  const char* base;
  const char* end;
  bool ordered_values;

  detail::Record record(const Entry& entry) const {
    const char* const at = base + entry.offset();
    detail::Record record;
    FANFOLD_CHECK(detail::parse_record({at, static_cast<std::size_t>(end - at)}, record));
    return record;
  }
  std::string_view key(const Entry& entry) const { return record(entry).key; }
  std::size_t size_hint(const Entry& entry) const { return entry.size(); }
  bool equal_keys_less(const Entry& a, const Entry& b) const {
    if (ordered_values) {
      const int order = record(a).value.compare(record(b).value);
      if (order != 0) return order < 0;
    }
    // Earlier segments lie before later ones.
    return a.offset() < b.offset();
  }
};

}  // namespace

std::size_t count_to_gather(std::span<const FoundSegment> segments) {
  std::uint64_t bytes = 0;
  std::size_t count = 0;
  for (; count < segments.size() && is_small(segments[count].segment); ++count) {
    bytes += bytes_for(segments[count].segment);
    if (bytes > kGatheredBytes) break;
  }
  return count;
}

std::string_view GatheredSegments::next() {
  if (!done_ && sorted_.size() == 0) {
    read();
    return sorted_.view();
  }
  done_ = true;
  sorted_ = io::Buffer();
  return {};
}

void GatheredSegments::read() {
  /// Windows of many files do not fit any cache.
  constexpr std::size_t kPrefetch = 4;
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  for (const FoundSegment& found : segments_) {
    bytes += found.segment.raw_bytes;
    records += found.segment.summary.records;
  }
  raw_.grow(bytes);
  const auto entries = std::make_unique_for_overwrite<Entry[]>(2 * records);
  Entry* to = entries.get();
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (i + kPrefetch < segments_.size()) {
      const FoundSegment& soon = segments_[i + kPrefetch];
      runs_of(soon).prefetch(soon.file, soon.segment);
    }
    const FoundSegment& found = segments_[i];
    const std::size_t begin = raw_.size();
    const Status read = runs_of(found).append(found.file, found.input->path, found.segment, &raw_);
    if (!read.ok()) options_.on_failure(*found.input, read);
    note_records(raw_.view().substr(begin), found, &to);
    if (options_.bytes_read != nullptr) {
      options_.bytes_read->fetch_add(found.segment.stored_bytes, std::memory_order_relaxed);
    }
  }
  sort_and_copy(entries.get(), records);
  raw_ = io::Buffer();
}

/// `bytes` are the last of raw_.
void GatheredSegments::note_records(std::string_view bytes, const FoundSegment& found,
                                    Entry** to) const {
  std::uint64_t left = found.segment.summary.records;
  while (!bytes.empty() && left > 0) {
    detail::Record record;
    if (!detail::parse_record(bytes, record)) break;
    const std::uint64_t size = record.key.size() <= 8 ? record.key.size() : Entry::kLongKey;
    const auto offset = static_cast<std::uint64_t>(bytes.data() - raw_.data());
    *(*to)++ = {detail::prefix_of(record.key.data(), record.key.size()),
                size << Entry::kOffsetBits | offset};
    bytes.remove_prefix(record.bytes.size());
    --left;
  }
  if (bytes.empty() && left == 0) return;
  options_.on_failure(
      *found.input,
      Status(StatusCode::kCorruption, "run file " + found.input->path +
                                          " is damaged: a segment holds other records than its "
                                          "index says"));
}

void GatheredSegments::sort_and_copy(Entry* entries, std::size_t count) {
  const Keys<Entry> keys{raw_.data(), raw_.end(), options_.ordered_values};
  const Entry* sorted =
      detail::PrefixSort<Entry, Keys<Entry>>(keys).sort(entries, entries + count, entries + count);
  sorted_.grow(raw_.size());
  for (const Entry* const end = sorted + count; sorted != end; ++sorted) {
    const std::string_view bytes = keys.record(*sorted).bytes;
    std::memcpy(sorted_.end(), bytes.data(), bytes.size());
    sorted_.extend(bytes.size());
  }
}

}  // namespace fanfold::worker
