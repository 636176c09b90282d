// Keys, and what their holders may do.  A key pair is one of CURVE25519; who makes them is
// net::make_key_pair().  Knows nothing of files or sockets.

#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace fanfold::security {

inline constexpr std::size_t kKeyBytes = 32;

enum class Role : std::uint8_t {
  kClient = 1,  // Submits jobs, looks at all of them, cancels its own.
  kWorker = 2,  // Runs tasks, and fetches from other workers.
  kAdmin = 3,   // What a client may; cancels any job; stops the cluster.
  kMaster = 4,  // The one that all others know: it is in no list.
};

const char* name_of(Role role);
/// "client", "worker" or "admin": roles that can be given away.
std::optional<Role> parse_role(std::string_view text);

struct PublicKey {
  std::array<std::uint8_t, kKeyBytes> bytes{};
  auto operator<=>(const PublicKey&) const = default;
};

/// Wiped when it goes.
struct SecretKey {
  SecretKey() = default;
  ~SecretKey();
  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  std::array<std::uint8_t, kKeyBytes> bytes{};
};

struct KeyPair {
  PublicKey public_key;
  SecretKey secret;
};

/// 64 hexadecimal digits.
std::string to_hex(const std::array<std::uint8_t, kKeyBytes>& bytes);
std::optional<std::array<std::uint8_t, kKeyBytes>> parse_hex(std::string_view text);
/// The first 16 digits of a public key: for people, who compare them.
std::string fingerprint(const PublicKey& key);

/// The time depends on neither key: nobody learns a listed key digit by digit.
bool equal_in_constant_time(const PublicKey& one, const PublicKey& other);

/// What one key may use; 0: as much as anybody.
struct KeyQuota {
  std::uint32_t jobs = 0;         // Submitted with it and not ended.
  std::uint32_t submissions = 0;  // In any minute.
  std::uint64_t tasks = 0;        // Maps and reduces of its jobs that have not ended.
  std::uint64_t bytes = 0;        // Of their inputs.
  auto operator<=>(const KeyQuota&) const = default;
};

/// Who speaks with a key.
struct KeyHolder {
  std::string name;
  Role role = Role::kClient;
  PublicKey key;
  KeyQuota quota;
};

/// Decides who may speak to a bound socket: asked at each handshake, by the thread that answers
/// them, and for each frame after it, by the thread that receives.
class Authority {
 public:
  virtual ~Authority() = default;
  /// Another number whenever admit() may answer differently than before.
  virtual std::uint64_t generation() = 0;
  /// Null: nobody speaks with this key (any more).
  virtual std::shared_ptr<const KeyHolder> admit(const PublicKey& key) = 0;
};

}  // namespace fanfold::security
