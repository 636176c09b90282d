#include "master/publish/publish_objects.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

#include "common/core/mutex.hpp"
#include "common/io/manifest.hpp"
#include "common/io/unseen_part.hpp"
#include "master/publish/describe.hpp"
#include "master/publish/output_path.hpp"

namespace fanfold::master {
namespace {

/// Each call waits for an answer of the server.
constexpr std::size_t kCallsAtOnce = 8;
constexpr std::size_t kCopyBytes = 1u << 20;
constexpr std::uint64_t kClaimBytes = 64u << 20;

struct Object {
  std::string staged;
  AttemptId attempt;
  io::PartInfo info;
};

Status write_small(io::FileSystem& files, const std::string& path, std::string_view text) {
  FANFOLD_ASSIGN_OR_RETURN(const auto file, files.create(path));
  FANFOLD_RETURN_IF_ERROR(file->append(text));
  return file->close();
}

/// No file is called so: a name of an output has no space.
constexpr std::string_view kJobMark = "job ";

/// Whose it is, and the files that he makes visible; a line each.
struct Claim {
  std::string staging;
  std::string client_id;
  std::vector<std::string> names;
};

Result<Claim> read_claim(io::FileSystem& files, const std::string& output) {
  FANFOLD_ASSIGN_OR_RETURN(const auto file, files.open(output + "/" + kClaimName));
  FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
  std::string text(std::min(size, kClaimBytes), '\0');
  FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, file->read_at(0, text));
  text.resize(count);
  Claim claim;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    std::string line = text.substr(at, end - at);
    at = end + 1;
    if (claim.staging.empty()) {
      claim.staging = std::move(line);
    } else if (claim.client_id.empty() && line.starts_with(kJobMark)) {
      claim.client_id = line.substr(kJobMark.size());
    } else if (io::is_output_name(line)) {
      claim.names.push_back(std::move(line));
    }
  }
  return claim;
}

Status appeared(const std::string& output) {
  return {StatusCode::kAlreadyExists, "output " + output +
                                          " appeared while the job ran, so nothing was "
                                          "written there; choose another output"};
}

bool is_manifest(const std::string& name) {
  return name == io::kManifestName || name == io::kPartialManifestName;
}

class ObjectPublisher {
 public:
  ObjectPublisher(io::FileSystem& files, const PublishRequest& request)
      : files_(files),
        request_(request),
        output_(normal_output(request.spec.output)),
        replace_(request.spec.on_exists == proto::OnExists::kReplace) {}

  Result<io::Manifest> publish() {
    FANFOLD_RETURN_IF_ERROR(collect());
    FANFOLD_RETURN_IF_ERROR(claim());
    FANFOLD_RETURN_IF_ERROR(make_room());
    FANFOLD_RETURN_IF_ERROR(reveal_all());
    FANFOLD_RETURN_IF_ERROR(join_all());
    FANFOLD_RETURN_IF_ERROR(check_sizes());
    io::Manifest manifest = describe_output(request_, published_);
    FANFOLD_RETURN_IF_ERROR(
        write_small(files_, output_ + "/" + manifest.file_name(), io::to_json(manifest)));
    return manifest;
  }

 private:
  Object object_of(const AttemptFiles& attempt, const io::PartInfo& info) const {
    return {request_.staging + "/" + std::to_string(attempt.attempt.value) + "/" + info.name,
            attempt.attempt, info};
  }

  Status note_name(const Object& object) {
    if (!io::is_output_name(object.info.name)) {
      return {StatusCode::kInvalidArgument,
              "attempt " + std::to_string(object.attempt.value) + " wrote a file called " +
                  object.info.name +
                  "; names of outputs have letters, digits, '.', '_' and '-' only"};
    }
    if (names_.insert(object.info.name).second) return {};
    return {StatusCode::kInvalidArgument,
            "two outputs are called " + object.info.name + ": give one of them another name"};
  }

  Status collect() {
    for (const AttemptFiles& attempt : request_.reduces) {
      for (const io::PartInfo& info : attempt.files) {
        whole_.push_back(object_of(attempt, info));
        FANFOLD_RETURN_IF_ERROR(note_name(whole_.back()));
      }
    }
    for (const AttemptFiles& attempt : request_.maps) {
      for (const io::PartInfo& info : attempt.files) {
        std::vector<Object>& pieces = joined_[info.name];
        pieces.push_back(object_of(attempt, info));
        if (pieces.size() == 1) FANFOLD_RETURN_IF_ERROR(note_name(pieces.front()));
      }
    }
    return {};
  }

  /// One job at a time writes here, and goes on here when its master has died in between.
  Status claim() {
    std::string text =
        request_.staging + "\n" + std::string(kJobMark) + request_.spec.client_id + "\n";
    for (const std::string& name : names_) text += name + "\n";
    const Status claimed = write_small(files_, output_ + "/" + kClaimName, text);
    if (claimed.code() != StatusCode::kAlreadyExists) return claimed;
    FANFOLD_ASSIGN_OR_RETURN(const Claim holder, read_claim(files_, output_));
    // Two that know nothing of each other may have come upon the same name.
    resumed_ = holder.staging == request_.staging && holder.client_id == request_.spec.client_id;
    if (resumed_) return {};
    return {StatusCode::kAlreadyExists,
            "another job is writing to " + output_ + " (its files are in " + holder.staging +
                "); if it is gone for good, remove " + output_ + "/" + kClaimName +
                " and what else is there, or choose another output"};
  }

  Status make_room() {
    FANFOLD_ASSIGN_OR_RETURN(std::vector<io::FileSystem::Entry> there,
                             files_.list_with_info(output_));
    std::erase_if(there, [](const auto& entry) { return entry.name == kClaimName; });
    const bool finished = std::any_of(there.begin(), there.end(),
                                      [](const auto& entry) { return is_manifest(entry.name); });
    const auto ours = [this](const auto& entry) { return names_.contains(entry.name); };
    const bool mine = resumed_ && std::all_of(there.begin(), there.end(), ours);
    if (there.empty() || mine) return {};
    if (!replace_ || (!finished && !resumed_)) {
      if (!resumed_) FANFOLD_RETURN_IF_ERROR(files_.remove_file(output_ + "/" + kClaimName));
      return appeared(output_);
    }
    // Before what is there is taken away, what comes in its place has to be at hand.
    FANFOLD_RETURN_IF_ERROR(check_all());
    // From here on nobody takes it for an output.
    for (const auto& entry : there) {
      if (!is_manifest(entry.name)) continue;
      FANFOLD_RETURN_IF_ERROR(files_.remove_file(output_ + "/" + entry.name));
    }
    for (const auto& entry : there) {
      if (is_manifest(entry.name) || ours(entry)) continue;
      const std::string path = output_ + "/" + entry.name;
      const bool file = entry.info.ok() && entry.info->kind == io::FileKind::kFile;
      FANFOLD_RETURN_IF_ERROR(file ? files_.remove_file(path) : files_.remove_tree(path));
    }
    return {};
  }

  Status check_all() {
    FANFOLD_RETURN_IF_ERROR(for_each_whole([this](const Object& object) {
      return files_.check_unseen(object.staged, output_ + "/" + object.info.name);
    }));
    for (const auto& [name, pieces] : joined_) {
      for (const Object& piece : pieces) {
        FANFOLD_RETURN_IF_ERROR(files_.stat(piece.staged).status());
      }
    }
    return {};
  }

  Status reveal_all() {
    for (const Object& object : whole_) published_.push_back(object.info);
    return for_each_whole([this](const Object& object) {
      return files_.reveal(object.staged, output_ + "/" + object.info.name);
    });
  }

  /// Several at once; the first error, after which no more are begun.
  Status for_each_whole(const std::function<Status(const Object&)>& act) const {
    std::atomic<std::size_t> next{0};
    Mutex mutex;
    Status first;
    const auto work = [&] {
      for (std::size_t i = next++; i < whole_.size(); i = next++) {
        Status status = act(whole_[i]);
        if (status.ok()) continue;
        next = whole_.size();
        MutexLock lock(mutex);
        if (first.ok()) first = std::move(status);
      }
    };
    {
      std::vector<std::jthread> others;
      try {
        while (others.size() + 1 < std::min(kCallsAtOnce, whole_.size())) {
          others.emplace_back(work);
        }
      } catch (const std::system_error&) {
        // No more threads for this process: fewer will do.
      }
      work();
    }
    return first;
  }

  /// Named outputs of maps: files of the same name, one after the other.
  Status join_all() {
    const std::string place = request_.staging + "/publish-" + std::to_string(request_.epoch);
    FANFOLD_RETURN_IF_ERROR(files_.remove_tree(place));
    for (const auto& [name, pieces] : joined_) {
      const std::string staged = place + "/" + name;
      const std::string target = output_ + "/" + name;
      FANFOLD_ASSIGN_OR_RETURN(
          const auto joined,
          io::create_unseen_part(files_, staged, target, name, io::PartCompression::kNone));
      for (const Object& piece : pieces) FANFOLD_RETURN_IF_ERROR(add(piece, *joined));
      FANFOLD_RETURN_IF_ERROR(joined->finish());
      FANFOLD_RETURN_IF_ERROR(files_.reveal(staged, target));
      published_.push_back(joined->info());
    }
    return {};
  }

  Status add(const Object& piece, io::PartWriter& joined) {
    FANFOLD_ASSIGN_OR_RETURN(const io::FileDigest digest, io::digest_file(files_, piece.staged));
    if (digest.bytes != piece.info.bytes || digest.checksum != piece.info.checksum) {
      return changed_file(piece.staged, piece.attempt, "its size or checksum differs");
    }
    FANFOLD_ASSIGN_OR_RETURN(const auto file, files_.open(piece.staged));
    file->will_read(0, piece.info.bytes);
    std::string buffer(kCopyBytes, '\0');
    for (std::uint64_t offset = 0; offset < piece.info.bytes;) {
      FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, file->read_at(offset, buffer));
      if (count == 0) return Status(StatusCode::kCorruption, piece.staged + " shrank");
      FANFOLD_RETURN_IF_ERROR(joined.write({buffer.data(), count}, 0));
      offset += count;
    }
    return joined.write({}, piece.info.records);
  }

  /// The server has checked the digest of each part that it took; here is whether it has them all.
  Status check_sizes() {
    FANFOLD_ASSIGN_OR_RETURN(const auto there, files_.list_with_info(output_));
    std::map<std::string, std::uint64_t> sizes;
    for (const auto& [name, info] : there) {
      if (info.ok() && info->kind == io::FileKind::kFile) sizes[name] = info->size;
    }
    for (const Object& object : whole_) {
      const auto found = sizes.find(object.info.name);
      if (found != sizes.end() && found->second == object.info.bytes) continue;
      return changed_file(output_ + "/" + object.info.name, object.attempt,
                          found == sizes.end()
                              ? "it is missing"
                              : std::to_string(found->second) + " bytes instead of " +
                                    std::to_string(object.info.bytes));
    }
    return {};
  }

  io::FileSystem& files_;
  const PublishRequest& request_;
  const std::string output_;
  const bool replace_;
  bool resumed_ = false;  // The claim is that of an earlier, interrupted try.
  std::set<std::string, std::less<>> names_;
  std::vector<Object> whole_;
  std::map<std::string, std::vector<Object>> joined_;
  std::vector<io::PartInfo> published_;
};

/// From here on the output is complete.
Result<Published> finish(io::FileSystem& files, const PublishRequest& request,
                         const io::Manifest& manifest) {
  const std::string output = normal_output(request.spec.output);
  // What stays behind is in the way of the next job at most; this one has succeeded.
  static_cast<void>(files.remove_file(output + "/" + kClaimName));
  static_cast<void>(files.remove_tree(request.staging));
  return summary_of(manifest);
}

/// Whether it tells nothing of what is there: neither that it is ours nor that it is not.
bool is_unknown(const Status& manifest) {
  return !manifest.ok() && manifest.code() != StatusCode::kNotFound &&
         manifest.code() != StatusCode::kCorruption;
}

/// "<parent>/.<name>.fanfold-<unique>" is of "<parent>/<name>".
std::string output_of(const std::string& staging) {
  const std::size_t name = staging.rfind('/') + 1;
  const std::size_t end = staging.rfind(".fanfold-");
  if (end == std::string::npos || end <= name) return "";
  return staging.substr(0, name) + staging.substr(name + 1, end - name - 1);
}

}  // namespace

Result<Published> publish_objects(io::FileSystem& files, const PublishRequest& request) {
  const std::string output = normal_output(request.spec.output);
  const auto existing = io::read_manifest(files, output);
  if (existing.ok() && is_output_of(*existing, request)) return finish(files, request, *existing);
  if (is_unknown(existing.status())) return existing.status();
  const Result<io::Manifest> manifest = ObjectPublisher(files, request).publish();
  if (manifest.ok()) return finish(files, request, *manifest);
  // A master that was paused in the middle of this very publication may have woken up and ended it.
  const auto ended = io::read_manifest(files, output);
  if (ended.ok() && is_output_of(*ended, request)) return finish(files, request, *ended);
  return is_unknown(ended.status()) ? ended.status() : manifest.status();
}

Status remove_staging_directory(io::FileSystem& files, const std::string& staging) {
  if (files.renames(staging)) return files.remove_tree(staging);
  const std::string output = output_of(staging);
  if (!output.empty()) {
    const Result<Claim> holder = read_claim(files, output);
    if (holder.ok() && holder->staging == staging) {
      // With a manifest it is complete: its claim alone was left behind.
      const Status manifest = io::read_manifest(files, output).status();
      if (is_unknown(manifest)) return manifest;
      if (manifest.code() == StatusCode::kNotFound) {
        for (const std::string& name : holder->names) {
          FANFOLD_RETURN_IF_ERROR(files.remove_file(output + "/" + name));
        }
      }
      FANFOLD_RETURN_IF_ERROR(files.remove_file(output + "/" + kClaimName));
    }
  }
  return files.remove_tree(staging);
}

}  // namespace fanfold::master
