// What a command prints, in large pieces: whether all of it could be written is an answer, not a
// guess.  A reader that goes away is no error.

#pragma once

#include <string>
#include <string_view>

#include "common/core/status.hpp"

namespace fanfold::cli {

class Sink {
 public:
  explicit Sink(int descriptor) : descriptor_(descriptor) {}

  /// kNoSpace: the disk is full.
  Status write(std::string_view bytes);
  Status flush();

  /// Nobody reads any more.
  bool closed() const { return closed_; }

 private:
  const int descriptor_;
  std::string buffer_;
  bool closed_ = false;
};

/// All of `text`, at once.
Status write_whole(int descriptor, std::string_view text);

}  // namespace fanfold::cli
