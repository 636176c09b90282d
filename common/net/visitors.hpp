// Behind keys: which peers have spoken, with whose key, and whether they still may.  For the .cpp
// files of this folder alone.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "common/net/transport.hpp"
#include "common/security/keys.hpp"

namespace fanfold::net {

class Visitors {
 public:
  explicit Visitors(std::shared_ptr<security::Authority> authority)
      : authority_(std::move(authority)) {}

  /// A frame of `peer`, who came in with the key `user` (in hexadecimal digits).  Null: he may not
  /// speak any more.
  std::shared_ptr<const security::KeyHolder> speaks(const PeerId& peer, const std::string& user) {
    refresh();
    auto holder = holder_of(user);
    if (!holder) return nullptr;
    if (recent_.size() >= kRemembered) {
      older_ = std::exchange(recent_, {});
    }
    recent_.insert_or_assign(peer, user);
    return holder;
  }

  /// False for those who may not any more, and for those who have not spoken for so long, and so
  /// many others have, that they are forgotten: they are answered when they speak again.
  bool may_hear(const PeerId& peer) {
    refresh();
    auto found = recent_.find(peer);
    if (found == recent_.end()) {
      found = older_.find(peer);
      if (found == older_.end()) return false;
    }
    return holder_of(found->second) != nullptr;
  }

 private:
  static constexpr std::size_t kRemembered = 32'768;

  void refresh() {
    const std::uint64_t generation = authority_->generation();
    if (generation == generation_) return;
    generation_ = generation;
    holders_.clear();
  }

  std::shared_ptr<const security::KeyHolder> holder_of(const std::string& user) {
    const auto known = holders_.find(user);
    if (known != holders_.end()) return known->second;
    const auto bytes = security::parse_hex(user);
    auto holder = bytes ? authority_->admit({*bytes}) : nullptr;
    holders_.emplace(user, holder);
    return holder;
  }

  const std::shared_ptr<security::Authority> authority_;
  std::uint64_t generation_ = 0;
  /// Of this generation.  No more than keys that were let in.
  std::map<std::string, std::shared_ptr<const security::KeyHolder>> holders_;
  std::map<PeerId, std::string> recent_;
  std::map<PeerId, std::string> older_;
};

}  // namespace fanfold::net
