// Files that the product wrote and somebody may have damaged: runs, parts, manifests, event logs.

#include <fanfold/detail/merger.hpp>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/output/key_order.hpp"
#include "cli/output/record_stream.hpp"
#include "cli/report/report.hpp"
#include "cli/report/trace.hpp"
#include "common/history/analysis.hpp"
#include "common/io/dead_letter.hpp"
#include "common/io/kept_runs.hpp"
#include "common/io/little_endian.hpp"
#include "common/io/manifest.hpp"
#include "common/io/run_file.hpp"
#include "common/io/run_format.hpp"
#include "tests/fuzz/bytes_file_system.hpp"
#include "tests/fuzz/target.hpp"

namespace fanfold::fuzz {
namespace {

void read_records(std::string_view block) {
  for (detail::Record record; !block.empty(); block.remove_prefix(record.bytes.size())) {
    if (!detail::parse_record(block, record)) return;
    promise(!record.bytes.empty(), "records have bytes");
  }
}

/// True when every block was good.
bool read_segment(io::FileSystem& files, const io::Segment& segment) {
  auto reader = io::open_segment(files, "f", segment);
  if (!reader.ok()) return false;
  std::uint64_t bytes = 0;
  while (true) {
    const Result<std::string_view> block = (*reader)->next();
    if (!block.ok()) {
      promise(block.status().code() == StatusCode::kCorruption, "damage is corruption");
      return false;
    }
    if (block->empty()) break;
    bytes += block->size();
    read_records(*block);
  }
  promise(bytes == segment.raw_bytes, "a whole segment has the bytes that its index says");
  return true;
}

/// The same by way of what is kept of the file.
void read_kept(io::FileSystem& files, std::uint32_t partition, const io::Segment* expected) {
  static const auto list = std::make_shared<const int>(0);
  io::KeptRuns kept(files);
  kept.begin(list, 1, 1u << 20);
  const auto found = kept.find(0, "f", partition);
  if (expected != nullptr) {
    promise(found.ok() && found->offset == expected->offset, "what is kept agrees with the index");
  }
  const bool small = found.ok() && found->stored_bytes <= io::KeptRuns::kSegmentBytesMax &&
                     found->raw_bytes <= io::KeptRuns::kSegmentBytesMax;
  if (!small) return;
  io::Buffer raw;
  const Status appended = kept.append(0, "f", *found, &raw);
  if (!appended.ok()) {
    promise(appended.code() == StatusCode::kCorruption, "damage is corruption");
    return;
  }
  promise(raw.size() == found->raw_bytes, "a whole segment has the bytes that its index says");
  read_records(raw.view());
}

bool read_run(std::string_view file) {
  BytesFileSystem files(file);
  const auto index = io::read_run_index(files, "f");
  for (const std::uint32_t partition : {0u, 1u, 7u, 99999u}) {
    const auto found = io::find_segment(files, "f", partition);
    read_kept(files, partition, index.ok() ? &*found : nullptr);
    if (!index.ok()) continue;
    promise(found.ok(), "a partition of a good index can be looked up");
    const auto listed = std::find_if(index->begin(), index->end(), [&](const io::Segment& segment) {
      return segment.partition == partition;
    });
    promise(listed == index->end() ? found->stored_bytes == 0 : found->offset == listed->offset,
            "looking up one partition agrees with the whole index");
  }
  if (!index.ok()) return false;
  bool good = true;
  for (const io::Segment& segment : *index) good = read_segment(files, segment) && good;
  return good;
}

/// Damaged bytes rarely have right checksums.  Makes them right, so that what lies behind the
/// checksums is reached too.
std::string with_right_checksums(std::string_view file) {
  std::string repaired(file);
  if (repaired.size() < io::kFooterBytes) return repaired;
  char* const footer = repaired.data() + repaired.size() - io::kFooterBytes;
  const auto entries = io::load<std::uint32_t>(footer + 8);
  const std::uint64_t tail = io::kFooterBytes + std::uint64_t{entries} * io::kIndexEntryBytes;
  if (tail > repaired.size()) return repaired;
  const std::uint64_t data_bytes = repaired.size() - tail;
  for (std::uint32_t i = 0; i < entries; ++i) {
    char* const entry = repaired.data() + data_bytes + i * io::kIndexEntryBytes;
    io::Segment segment;
    segment.partition = io::load<std::uint32_t>(entry);
    segment.largest_block = io::load<std::uint32_t>(entry + 4);
    segment.offset = io::load<std::uint64_t>(entry + 8);
    segment.stored_bytes = io::load<std::uint64_t>(entry + 16);
    segment.raw_bytes = io::load<std::uint64_t>(entry + 24);
    segment.summary.records = io::load<std::uint64_t>(entry + 32);
    io::encode_index_entry(segment, i, entry);
  }
  io::encode_footer({data_bytes, entries}, footer);
  for (std::uint64_t at = 0; at + io::kBlockHeaderBytes <= data_bytes;) {
    const auto raw = io::load<std::uint32_t>(repaired.data() + at);
    const auto stored = io::load<std::uint32_t>(repaired.data() + at + 4);
    at += io::kBlockHeaderBytes;
    if (stored > data_bytes - at) break;
    const std::string_view bytes(repaired.data() + at, stored);
    io::store(repaired.data() + at - 8, io::checksum_of_block(raw, bytes));
    at += stored;
  }
  return repaired;
}

bool run_file(std::string_view input) {
  const bool good = read_run(input);
  read_run(with_right_checksums(input));
  return good;
}

/// A segment fetched from another worker: the description comes by wire, the blocks from a file.
bool segment(std::string_view input) {
  io::Segment described;
  described.offset = take<std::uint16_t>(input);
  described.stored_bytes = take<std::uint32_t>(input);
  described.raw_bytes = take<std::uint32_t>(input);
  BytesFileSystem files(input);
  return read_segment(files, described);
}

bool manifest(std::string_view input) {
  const Result<io::Manifest> parsed = io::parse_manifest(input);
  if (!parsed.ok()) {
    const StatusCode code = parsed.status().code();
    promise(code == StatusCode::kCorruption || code == StatusCode::kInvalidArgument,
            "a bad manifest is corrupt or of a later version");
    return false;
  }
  for (const io::PartInfo& file : parsed->files) {
    promise(io::is_output_name(file.name), "files have plain names");
  }
  const std::string once = io::to_json(*parsed);
  const Result<io::Manifest> again = io::parse_manifest(once);
  promise(again.ok(), "what is written can be read");
  promise(io::to_json(*again) == once, "writing again changes nothing");
  static_cast<void>(cli::KeyOrder::parse(parsed->key_order));
  return true;
}

bool dead_letter(std::string_view input) {
  const Result<io::DeadLetter> parsed = io::parse_dead_letter(input);
  if (!parsed.ok()) {
    promise(parsed.status().code() == StatusCode::kCorruption, "what is no letter is corrupt");
    return false;
  }
  const std::string once = io::to_line(*parsed);
  const Result<io::DeadLetter> again = io::parse_dead_letter(once);
  promise(again.ok() && io::to_line(*again) == once, "writing again changes nothing");
  return true;
}

/// Output files as `fanfold cat` reads them: by record, and in pieces.
bool parts(std::string_view input) {
  io::Manifest manifest;
  manifest.output_format = static_cast<abi::OutputFormat>(1 + take<std::uint8_t>(input) % 3);
  manifest.compression = static_cast<io::PartCompression>(take<std::uint8_t>(input) % 3);
  io::PartInfo part;
  part.name = "part";
  part.bytes = input.size();
  BytesFileSystem files(input);
  auto stream = cli::RecordStream::open(files, "d", manifest, part);
  promise(stream.ok(), "a file of the right size can be opened");
  std::string joined;
  bool good = true;
  while (joined.size() < 4u << 20) {
    const auto record = (*stream)->next();
    good = record.ok();
    if (!good || !record->has_value()) break;
    promise(!(*record)->bytes.empty(), "records have bytes");
    joined += (*record)->bytes;
  }
  if (manifest.compression == io::PartCompression::kNone) {
    promise(input.starts_with(joined), "records together are the file");
    promise(!good || joined == input || joined.size() >= 4u << 20, "all of it");
  }
  auto pieces = cli::RecordStream::open(files, "d", manifest, part);
  for (std::size_t bytes = 0; bytes < 4u << 20;) {
    const auto piece = (*pieces)->next_bytes();
    if (!piece.ok() || piece->empty()) break;
    bytes += piece->size();
  }
  return good;
}

/// A key order from a manifest, and a key from a part.
bool key_order(std::string_view input) {
  const std::string_view text = input.substr(0, input.find('\n'));
  const std::string_view key = input.substr(std::min(text.size() + 1, input.size()));
  const auto order = cli::KeyOrder::parse(text);
  if (!order) return false;
  std::string sortable;
  if (order->readable_from_text()) static_cast<void>(order->from_text(key, &sortable));
  static_cast<void>(order->from_json(key, &sortable));
  static_cast<void>(cli::unescape(key));
  return true;
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

/// And what is made of it for people.
bool event_log(std::string_view input) {
  const Result<JobHistory> history = read_job_history(input);
  if (!history.ok()) {
    promise(history.status().code() == StatusCode::kCorruption, "damage is corruption");
    return false;
  }
  for (const AttemptHistory& attempt : history->attempts) {
    promise(attempt.assigned <= attempt.ended && attempt.started <= attempt.ended,
            "nothing ends before it begins");
    promise(attempt.worker < history->workers.size(), "an attempt has a worker");
  }
  const std::string page = cli::report_html(*history, analyse(*history));
  promise(count(page, "<script") == 2 && count(page, "</script") == 2,
          "scripts of a page are ours");
  promise(nlohmann::json::accept(cli::trace_json(*history)), "a trace is JSON");
  return true;
}

constexpr Target kTargets[] = {
    {"event_log", &event_log},    {"run_file", &run_file}, {"segment", &segment},
    {"manifest", &manifest},      {"parts", &parts},       {"key_order", &key_order},
    {"dead_letter", &dead_letter}};

}  // namespace

std::span<const Target> file_targets() { return kTargets; }

}  // namespace fanfold::fuzz
