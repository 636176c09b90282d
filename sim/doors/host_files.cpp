#include "sim/doors/host_files.hpp"

#include <algorithm>

namespace fanfold::sim {

std::string disk_path(std::string_view host_path) {
  const inputs::HostInput parts = inputs::split_host_input(host_path);
  std::string name = std::string(parts.host).append(parts.path);
  std::replace(name.begin(), name.end(), '/', '-');
  return "/shared/in/" + name;
}

void ScriptedHostLister::list(proto::ListHostFiles question) {
  proto::HostFilesListed answer;
  answer.request = question.request;
  for (std::uint32_t i = 0; i < question.patterns.size(); ++i) {
    const auto info = files_.stat(disk_path(inputs::host_path(host_, question.patterns[i])));
    if (info.ok()) {
      answer.files.push_back({i, question.patterns[i], info->size});
    } else {
      answer.code = static_cast<std::uint8_t>(info.status().code());
      answer.message = info.status().message();
    }
  }
  answers_.push_back(std::move(answer));
}

}  // namespace fanfold::sim
