#include "common/capsule/capsule.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/io/piece_reader.hpp"
#include "common/proto/codec.hpp"
#include "common/text/names.hpp"
#include "fanfold/hash.hpp"

namespace fanfold {
namespace {

/// The first line, for people who look at the file.
constexpr std::string_view kTitle = "fanfold capsule 1: run it with 'fanfold replay'\n";
constexpr std::size_t kChecksumBytes = 8;
/// Of each end of a piece, and around the record.
constexpr std::uint64_t kWindowBytes = 64u << 10;
/// A split of many small files would be read as a whole.
constexpr std::size_t kPiecesMarked = 64;
constexpr std::size_t kRecordBytes = 4096;

std::string checksum_of(std::string_view bytes) {
  const std::uint64_t sum = hash(bytes);
  std::string text(kChecksumBytes, '\0');
  for (std::size_t i = 0; i < kChecksumBytes; ++i) text[i] = static_cast<char>(sum >> (8 * i));
  return text;
}

Result<std::string> read_window(io::ReadableFile& file, std::uint64_t offset, std::uint64_t bytes) {
  std::string window(bytes, '\0');
  FANFOLD_ASSIGN_OR_RETURN(const std::size_t got, file.read_at(offset, window));
  window.resize(got);
  return window;
}

/// Where to look at a piece: both ends, or all of a small one.
std::vector<std::pair<std::uint64_t, std::uint64_t>> windows_of(const io::Piece& piece,
                                                                std::uint64_t file_bytes) {
  const bool whole = piece.compression != io::Compression::kNone;
  const std::uint64_t begin = whole ? 0 : std::min(piece.begin, file_bytes);
  const std::uint64_t end = whole ? file_bytes : std::clamp(piece.end, begin, file_bytes);
  if (end - begin <= 2 * kWindowBytes) return {{begin, end - begin}};
  return {{begin, kWindowBytes}, {end - kWindowBytes, kWindowBytes}};
}

/// A piece that is not known to be compressed may turn out to be.
bool is_compressed(io::ReadableFile& file) {
  constexpr std::size_t kMagicBytes = 8;
  const auto magic = read_window(file, 0, kMagicBytes);
  return !magic.ok() || io::detect_compression(*magic) != io::Compression::kNone;
}

void mark_piece(io::FileSystem& files, const io::Piece& piece, proto::Capsule* capsule) {
  const auto file = files.open(piece.path);
  if (!file.ok()) return;
  const auto size = (*file)->size();
  if (!size.ok()) return;
  auto windows = windows_of(piece, *size);
  const proto::FailureReport& failure = capsule->failure;
  const bool has_record = failure.record_file == piece.path &&
                          failure.record_offset >= piece.begin && failure.record_offset < *size &&
                          !is_compressed(**file);
  if (has_record) windows.emplace_back(failure.record_offset, kWindowBytes);
  for (const auto& [offset, bytes] : windows) {
    const auto window = read_window(**file, offset, bytes);
    if (!window.ok()) return;
    capsule->marks.push_back({piece.path, *size, offset, window->size(), hash(*window)});
    if (has_record && offset == failure.record_offset) {
      capsule->record = window->substr(0, std::min(window->find('\n'), kRecordBytes));
    }
  }
}

/// Empty: as it was.
std::string change_of(io::FileSystem& files, const proto::InputMark& mark) {
  const auto file = files.open(mark.path);
  if (!file.ok()) return file.status().message();
  const auto size = (*file)->size();
  if (!size.ok()) return size.status().message();
  if (*size != mark.file_bytes) {
    return mark.path + " has " + std::to_string(*size) + " bytes; it had " +
           std::to_string(mark.file_bytes);
  }
  const auto window = read_window(**file, mark.offset, mark.bytes);
  if (!window.ok()) return window.status().message();
  if (window->size() == mark.bytes && hash(*window) == mark.checksum) return {};
  return mark.path + " has other bytes than it had, from byte " + std::to_string(mark.offset) +
         " on";
}

}  // namespace

std::string capsule_name(const TaskId& task, std::uint32_t attempt_number) {
  return name_of(task) + "." + std::to_string(attempt_number) + ".capsule";
}

std::string capsule_directory(const std::string& event_log) {
  constexpr std::string_view kSuffix = ".jsonl";
  std::string path = event_log;
  if (path.ends_with(kSuffix)) path.resize(path.size() - kSuffix.size());
  return path + ".capsules";
}

bool leaves_capsule(proto::FailureKind kind) {
  return kind != proto::FailureKind::kNone && kind != proto::FailureKind::kCancelled &&
         kind != proto::FailureKind::kWorkerLost && kind != proto::FailureKind::kDrained &&
         kind != proto::FailureKind::kGivenBack;
}

std::string seal_capsule(const proto::Capsule& capsule) {
  const std::string fields = proto::encode_struct(capsule);
  return std::string(kTitle) + checksum_of(fields) + fields;
}

Result<proto::Capsule> open_capsule(std::string_view bytes) {
  if (!bytes.starts_with(kTitle)) {
    return Status(StatusCode::kCorruption, "this is no capsule of a failed attempt");
  }
  bytes.remove_prefix(kTitle.size());
  const std::string_view checksum = bytes.substr(0, kChecksumBytes);
  bytes.remove_prefix(checksum.size());
  if (checksum != checksum_of(bytes)) {
    return Status(StatusCode::kCorruption, "this capsule is damaged: its checksum is wrong");
  }
  Result<proto::Capsule> capsule = proto::decode_struct<proto::Capsule>(bytes);
  if (!capsule.ok()) {
    return capsule.status().with_context(
        "this capsule was left by another version of Fanfold; replay it with that one");
  }
  return capsule;
}

void mark_inputs(io::FileSystem& files, proto::Capsule* capsule) {
  const auto& pieces = capsule->assignment.split.pieces;
  const std::optional<std::uint32_t> at_record = piece_of_record(*capsule);
  for (std::uint32_t i = 0; i < pieces.size(); ++i) {
    if (i < kPiecesMarked || i == at_record) mark_piece(files, pieces[i], capsule);
  }
}

std::vector<std::string> changed_inputs(io::FileSystem& files, const proto::Capsule& capsule) {
  std::vector<std::string> changes;
  const std::string* last = nullptr;  // A file that is told of already.
  for (const proto::InputMark& mark : capsule.marks) {
    if (last != nullptr && *last == mark.path) continue;
    std::string change = change_of(files, mark);
    if (change.empty()) continue;
    changes.push_back(std::move(change));
    last = &mark.path;
  }
  return changes;
}

std::optional<std::uint32_t> piece_of_record(const proto::Capsule& capsule) {
  const proto::FailureReport& failure = capsule.failure;
  if (failure.record_file.empty()) return std::nullopt;
  const auto& pieces = capsule.assignment.split.pieces;
  std::optional<std::uint32_t> same_file;  // Offsets in compressed files say nothing of pieces.
  for (std::uint32_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].path != failure.record_file) continue;
    const bool within =
        failure.record_offset >= pieces[i].begin && failure.record_offset < pieces[i].end;
    if (within) return i;
    if (!same_file) same_file = i;
  }
  return same_file;
}

}  // namespace fanfold
