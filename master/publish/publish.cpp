#include "master/publish/publish.hpp"

#include <algorithm>
#include <map>

#include "common/core/fault_point.hpp"
#include "common/io/manifest.hpp"
#include "common/io/pairs_file.hpp"
#include "master/publish/describe.hpp"
#include "master/publish/output_path.hpp"
#include "master/publish/publish_objects.hpp"

namespace fanfold::master {
namespace {

/// One file that an attempt committed.
struct Source {
  std::string path;
  AttemptId attempt;
  io::PartInfo info;
};

Status verify(io::FileSystem& files, const Source& source, const std::string& path) {
  FANFOLD_ASSIGN_OR_RETURN(const io::FileDigest digest, io::digest_file(files, path));
  if (digest.bytes == source.info.bytes && digest.checksum == source.info.checksum) return Status();
  const bool resized = digest.bytes != source.info.bytes;
  return changed_file(source.path, source.attempt,
                      resized ? std::to_string(digest.bytes) + " bytes instead of " +
                                    std::to_string(source.info.bytes)
                              : std::string("its checksum differs"));
}

/// Builds <staging>/publish-<epoch>, the directory that becomes the output.
class OutputBuilder {
 public:
  OutputBuilder(io::FileSystem& files, const PublishRequest& request)
      : files_(files),
        request_(request),
        directory_(request.staging + "/publish-" + std::to_string(request.epoch)) {}

  Result<io::Manifest> build() {
    // What an earlier, interrupted try left behind is of no use.
    FANFOLD_RETURN_IF_ERROR(files_.remove_tree(directory_));
    FANFOLD_RETURN_IF_ERROR(files_.make_directories(directory_));
    for (const AttemptFiles& attempt : request_.reduces) {
      for (const io::PartInfo& info : attempt.files) {
        FANFOLD_RETURN_IF_ERROR(add_whole(source_of(attempt, info)));
      }
    }
    FANFOLD_RETURN_IF_ERROR(add_map_outputs());
    const io::Manifest manifest = describe_output(request_, published_);
    FANFOLD_RETURN_IF_ERROR(write_manifest(manifest));
    FANFOLD_RETURN_IF_ERROR(files_.sync_directory(directory_));
    return manifest;
  }

  const std::string& directory() const { return directory_; }

 private:
  Source source_of(const AttemptFiles& attempt, const io::PartInfo& info) const {
    const std::string directory = request_.staging + "/" + std::to_string(attempt.attempt.value);
    return {directory + "/" + info.name, attempt.attempt, info};
  }

  static Status check_name(const Source& source) {
    const std::string& name = source.info.name;
    if (io::is_output_name(name) || io::parse_pairs_file_name(name)) return Status();
    return Status(StatusCode::kInvalidArgument,
                  "attempt " + std::to_string(source.attempt.value) + " wrote a file called " +
                      source.info.name +
                      "; names of outputs have letters, digits, '.', '_' and '-' only");
  }

  /// Creating a file that is there already means that two outputs share a name.
  static Status explained(Status created, const std::string& name) {
    if (created.code() != StatusCode::kAlreadyExists) return created;
    return Status(StatusCode::kInvalidArgument,
                  "two outputs are called " + name + ": give one of them another name");
  }

  /// A link: the file was made durable by its attempt.
  Status add_whole(const Source& source) {
    FANFOLD_RETURN_IF_ERROR(check_name(source));
    const std::string target = directory_ + "/" + source.info.name;
    FANFOLD_RETURN_IF_ERROR(
        explained(files_.hard_link_or_copy(source.path, target), source.info.name));
    FANFOLD_RETURN_IF_ERROR(verify(files_, source, target));
    published_.push_back(source.info);
    return Status();
  }

  /// Files of the same name, joined in the order of the splits.  Members and frames of compressed
  /// files may follow each other, so joining the bytes is enough.
  Status add_map_outputs() {
    std::map<std::string, std::vector<Source>> outputs;
    for (const AttemptFiles& attempt : request_.maps) {
      for (const io::PartInfo& info : attempt.files) {
        outputs[info.name].push_back(source_of(attempt, info));
      }
    }
    for (const auto& [name, sources] : outputs) {
      if (sources.size() == 1) {
        FANFOLD_RETURN_IF_ERROR(add_whole(sources.front()));
      } else {
        FANFOLD_RETURN_IF_ERROR(add_joined(name, sources));
      }
    }
    return Status();
  }

  Status add_joined(const std::string& name, const std::vector<Source>& sources) {
    FANFOLD_RETURN_IF_ERROR(check_name(sources.front()));
    const auto created =
        io::create_part(files_, directory_ + "/" + name, name, io::PartCompression::kNone);
    if (!created.ok()) return explained(created.status(), name);
    io::PartWriter& joined = **created;
    std::string buffer(kCopyBytes, '\0');
    for (const Source& source : sources) {
      FANFOLD_RETURN_IF_ERROR(verify(files_, source, source.path));
      FANFOLD_ASSIGN_OR_RETURN(const auto file, files_.open(source.path));
      std::uint64_t offset = 0;
      while (offset < source.info.bytes) {
        FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, file->read_at(offset, buffer));
        if (count == 0) return Status(StatusCode::kCorruption, source.path + " shrank");
        FANFOLD_RETURN_IF_ERROR(joined.write({buffer.data(), count}, 0));
        offset += count;
      }
      FANFOLD_RETURN_IF_ERROR(joined.write({}, source.info.records));
    }
    FANFOLD_RETURN_IF_ERROR(joined.finish());
    published_.push_back(joined.info());
    return Status();
  }

  Status write_manifest(const io::Manifest& manifest) {
    FANFOLD_ASSIGN_OR_RETURN(const auto file,
                             files_.create(directory_ + "/" + manifest.file_name()));
    FANFOLD_RETURN_IF_ERROR(file->append(io::to_json(manifest)));
    FANFOLD_RETURN_IF_ERROR(file->sync());
    return file->close();
  }

  static constexpr std::size_t kCopyBytes = 1u << 20;

  io::FileSystem& files_;
  const PublishRequest& request_;
  const std::string directory_;
  std::vector<io::PartInfo> published_;
};

/// From here on the output is complete.  What is left of the staging directory (after a
/// replacement: the old output) is only clutter, so failing to remove it fails nothing.
Result<Published> finish(io::FileSystem& files, const PublishRequest& request,
                         const io::Manifest& manifest) {
  if (strikes(FaultPoint::kSyncAfterPublishing)) {
    return Status(StatusCode::kNoSpace, "an error of a fault point");
  }
  FANFOLD_RETURN_IF_ERROR(files.sync_directory(parent_of_output(request.spec.output)));
  static_cast<void>(files.remove_tree(request.staging).ok());
  return summary_of(manifest);
}

}  // namespace

Result<Published> publish(io::FileSystem& files, const PublishRequest& request) {
  const std::string output = normal_output(request.spec.output);
  if (!files.renames(output)) return publish_objects(files, request);
  const auto existing = io::read_manifest(files, output);
  if (existing.ok() && is_output_of(*existing, request)) return finish(files, request, *existing);

  OutputBuilder builder(files, request);
  FANFOLD_ASSIGN_OR_RETURN(const io::Manifest manifest, builder.build());
  const bool replace = request.spec.on_exists == proto::OnExists::kReplace;
  const Status published = files.publish(builder.directory(), output,
                                         replace ? io::Replace::kExchange : io::Replace::kNever);
  if (published.code() == StatusCode::kAlreadyExists) {
    // A master that was paused in the middle of this very publication may have woken up.
    const auto appeared = io::read_manifest(files, output);
    if (appeared.ok() && is_output_of(*appeared, request)) return finish(files, request, *appeared);
    return Status(StatusCode::kAlreadyExists, "output " + output +
                                                  " appeared while the job ran, so nothing was "
                                                  "written there; choose another output");
  }
  FANFOLD_RETURN_IF_ERROR(published);
  return finish(files, request, manifest);
}

}  // namespace fanfold::master
