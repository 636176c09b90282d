#include "cli/client/host_listing.hpp"

#include <utility>
#include <variant>

#include "common/proto/messages.hpp"

namespace fanfold::cli {

Result<master::HostListing> list_on_hosts(Client& client, const std::vector<std::string>& inputs,
                                          std::uint64_t look_above, FollowHooks hooks) {
  hooks.answers = [&inputs](const proto::ClientReply& reply) {
    const auto* listed = std::get_if<proto::InputsListed>(&reply);
    return listed == nullptr || listed->inputs == inputs;
  };
  const proto::ListInputs question{.inputs = inputs, .look_above = look_above};
  FANFOLD_ASSIGN_OR_RETURN(proto::InputsListed listed,
                           client.ask<proto::InputsListed>(question, hooks));
  if (listed.code != 0) return Status(static_cast<StatusCode>(listed.code), listed.message);
  master::HostListing listing;
  for (proto::HostFile& file : listed.files) {
    if (file.pattern >= inputs.size()) {
      return Status(StatusCode::kCorruption,
                    "the master at " + client.address() + " tells of files that nobody asked for");
    }
    listing.files[inputs[file.pattern]].push_back({.path = std::move(file.path),
                                                   .tag = {},
                                                   .size = file.size,
                                                   .compression = file.compression,
                                                   .modified_ns = file.modified_ns});
  }
  listing.notes = std::move(listed.notes);
  return listing;
}

}  // namespace fanfold::cli
