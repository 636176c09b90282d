#include "cli/client/submission.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/io/file_system.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::cli {
namespace {

/// Of looking whether the master has all of the files.
constexpr int kRoundsMost = 3;
/// So often the master may have lost what it had of a file: it was started again.
constexpr int kBeginningsMost = 4;

bool has_no_room(const Status& status) {
  return status.code() == StatusCode::kExhausted || status.code() == StatusCode::kNoSpace;
}

Status changed(const proto::FileReference& file) {
  return {StatusCode::kInvalidArgument,
          file.path + " changed while it was sent to the master; submit again"};
}

/// Of one file: what the master lacks goes to it, part by part.
class Upload {
 public:
  Upload(Client& client, const proto::FileReference& file, const FollowHooks& hooks)
      : client_(client), file_(file), hooks_(hooks) {
    hooks_.answers = [this](const proto::ClientReply& reply) {
      const auto* one = std::get_if<proto::BlobReply>(&reply);
      return one != nullptr && one->sha256 == message_.sha256 && one->offset == message_.offset;
    };
  }

  /// kExhausted, kNoSpace: the master does not take it.  Whether any of it had to be sent.
  Result<bool> run() {
    FANFOLD_RETURN_IF_ERROR(open());
    if (message_.size > proto::kBlobBytes) {
      return Status(StatusCode::kExhausted,
                    "it has more than " + std::to_string(proto::kBlobBytes >> 20) + " MiB");
    }
    message_.sha256 = file_.sha256;
    int beginnings = 0;
    for (bool sent = false;; sent = true) {
      FANFOLD_ASSIGN_OR_RETURN(const proto::BlobReply reply,
                               client_.ask<proto::BlobReply>(message_, hooks_));
      const Status refused(static_cast<StatusCode>(reply.code), reply.message);
      if (refused.code() == StatusCode::kUnavailable) return false;
      if (has_no_room(refused)) return refused;
      if (!refused.ok()) return explained(refused);
      if (reply.kept) return sent;
      if (reply.taken == 0 && ++beginnings > kBeginningsMost) {
        return explained({StatusCode::kUnavailable, "it does not keep what it is sent"});
      }
      FANFOLD_RETURN_IF_ERROR(read(reply.taken));
    }
  }

 private:
  Status explained(const Status& status) const {
    return Status(status).with_context("cannot give '" + file_.name + "' to the master");
  }

  Status open() {
    FANFOLD_ASSIGN_OR_RETURN(source_, io::posix_file_system().open(file_.path));
    FANFOLD_ASSIGN_OR_RETURN(message_.size, source_->size());
    return {};
  }

  /// The next part.
  Status read(std::uint64_t offset) {
    if (offset > message_.size) return changed(file_);
    message_.offset = offset;
    message_.bytes.resize(std::min<std::uint64_t>(proto::kBlobPartBytes, message_.size - offset));
    FANFOLD_ASSIGN_OR_RETURN(const std::size_t got, source_->read_at(offset, message_.bytes));
    return got == message_.bytes.size() ? Status() : changed(file_);
  }

  Client& client_;
  const proto::FileReference& file_;
  FollowHooks hooks_;
  std::unique_ptr<io::ReadableFile> source_;
  proto::PutBlob message_;
};

/// Whether any of it had to be sent.
Result<bool> upload(Client& client, const proto::FileReference& file, const FollowHooks& hooks,
                    const std::function<void(const std::string&)>& tell) {
  Result<bool> sent = Upload(client, file, hooks).run();
  if (sent.ok()) return sent;
  const Status& status = sent.status();
  if (has_no_room(status)) {
    tell("'" + file.name + "' stays here, and workers have to find it at " + file.path + ": " +
         status.message());
    return false;
  }
  // A master of the version before does not know the question: what is at the path on each host is
  // what runs.
  const bool older = client.protocol() < proto::PutBlob::kSince;
  if (older && status.code() == StatusCode::kInvalidArgument) return false;
  return sent;
}

/// While one was sent, another may have made way for somebody else's: then once more.
Status upload_all(Client& client, const proto::JobSpec& spec, const FollowHooks& hooks,
                  const std::function<void(const std::string&)>& tell) {
  std::vector<proto::FileReference> files = spec.side_files;
  files.push_back(spec.plugin);
  for (int round = 0; round < kRoundsMost; ++round) {
    bool sent = false;
    for (const proto::FileReference& file : files) {
      // What it says is said once.
      const auto say = round == 0 ? tell : [](const std::string&) {};
      FANFOLD_ASSIGN_OR_RETURN(const bool of_this, upload(client, file, hooks, say));
      sent = sent || of_this;
    }
    if (!sent) return {};
  }
  return {};
}

}  // namespace

Result<JobId> submit_job(Client& client, const proto::JobSpec& spec, const FollowHooks& hooks,
                         const std::function<void(const std::string&)>& tell) {
  if (client.address().starts_with("tcp://")) {
    FANFOLD_RETURN_IF_ERROR(upload_all(client, spec, hooks, tell));
  }
  FANFOLD_ASSIGN_OR_RETURN(const proto::Answer answer,
                           client.ask<proto::Answer>(proto::Submit{.spec = spec}, hooks));
  return answer.job;
}

}  // namespace fanfold::cli
