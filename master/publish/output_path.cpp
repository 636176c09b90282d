// Where the output and its staging directory lie, and whether an output may go there at all.

#include <algorithm>

#include "common/io/manifest.hpp"
#include "common/io/scheme.hpp"
#include "master/publish/output_path.hpp"
#include "master/publish/publish.hpp"

namespace fanfold::master {
namespace {

Status refused(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

/// Replacing removes the old directory, so it must be something that this program wrote.
Status check_replaceable(io::FileSystem& files, const proto::JobSpec& spec,
                         const std::string& output) {
  for (const std::string& input : spec.inputs) {
    const std::size_t equals = spec.input_tags.empty() ? std::string::npos : input.find('=');
    const std::string path = equals == std::string::npos ? input : input.substr(equals + 1);
    if (path == output || path.starts_with(output + "/")) {
      return refused("cannot replace " + output + ": input " + path +
                     " lies in it and would be removed; choose another output");
    }
  }
  FANFOLD_ASSIGN_OR_RETURN(const auto names, files.list(output));
  const bool finished = std::binary_search(names.begin(), names.end(), io::kManifestName) ||
                        std::binary_search(names.begin(), names.end(), io::kPartialManifestName);
  if (names.empty() || finished) return Status();
  return refused(
      "will not replace " + output + ": it holds files but no " + io::kManifestName +
      ", so it is not the output of a job; remove it yourself, or choose another output");
}

Status check_existing(io::FileSystem& files, const proto::JobSpec& spec, const std::string& output,
                      const io::FileInfo& info) {
  if (info.kind != io::FileKind::kDirectory) {
    return Status(StatusCode::kAlreadyExists,
                  "output " + output + " exists and is not a directory; choose another output");
  }
  if (spec.on_exists == proto::OnExists::kReplace) return check_replaceable(files, spec, output);
  return Status(StatusCode::kAlreadyExists,
                "output " + output +
                    " exists already; choose another one, or replace it with --on-exists replace");
}

Status check_parent(io::FileSystem& files, const std::string& output, const std::string& parent) {
  const auto info = files.stat(parent);
  if (!info.ok() && info.status().code() == StatusCode::kNotFound) {
    return Status(StatusCode::kNotFound, "cannot create output " + output +
                                             ": there is no directory " + parent +
                                             "; create it first");
  }
  if (!info.ok()) return info.status();
  if (info->kind != io::FileKind::kDirectory) {
    return refused("cannot create output " + output + ": " + parent + " is not a directory");
  }
  return Status();
}

/// Whether the old output and the new one can change places where they lie, which not every file
/// system can: tried, with two empty directories in `staging`.
Status try_exchange(io::FileSystem& files, const std::string& staging) {
  const std::string one = staging + "/.exchanged-1";
  const std::string other = staging + "/.exchanged-2";
  FANFOLD_RETURN_IF_ERROR(files.make_directory(one));
  FANFOLD_RETURN_IF_ERROR(files.make_directory(other));
  FANFOLD_RETURN_IF_ERROR(files.publish(one, other, io::Replace::kExchange));
  FANFOLD_RETURN_IF_ERROR(files.remove_tree(one));
  return files.remove_tree(other);
}

}  // namespace

std::string normal_output(const std::string& output) {
  std::string path = output;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

std::string parent_of_output(const std::string& output) {
  const std::string path = normal_output(output);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string staging_directory(const std::string& output, const std::string& unique) {
  const std::string path = normal_output(output);
  const std::size_t slash = path.rfind('/');
  const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(0, name) + "." + path.substr(name) + ".fanfold-" + unique;
}

Status prepare_output(io::FileSystem& files, const proto::JobSpec& spec,
                      const std::string& staging) {
  const std::string output = normal_output(spec.output);
  if (output.empty() || output == "/") {
    return refused("no output: name a directory that does not exist yet");
  }
  const auto info = files.stat(output);
  if (info.ok()) {
    FANFOLD_RETURN_IF_ERROR(check_existing(files, spec, output, *info));
  } else if (info.status().code() != StatusCode::kNotFound) {
    return info.status().with_context("output");
  }
  // Prefixes need not be made.
  if (files.renames(output)) {
    FANFOLD_RETURN_IF_ERROR(check_parent(files, output, parent_of_output(output)));
  } else if (output == io::root_of(output)) {
    return refused("no output: name a prefix in " + output);
  }
  // The one sure way to learn whether the parent can be written to.
  FANFOLD_RETURN_IF_ERROR(
      files.make_directories(staging).with_context("cannot prepare output " + output));
  // Now, and not when the job has done all its work.
  if (info.ok() && files.renames(output)) {
    if (Status tried = try_exchange(files, staging); !tried.ok()) {
      static_cast<void>(files.remove_tree(staging));
      return std::move(tried).with_context("cannot replace output " + output);
    }
  }
  // Nobody makes it again, so it must outlast what the job outlasts.
  return files.sync_directory(parent_of_output(output))
      .with_context("cannot prepare output " + output);
}

}  // namespace fanfold::master
