#include "cli/commands/connection.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include "cli/cluster/programs.hpp"

namespace fanfold::cli {

std::string default_cluster_directory(const Environment& environment) {
  if (environment.runtime_directory.has_value()) return *environment.runtime_directory + "/fanfold";
  return "/tmp/fanfold-" + std::to_string(::getuid());
}

Result<MasterPlace> find_master(const Environment& environment, const Arguments& arguments) {
  MasterPlace place;
  place.key = arguments.value("key").value_or(environment.key.value_or(""));
  place.address = arguments.value("master").value_or(environment.master.value_or(""));
  if (!place.address.empty()) return place;
  const std::string directory = default_cluster_directory(environment);
  struct stat info {};
  // Somebody else's directory under this well-known name is not our cluster.
  if (::lstat(directory.c_str(), &info) == 0 && S_ISDIR(info.st_mode) &&
      info.st_uid == ::getuid() && ::access((directory + "/master.sock").c_str(), F_OK) == 0) {
    place.address = master_address(directory);
    return place;
  }
  return Status(StatusCode::kInvalidArgument,
                "no cluster is named and no local one is up.\nGive --master ADDR, set "
                "FANFOLD_MASTER, or start one with 'fanfold cluster up'.");
}

Result<std::unique_ptr<Client>> connect_to_master(const Environment& environment,
                                                  const Arguments& arguments) {
  FANFOLD_ASSIGN_OR_RETURN(const MasterPlace place, find_master(environment, arguments));
  return connect_client(place, steady_clock(), {});
}

Result<std::unique_ptr<Client>> connect_interruptibly(const MasterPlace& place,
                                                      Interrupts& interrupts) {
  FANFOLD_RETURN_IF_ERROR(interrupts.start());
  return connect_client(place, steady_clock(), {interrupts.descriptor()});
}

Result<proto::JobStatus> get_job(Client& client, JobId job) {
  proto::GetJob question;
  question.job = job;
  FANFOLD_ASSIGN_OR_RETURN(proto::JobReply reply, client.ask<proto::JobReply>(question));
  return std::move(reply.status);
}

}  // namespace fanfold::cli
