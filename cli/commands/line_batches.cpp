#include "cli/commands/line_batches.hpp"

#include <algorithm>

#include "common/core/limits.hpp"
#include "common/text/units.hpp"

namespace fanfold::cli {

void LineBatches::add(std::string_view bytes, Instant now) {
  if (held_.empty()) since_ = now;
  held_.append(bytes);
}

std::size_t LineBatches::whole() const {
  if (held_.empty()) return 0;
  if (ended_ && held_.size() <= limits::kFeedBytes) return held_.size();
  const std::size_t last = held_.rfind('\n', limits::kFeedBytes - 1);
  return last == std::string::npos ? 0 : last + 1;
}

Result<std::optional<std::string>> LineBatches::take(Instant now) {
  const std::size_t bytes = whole();
  const bool full = held_.size() >= limits::kFeedBytes;
  if (bytes == 0 && full) {
    return Status(StatusCode::kInvalidArgument, "a line has more than " +
                                                    format_bytes(limits::kFeedBytes) +
                                                    ": the job cannot be fed with it");
  }
  if (bytes == 0 || (!ended_ && !full && now - since_ < kMoment)) {
    return std::optional<std::string>();
  }
  std::string batch = held_.substr(0, bytes);
  held_.erase(0, bytes);
  // What is left came later than what goes.
  since_ = now;
  return std::optional<std::string>(std::move(batch));
}

std::optional<Instant> LineBatches::due() const {
  if (whole() == 0) return std::nullopt;
  return since_ + kMoment;
}

}  // namespace fanfold::cli
