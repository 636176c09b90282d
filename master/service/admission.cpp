#include "master/service/admission.hpp"

#include "common/proto/messages.hpp"

namespace fanfold::master {
namespace {

using security::Role;

bool is_from_worker(unsigned tag) {
  return tag >= proto::Hello::kTag && tag < proto::Welcome::kTag;
}

/// What is in neither range is nothing that anybody may say to a master.
bool may_say(Role role, unsigned tag) {
  if (tag == proto::StopCluster::kTag) return role == Role::kAdmin;
  if (tag >= proto::Submit::kTag && tag < proto::Answer::kTag) {
    return role == Role::kClient || role == Role::kAdmin;
  }
  return is_from_worker(tag) && role == Role::kWorker;
}

}  // namespace

unsigned tag_of(std::string_view payload) {
  if (payload.size() < 2) return 0;
  return static_cast<unsigned char>(payload[0]) |
         (static_cast<unsigned>(static_cast<unsigned char>(payload[1])) << 8);
}

bool is_from_client(std::string_view payload) {
  const unsigned tag = tag_of(payload);
  return tag >= proto::Submit::kTag && tag < proto::Answer::kTag;
}

Status check_role(const net::Sender& sender, std::string_view payload) {
  // Over the socket of a private directory comes its owner, who may do all.
  if (!sender.holder || may_say(sender.holder->role, tag_of(payload))) return {};
  const char* needed = tag_of(payload) == proto::StopCluster::kTag ? "an admin"
                       : is_from_client(payload)                   ? "a client or an admin"
                                                                   : "a worker";
  return {StatusCode::kInvalidArgument, "the key '" + sender.holder->name + "' is that of a " +
                                            security::name_of(sender.holder->role) + "; for this " +
                                            needed + " is needed ('fanfold keys add' makes keys)"};
}

Status check_ownership(const net::Sender& sender, const std::string& submitted_by,
                       const std::string& verb) {
  if (!sender.holder || sender.holder->role == Role::kAdmin ||
      sender.holder->name == submitted_by) {
    return {};
  }
  return {StatusCode::kInvalidArgument, "it was submitted by '" + submitted_by + "'; the key '" +
                                            sender.holder->name + "' may " + verb +
                                            " its own jobs, an admin's all of them"};
}

std::string encode_peers(const security::LiveKeys::Workers& workers) {
  proto::PeerKeys message;
  message.version = workers.generation;
  for (const security::PublicKey& key : workers.keys) {
    message.keys.append(reinterpret_cast<const char*>(key.bytes.data()), key.bytes.size());
  }
  return proto::encode(message);
}

}  // namespace fanfold::master
