#include "common/net/key_pair.hpp"

#include <zmq.h>

#include <cstring>

#include "common/core/check.hpp"

namespace fanfold::net {
namespace {

/// ZeroMQ's text form of 32 bytes, with its terminator.
constexpr std::size_t kZ85Bytes = 41;

}  // namespace

security::KeyPair make_key_pair() {
  char public_text[kZ85Bytes];
  char secret_text[kZ85Bytes];
  FANFOLD_CHECK(zmq_curve_keypair(public_text, secret_text) == 0);
  security::KeyPair pair;
  FANFOLD_CHECK(zmq_z85_decode(pair.public_key.bytes.data(), public_text) != nullptr);
  FANFOLD_CHECK(zmq_z85_decode(pair.secret.bytes.data(), secret_text) != nullptr);
  ::explicit_bzero(secret_text, sizeof secret_text);
  return pair;
}

security::PublicKey public_key_of(const security::SecretKey& secret) {
  char secret_text[kZ85Bytes];
  char public_text[kZ85Bytes];
  FANFOLD_CHECK(zmq_z85_encode(secret_text, secret.bytes.data(), secret.bytes.size()) != nullptr);
  FANFOLD_CHECK(zmq_curve_public(public_text, secret_text) == 0);
  ::explicit_bzero(secret_text, sizeof secret_text);
  security::PublicKey key;
  FANFOLD_CHECK(zmq_z85_decode(key.bytes.data(), public_text) != nullptr);
  return key;
}

}  // namespace fanfold::net
