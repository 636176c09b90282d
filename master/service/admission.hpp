// Who may say what: decided by the tag of a message and the role of its sender, before anything
// else of the message is read.

#pragma once

#include <string>
#include <string_view>

#include "common/core/status.hpp"
#include "common/net/transport.hpp"
#include "common/security/live_keys.hpp"

namespace fanfold::master {

/// The number in a frame that says what it is; 0: there is none.
unsigned tag_of(std::string_view payload);
/// Whether a frame with this tag comes from a client, who waits for an answer.
bool is_from_client(std::string_view payload);

/// kInvalidArgument: the sender's key is of a role that may not send this.
Status check_role(const net::Sender& sender, std::string_view payload);

/// kInvalidArgument: `sender` is not who submitted a job, nor one who may cancel any.
Status check_ownership(const net::Sender& sender, const std::string& submitted_by,
                       const std::string& verb);

/// The frame that tells a worker who the others are.
std::string encode_peers(const security::LiveKeys::Workers& workers);

}  // namespace fanfold::master
