#include "cli/items/child_file.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "cli/items/item_source.hpp"
#include "common/core/limits.hpp"
#include "common/items/child_line.hpp"

namespace fanfold::cli {
namespace {

/// Tasks of an item job: enough to keep a cluster busy, few enough to cost nothing.
constexpr std::uint64_t kTasksMax = 2048;
/// Up to here children that differ in size still get a task each, by filling up their lines.
constexpr std::uint64_t kSpreadBytesMax = 64u << 20;
constexpr std::size_t kFlushBytes = 1u << 20;
constexpr std::size_t kInputBytesMax = limits::kRecordBytes / 4;

/// What the children get, from the items.
class ChildMaker {
 public:
  ChildMaker(MapState* state, ChildFileWriter* writer) : state_(*state), writer_(*writer) {
    if (state_.batcher.batch_input) {
      prefix_ = "{\"BatchInput\":" + items::text_of(*state_.batcher.batch_input) + ",\"Items\":[";
    }
  }

  Status take(Json item) {
    FANFOLD_ASSIGN_OR_RETURN(const std::string input, select(std::move(item)));
    if (input.size() > kInputBytesMax) {
      return refuse("has " + std::to_string(input.size()) + " bytes, and the most are " +
                    std::to_string(kInputBytesMax));
    }
    FANFOLD_RETURN_IF_ERROR(state_.batcher.batches() ? gather(input)
                                                     : writer_.add(children_++, 1, input));
    ++taken_;
    return {};
  }

  Status finish() { return in_batch_ > 0 ? close_batch() : Status(); }
  std::uint64_t taken() const { return taken_; }

 private:
  Status refuse(const std::string& why) const {
    return {StatusCode::kInvalidArgument, "item " + std::to_string(taken_) + " " + why};
  }

  Result<std::string> select(Json item) {
    if (!state_.item_selector) return items::text_of(item);
    Json& slot = state_.context["Map"]["Item"];
    slot["Index"] = taken_;
    slot["Value"] = std::move(item);
    const Result<Json> selected = state_.item_selector->expand({state_.input, state_.context});
    if (!selected.ok()) {
      return refuse("has not what ItemSelector wants: " + selected.status().message());
    }
    return items::text_of(*selected);
  }

  Status gather(const std::string& input) {
    const std::uint64_t items_max = state_.batcher.items_max;
    const std::uint64_t bytes_max = state_.batcher.bytes_max;
    const auto bytes_with = [&] {
      return prefix_.size() + batch_.size() + (in_batch_ > 0 ? 1 : 0) + input.size() + 2;
    };
    // Closed at whichever limit comes first.
    if (in_batch_ > 0 && bytes_max != 0 && bytes_with() > bytes_max) {
      FANFOLD_RETURN_IF_ERROR(close_batch());
    }
    if (bytes_max != 0 && bytes_with() > bytes_max) {
      return refuse("alone makes a batch of " + std::to_string(bytes_with()) +
                    " bytes, more than MaxInputBytesPerBatch");
    }
    if (in_batch_ > 0) batch_ += ',';
    batch_ += input;
    ++in_batch_;
    return in_batch_ == items_max || batch_.size() > kInputBytesMax ? close_batch() : Status();
  }

  Status close_batch() {
    const std::uint64_t items = std::exchange(in_batch_, 0);
    const std::string input = prefix_ + std::exchange(batch_, {}) + "]}";
    return writer_.add(children_++, items, input);
  }

  MapState& state_;
  ChildFileWriter& writer_;
  std::string prefix_ = "{\"Items\":[";
  std::string batch_;
  std::uint64_t in_batch_ = 0;
  std::uint64_t taken_ = 0;
  std::uint64_t children_ = 0;
};

}  // namespace

Status ChildFileWriter::open() {
  const Status removed = files_.remove_file(fresh_);
  if (!removed.ok() && removed.code() != StatusCode::kNotFound) return removed;
  FANFOLD_ASSIGN_OR_RETURN(file_, files_.create(fresh_));
  return {};
}

Status ChildFileWriter::add(std::uint64_t index, std::uint64_t items, std::string_view input) {
  const std::size_t before = buffer_.size();
  buffer_ += items::line_of(items::Child{index, items, input});
  buffer_ += '\n';
  longest_ = std::max(longest_, buffer_.size() - before);
  made_.items += items;
  ++made_.children;
  return buffer_.size() < kFlushBytes ? Status() : flush();
}

Status ChildFileWriter::flush() {
  made_.bytes += buffer_.size();
  const Status status = file_->append(buffer_);
  buffer_.clear();
  return status;
}

Result<ChildFile> ChildFileWriter::finish() {
  FANFOLD_RETURN_IF_ERROR(flush());
  FANFOLD_RETURN_IF_ERROR(file_->close());
  if (made_.children > 0 && made_.children <= kTasksMax &&
      made_.children * longest_ <= kSpreadBytesMax) {
    FANFOLD_RETURN_IF_ERROR(spread());
  } else {
    made_.split_bytes = (made_.bytes + kTasksMax - 1) / kTasksMax;
  }
  FANFOLD_RETURN_IF_ERROR(files_.rename(fresh_, path_));
  return made_;
}

/// Lines of one length, so that each multiple of it begins the share of one child.
Status ChildFileWriter::spread() {
  FANFOLD_ASSIGN_OR_RETURN(const auto from, files_.open(fresh_));
  std::string text(made_.bytes, '\0');
  FANFOLD_ASSIGN_OR_RETURN(const std::size_t got, from->read_at(0, text));
  if (got != text.size())
    return {StatusCode::kIoError, fresh_ + " is shorter than what was written"};
  std::string spread;
  spread.reserve(made_.children * longest_);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    spread.append(text, at, end - at);
    spread.append(longest_ - 1 - (end - at), ' ');
    spread += '\n';
    at = end + 1;
  }
  FANFOLD_RETURN_IF_ERROR(files_.remove_file(fresh_));
  FANFOLD_ASSIGN_OR_RETURN(file_, files_.create(fresh_));
  FANFOLD_RETURN_IF_ERROR(file_->append(spread));
  made_.bytes = spread.size();
  made_.split_bytes = longest_;
  return file_->close();
}

Result<ChildFile> write_children(io::FileSystem& files, MapState* state,
                                 const ChildFileOptions& options) {
  constexpr std::uint64_t kItemsBetweenLooks = 4096;
  ChildFileWriter writer(files, options.path);
  FANFOLD_RETURN_IF_ERROR(writer.open());
  ChildMaker maker(state, &writer);
  const std::uint64_t most = state->reader.items_max;
  FANFOLD_RETURN_IF_ERROR(for_each_item(files, *state, [&](Json item) -> Result<bool> {
    if (most != 0 && maker.taken() == most) return false;
    FANFOLD_RETURN_IF_ERROR(maker.take(std::move(item)));
    if (maker.taken() % kItemsBetweenLooks == 0 && options.interrupted && options.interrupted()) {
      return Status(StatusCode::kAborted, "interrupted while the items were read");
    }
    return true;
  }));
  FANFOLD_RETURN_IF_ERROR(maker.finish());
  return writer.finish();
}

}  // namespace fanfold::cli
