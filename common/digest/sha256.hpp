// SHA-256, by which plugins and side files are known.  As text: 64 digits of lower-case hex.

#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace fanfold {

/// Of bytes that come piece by piece.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void add(std::string_view bytes);
  /// As text.  The last call: nothing may be added afterwards.
  std::string finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

/// Whether `text` could be a digest: only such may become a part of a path.
bool is_sha256(std::string_view text);

}  // namespace fanfold
