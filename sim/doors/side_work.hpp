// The master's blocking work, done in one step at a moment of its own.

#pragma once

#include <functional>
#include <memory>

#include "master/service/side_work.hpp"
#include "sim/doors/disk_view.hpp"
#include "sim/world/process.hpp"

namespace fanfold::sim {

struct SideWorkPlace {
  World& world;
  Process& owner;
  DiskView& files;
  /// Counts over all masters.
  std::uint64_t& started;
  /// The master died in the middle of it.
  std::function<void(const Fault&)> die;
};

std::unique_ptr<master::SideWork> make_side_work(const SideWorkPlace& place,
                                                 master::SideWork::Options options);

}  // namespace fanfold::sim
