// Lines as they come, cut into batches that a master takes.  Reads nothing and knows no clock.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "common/core/status.hpp"
#include "common/core/time.hpp"

namespace fanfold::cli {

class LineBatches {
 public:
  /// What has come is a batch when the first of it came so long ago, however steadily more comes.
  static constexpr Duration kMoment = std::chrono::milliseconds(100);

  void add(std::string_view bytes, Instant now);
  /// No more will come; the last line may lack its line feed.
  void end() { ended_ = true; }

  /// Whole lines, as many as fit; nullopt: not yet, or nothing is left.  kInvalidArgument: a line
  /// is longer than a batch.
  Result<std::optional<std::string>> take(Instant now);

  /// When take() has something although nothing else came; nullopt: never.
  std::optional<Instant> due() const;
  bool done() const { return ended_ && held_.empty(); }

 private:
  /// Bytes of the lines that a batch could have now.
  std::size_t whole() const;

  std::string held_;
  Instant since_;  // When the first byte that is held came.
  bool ended_ = false;
};

}  // namespace fanfold::cli
