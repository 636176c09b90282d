// Calls to an S3 server: signed, tried again while that may help, refusals in words.
//
// A try that brings nothing for Settings::silence_max while somebody waits for it is given up.
// What may pass is tried again with growing pauses until Settings::patience is over: answers 5xx
// and "slow down", silence, connections that break or end early, an endpoint that was there before.
// An endpoint that was never there is given up after three tries, so that a slip in its name is
// heard of at once.  No threads; a client belongs to one thread at a time.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/core/status.hpp"
#include "common/s3/credential_source.hpp"
#include "common/s3/http_session.hpp"
#include "common/s3/location.hpp"
#include "common/s3/settings.hpp"
#include "common/s3/signature.hpp"

namespace fanfold::s3 {

struct Call {
  std::string method = "GET";
  Location object;
  Fields query = {};
  Fields headers = {};
  std::string_view body = {};  // Borrowed until the call is done.
  std::span<char> into = {};   // The same: where a success's body goes, if anywhere.
  bool is_part = false;        // Of an upload: large.
};

/// What the server said in the end.  A refusal is an answer too: what to make of it depends on the
/// call.
struct Answer {
  int status = 0;
  std::map<std::string, std::string, std::less<>> headers;
  std::string body;
  std::size_t taken = 0;
  std::string error;    // "NoSuchKey"; of a refusal with a body.
  std::string message;  // In the server's words.

  bool ok() const { return status >= 200 && status < 300; }
  std::string header(std::string_view name) const;
};

class Client {
 public:
  /// `settings` outlives it.
  static Result<std::unique_ptr<Client>> make(const Settings& settings);
  /// One whose credentials others use too.
  static Result<std::unique_ptr<Client>> make(const Settings& settings,
                                              std::shared_ptr<CredentialSource> source);

  /// One call on its way; the client has to outlive it.
  class Pending {
   public:
    bool done() const { return outcome_.has_value(); }

   private:
    friend class Client;
    explicit Pending(Call call) : call_(std::move(call)) {}

    Call call_;
    std::unique_ptr<HttpSession::Exchange> exchange_;  // Null: between two tries, or done.
    int tries_ = 0;
    std::optional<Instant> failing_since_;  // Without a byte, or since the first try that failed.
    Instant next_try_;
    Duration waited_{};  // For the exchange, in finish(): what it moves meanwhile is slow or not.
    std::optional<Result<Answer>> outcome_;
  };

  std::unique_ptr<Pending> start(Call call);
  /// Moves on what was started and is not done, as far as it goes without waiting.
  void move_on(std::span<Pending* const> pending);
  /// Until `awaited` is done; the others move on too.  Its outcome can be taken once.
  Result<Answer> finish(Pending& awaited, std::span<Pending* const> others = {});

  Result<Answer> perform(Call call);

  /// An answer that is no success, as what to tell the user.
  Status refusal(const Call& call, const Answer& answer) const;

  const Settings& settings() const { return settings_; }

 private:
  Client(const Settings& settings, std::shared_ptr<CredentialSource> source,
         std::unique_ptr<HttpSession> session)
      : settings_(settings), source_(std::move(source)), session_(std::move(session)) {}

  std::string endpoint() const;
  void try_once(Pending& pending);
  void look_at(Pending& pending);
  void conclude(Pending& pending);
  void give_up_silent(Pending& pending, Instant waiting_since);
  bool drips(const Pending& pending) const;
  void try_again_or(Pending& pending, Status status);
  Status failure(const Call& call, const HttpReply& reply, int tries) const;

  const Settings& settings_;
  const std::shared_ptr<CredentialSource> source_;  // Shared with the other clients of a pool.
  std::shared_ptr<const Credentials> signed_with_;  // The last request; shared with the source.
  std::unique_ptr<HttpSession> session_;
  bool reached_ = false;
  std::uint32_t dice_ = 0x9e3779b9;
};

}  // namespace fanfold::s3
