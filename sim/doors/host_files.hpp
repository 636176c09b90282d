// Files on the hosts of workers: the simulated side of HostLister, and where such a file lies on
// the simulated disks.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/inputs/host_input.hpp"
#include "common/io/file_system.hpp"
#include "worker/service/host_lister.hpp"

namespace fanfold::sim {

/// Of "host://NAME/path".
std::string disk_path(std::string_view host_path);

/// Answers at once; the network loses the answer often enough.
class ScriptedHostLister final : public worker::HostLister {
 public:
  ScriptedHostLister(io::FileSystem& files, std::string host)
      : files_(files), host_(std::move(host)) {}

  void list(proto::ListHostFiles question) override;
  std::vector<proto::HostFilesListed> take() override { return std::exchange(answers_, {}); }
  bool has_answer() const override { return !answers_.empty(); }

 private:
  io::FileSystem& files_;
  const std::string host_;
  std::vector<proto::HostFilesListed> answers_;
};

}  // namespace fanfold::sim
