// Makes keys.

#pragma once

#include "common/security/keys.hpp"

namespace fanfold::net {

/// From the system's random numbers.  Aborts when this build of ZeroMQ has no CURVE.
security::KeyPair make_key_pair();

/// The public key that belongs to a secret one.
security::PublicKey public_key_of(const security::SecretKey& secret);

}  // namespace fanfold::net
