#include "cli/output/concatenate.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "cli/output/key_order.hpp"
#include "cli/output/record_stream.hpp"
#include "cli/output/sink.hpp"
#include "common/io/manifest.hpp"

namespace fanfold::cli {
namespace {

// Descriptors that are not parts: standard ones, and what the library has open.
constexpr std::size_t kOtherDescriptors = 16;

struct Head {
  std::unique_ptr<RecordStream> stream;
  std::string sortable;
  Record record;
};

/// Writes records as they are, or as JSON Lines.
class Printer {
 public:
  Printer(int descriptor, abi::OutputFormat format, bool json)
      : sink_(descriptor), json_(json && format == abi::OutputFormat::kText) {}

  Status print(const Record& record) {
    return sink_.write(json_ ? text_record_as_json(record) : std::string_view(record.bytes));
  }
  /// All that is left of `stream`.
  Status print_rest(RecordStream& stream);

  Sink& sink() { return sink_; }

 private:
  std::string_view text_record_as_json(const Record& record) {
    std::string_view line = record.bytes;
    if (line.ends_with('\n')) line.remove_suffix(1);
    // The names are those of the JSON Lines that a job writes itself.
    nlohmann::ordered_json json;
    if (record.key.size() < line.size()) {
      json["key"] = unescape(record.key);
      json["value"] = unescape(line.substr(record.key.size() + 1));
    } else {
      json["line"] = line;
    }
    // Text may be any bytes, JSON is UTF-8.
    line_ = json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
    return line_;
  }

  Sink sink_;
  const bool json_;
  std::string line_;
};

Status Printer::print_rest(RecordStream& stream) {
  while (!sink_.closed()) {
    if (json_) {
      FANFOLD_ASSIGN_OR_RETURN(const std::optional<Record> record, stream.next());
      if (!record.has_value()) break;
      FANFOLD_RETURN_IF_ERROR(print(*record));
      continue;
    }
    FANFOLD_ASSIGN_OR_RETURN(const std::string_view bytes, stream.next_bytes());
    if (bytes.empty()) break;
    FANFOLD_RETURN_IF_ERROR(sink_.write(bytes));
  }
  return Status();
}

class Merge {
 public:
  Merge(abi::OutputFormat format, KeyOrder order) : format_(format), order_(std::move(order)) {}

  Status add(std::unique_ptr<RecordStream> stream) {
    heads_.push_back({std::move(stream), "", {}});
    FANFOLD_ASSIGN_OR_RETURN(const bool more, advance(heads_.back()));
    if (more) queue_.push_back(heads_.size() - 1);
    return Status();
  }

  Status run(Printer* printer) {
    const auto later = [this](std::size_t a, std::size_t b) { return comes_later(a, b); };
    std::make_heap(queue_.begin(), queue_.end(), later);
    while (!queue_.empty() && !printer->sink().closed()) {
      std::pop_heap(queue_.begin(), queue_.end(), later);
      Head& head = heads_[queue_.back()];
      FANFOLD_RETURN_IF_ERROR(printer->print(head.record));
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
    if (order == 0) order = heads_[a].record.bytes.compare(heads_[b].record.bytes);
    return order != 0 ? order > 0 : a > b;
  }

  Result<bool> advance(Head& head) {
    FANFOLD_ASSIGN_OR_RETURN(const std::optional<Record> record, head.stream->next());
    if (!record.has_value()) return false;
    head.record = *record;
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
    if (io::is_part_name(file.name)) parts.push_back(file);
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
                   Printer* printer) {
  for (const io::PartInfo& part : parts) {
    FANFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<RecordStream> stream,
                             RecordStream::open(files, directory, manifest, part));
    FANFOLD_RETURN_IF_ERROR(printer->print_rest(*stream));
  }
  return printer->sink().flush();
}

}  // namespace

Status print_output(io::FileSystem& files, const std::string& directory,
                    const PrintOptions& options) {
  FANFOLD_ASSIGN_OR_RETURN(const io::Manifest manifest, io::read_manifest(files, directory));
  const std::vector<io::PartInfo> parts = parts_of(manifest);
  if (options.json && manifest.output_format == abi::OutputFormat::kBinary) {
    return Status(StatusCode::kInvalidArgument,
                  directory +
                      " holds binary records, which have no text to show as JSON.\n"
                      "Run the job with --format jsonl, or print them as they are.");
  }
  Printer printer(options.descriptor, manifest.output_format, options.json);
  const std::optional<KeyOrder> order = KeyOrder::parse(manifest.key_order);
  const bool sorted = manifest.partitioning == abi::Partitioning::kRange || parts.size() < 2;
  const bool readable =
      manifest.output_format == abi::OutputFormat::kBinary ||
      (order.has_value() &&
       (manifest.output_format == abi::OutputFormat::kJsonLines || order->readable_from_text()));
  if (sorted || !readable) return concatenate(files, directory, manifest, parts, &printer);
  FANFOLD_RETURN_IF_ERROR(make_room(parts.size()));
  Merge merge(manifest.output_format, order.value_or(KeyOrder()));
  for (const io::PartInfo& part : parts) {
    FANFOLD_ASSIGN_OR_RETURN(std::unique_ptr<RecordStream> stream,
                             RecordStream::open(files, directory, manifest, part));
    FANFOLD_RETURN_IF_ERROR(merge.add(std::move(stream)));
  }
  FANFOLD_RETURN_IF_ERROR(merge.run(&printer));
  return printer.sink().flush();
}

}  // namespace fanfold::cli
