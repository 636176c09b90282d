// The audit log: who has done what, by the name of the key and the address, one line each.  Nothing
// that a plain look changes is in it.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/core/ids.hpp"
#include "common/log/log.hpp"
#include "common/net/transport.hpp"
#include "common/proto/types.hpp"

namespace fanfold::master {

class Audit {
 public:
  /// Null: nobody keeps one.
  explicit Audit(Log* log) : log_(log) {}

  void submitted(const net::Sender& who, JobId job, const proto::JobSpec& spec);
  void cancelled(const net::Sender& who, JobId job);
  /// Its limit, priority, weight or pause: the event log says which.
  void changed(const net::Sender& who, JobId job);
  /// The first records of a key for a job, and who says that there will be no more.
  void fed(const net::Sender& who, JobId job);
  void closed(const net::Sender& who, JobId job);
  /// All of a plugin or side file has come, and is kept.
  void stored(const net::Sender& who, std::string_view sha256);
  void stopped_cluster(const net::Sender& who);
  void worker_joined(const net::Sender& who, std::string_view name);
  /// Proved who he is, and may not do `what`.  Only the 1st, 2nd, 4th, 8th ... of them.
  void refused(const net::Sender& who, std::string_view what);
  /// Did not prove that he is anybody.
  void stranger(std::string_view address, std::string_view fingerprint, std::uint64_t refused);
  /// `change` is "added" or "removed".
  void key_changed(std::string_view change, std::string_view key);

 private:
  Log* const log_;
  std::uint64_t refused_ = 0;
};

}  // namespace fanfold::master
