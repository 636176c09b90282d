// A client and a worker as the master sees them: they speak the real protocol over a real socket,
// one message at a time, in the test's own thread.

#pragma once

#include <algorithm>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/core/clock.hpp"
#include "common/net/transport.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/versions.hpp"

namespace fanfold::master {

/// Fails the test and aborts it when nothing comes in time.
class Connection {
 public:
  explicit Connection(const std::string& address, std::uint32_t protocol = proto::kProtocolVersion);

  std::uint32_t protocol() const { return protocol_; }
  /// One of this version, whatever it says of itself, or of the version before.
  template <class Message>
  void send(const Message& message) {
    send_bytes(protocol_ == proto::kProtocolVersion ? proto::encode(message)
                                                    : proto::encode_for(message, protocol_).frame);
  }
  void send_bytes(std::string bytes);

  /// The next frame; nullopt when none came within `patience`.
  std::optional<std::string> receive(Duration patience);

 private:
  const std::uint32_t protocol_;
  std::unique_ptr<net::Transport> transport_;
};

class FakeClient {
 public:
  explicit FakeClient(const std::string& address, std::uint32_t protocol = proto::kProtocolVersion)
      : connection_(address, protocol) {}

  Connection& connection() { return connection_; }

  /// The next reply, which must be of this type.
  template <class Reply>
  Reply expect() {
    proto::ClientReply reply = next();
    if (auto* wanted = std::get_if<Reply>(&reply)) return std::move(*wanted);
    return fail_with_unexpected<Reply>(reply);
  }
  template <class Reply, class Request>
  Reply ask(const Request& request) {
    connection_.send(request);
    return expect<Reply>();
  }

  JobId submit(const proto::JobSpec& spec);
  proto::Answer try_submit(const proto::JobSpec& spec);
  proto::JobStatus status(JobId job);
  /// Follows the job until it ended.
  proto::JobStatus wait(JobId job);

 private:
  proto::ClientReply next();
  template <class Reply>
  Reply fail_with_unexpected(const proto::ClientReply& reply) {
    fail_with_unexpected_index(reply.index());
    return {};
  }
  static void fail_with_unexpected_index(std::size_t index);

  Connection connection_;
};

struct WorkerTraits {
  std::string name = "host/1";
  std::uint32_t slots = 1;
  std::uint32_t protocol = proto::kProtocolVersion;
  std::string host = {};  // Whose files may be read by its name; empty: none.
  std::string host_id = "host";
};

class FakeWorker {
 public:
  FakeWorker(const std::string& address, const WorkerTraits& traits);

  Connection& connection() { return connection_; }
  WorkerId id() const { return welcome_.worker; }
  const proto::Welcome& welcome() const { return welcome_; }
  const proto::Hello& hello() const { return hello_; }

  /// Says Hello and waits for the Welcome.
  void introduce();
  /// From now on its Hello lists this attempt, or this committed map output.
  void hold(const proto::TaskAssignment& task);
  void keep(const proto::TaskAssignment& task);
  /// The next message of this type.  Others stay for whoever expects them: a second slot's task may
  /// come before the answer to the first one's commit.
  template <class Message>
  Message expect() {
    for (std::size_t read = 0;; ++read) {
      if (read == unread_.size()) unread_.push_back(next());
      auto* wanted = std::get_if<Message>(&unread_[read]);
      if (wanted == nullptr) continue;
      Message message = std::move(*wanted);
      unread_.erase(unread_.begin() + static_cast<std::ptrdiff_t>(read));
      return message;
    }
  }
  /// How many messages of this type came and were not expected yet.
  template <class Message>
  std::size_t unread() const {
    return static_cast<std::size_t>(
        std::count_if(unread_.begin(), unread_.end(), [](const proto::MasterMessage& message) {
          return std::holds_alternative<Message>(message);
        }));
  }
  proto::TaskAssignment expect_task() { return expect<proto::Assign>().assignment; }

  /// `newest`: that it was told of.
  void heartbeat(const std::vector<proto::AttemptProgress>& attempts,
                 AttemptId newest = {std::numeric_limits<std::uint64_t>::max()});
  /// Asks to commit and waits for the answer.
  bool commit(const proto::TaskAssignment& task, proto::AttemptReport report,
              std::string log_text = {});
  /// Reports the failure and waits until it is noted.
  void fail(const proto::TaskAssignment& task, proto::FailureReport failure,
            std::string log_text = {});

  /// Does what a real worker would: maps count as done; reduces write their part file.
  void do_task(const proto::TaskAssignment& task, const std::string& part_text = "key\tvalue\n");
  /// do_task() for the next `count` assignments.
  void do_tasks(std::size_t count);

 private:
  proto::MasterMessage next();

  proto::Hello hello_;
  proto::Welcome welcome_;
  Connection connection_;
  std::deque<proto::MasterMessage> unread_;
};

}  // namespace fanfold::master
