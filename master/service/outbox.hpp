// Frames that wait until the facts of the turn are durable.  Nothing leaves the master otherwise:
// a client or worker never hears of something that a crash could undo.

#pragma once

#include <string>
#include <utility>
#include <vector>

#include "common/net/transport.hpp"

namespace fanfold::master {

class Outbox {
 public:
  struct Item {
    net::PeerId peer;
    std::string payload;
  };

  void add(net::PeerId peer, std::string payload) {
    items_.push_back({std::move(peer), std::move(payload)});
  }
  std::vector<Item> take() { return std::exchange(items_, {}); }
  bool empty() const { return items_.empty(); }

 private:
  std::vector<Item> items_;
};

}  // namespace fanfold::master
