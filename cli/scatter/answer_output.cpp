#include "cli/scatter/answer_output.hpp"

#include <algorithm>
#include <filesystem>

#include "cli/output/record_stream.hpp"
#include "cli/output/sink.hpp"
#include "common/io/manifest.hpp"
#include "common/io/scheme.hpp"
#include "master/publish/publish.hpp"

namespace fanfold::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOwnManifest = "manifest.json";

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

/// Without links and "..", as far as it is there.
std::string real_path(const std::string& path) {
  std::error_code error;
  const fs::path real = fs::weakly_canonical(path, error);
  return error ? path : real.string();
}

bool lies_in(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + "/");
}

}  // namespace

KeptAnswers::KeptAnswers(io::FileSystem& files, KeepRequest request, const std::string& unique)
    : files_(files),
      request_(std::move(request)),
      staging_(master::staging_directory(request_.output, unique)),
      built_(staging_ + "/answers") {}

Status KeptAnswers::check() {
  const std::string& output = request_.output;
  if (!io::scheme_of(output).empty()) {
    return refuse("-o takes a directory of this machine, and " + output +
                  " is none; keep the answers in one, and copy it there");
  }
  std::error_code error;
  const fs::file_status found = fs::symlink_status(output, error);
  if (request_.replace && fs::is_symlink(found)) {
    return refuse("will not replace " + output +
                  ", a symbolic link; name the directory that it stands for");
  }
  if (!request_.replace || !fs::exists(found)) return {};
  const std::string real = real_path(output);
  for (const std::string& input : request_.inputs) {
    if (!lies_in(real_path(input), real)) continue;
    return refuse("cannot replace " + output + ": " + input +
                  " lies in it and would be removed; choose another output");
  }
  return {};
}

Status KeptAnswers::prepare() {
  FANFOLD_RETURN_IF_ERROR(check());
  proto::JobSpec spec;
  spec.output = request_.output;
  spec.on_exists = request_.replace ? proto::OnExists::kReplace : proto::OnExists::kFail;
  return master::prepare_output(files_, spec, staging_);
}

Status KeptAnswers::write(const std::string& name, const std::string& text) {
  FANFOLD_ASSIGN_OR_RETURN(const auto file, files_.create(built_ + "/" + name));
  FANFOLD_RETURN_IF_ERROR(file->append(text));
  FANFOLD_RETURN_IF_ERROR(file->sync());
  return file->close();
}

Status KeptAnswers::copy(const ScatterResult& result, const std::string& directory) {
  FANFOLD_RETURN_IF_ERROR(files_.make_directory(built_));
  FANFOLD_ASSIGN_OR_RETURN(io::Manifest manifest, io::read_manifest(files_, directory));
  for (const io::PartInfo& file : manifest.files) {
    FANFOLD_RETURN_IF_ERROR(
        files_.hard_link_or_copy(directory + "/" + file.name, built_ + "/" + file.name));
  }
  FANFOLD_RETURN_IF_ERROR(write(kOwnManifest, formatted(json_of(result))));
  FANFOLD_ASSIGN_OR_RETURN(const io::FileDigest digest,
                           io::digest_file(files_, built_ + "/" + kOwnManifest));
  manifest.files.push_back({kOwnManifest, digest.bytes, 0, digest.checksum});
  manifest.bytes += digest.bytes;
  std::sort(manifest.files.begin(), manifest.files.end(),
            [](const io::PartInfo& a, const io::PartInfo& b) { return a.name < b.name; });
  FANFOLD_RETURN_IF_ERROR(write(manifest.file_name(), io::to_json(manifest)));
  return files_.sync_directory(built_);
}

Status KeptAnswers::publish() {
  // While the targets were asked, somebody may have put something there.
  FANFOLD_RETURN_IF_ERROR(prepare());
  return files_.publish(built_, request_.output,
                        request_.replace ? io::Replace::kExchange : io::Replace::kNever);
}

Status KeptAnswers::keep(const ScatterResult& result, const std::string& directory) {
  FANFOLD_RETURN_IF_ERROR(copy(result, directory));
  const Status published = publish();
  // What was there before, if anything.
  static_cast<void>(files_.remove_tree(staging_));
  if (published.ok()) {
    return files_.sync_directory(fs::path(request_.output).parent_path().string());
  }
  if (published.code() == StatusCode::kAlreadyExists) {
    return {StatusCode::kAborted, "output " + request_.output +
                                      " appeared while the targets were asked, so nothing was "
                                      "written there, and the answers are not kept; choose "
                                      "another output"};
  }
  return {StatusCode::kAborted, published.message() + "; the answers are not kept"};
}

Status print_with_answers(io::FileSystem& files, const ScatterResult& result,
                          const std::string& directory, bool json_answers, int descriptor) {
  FANFOLD_ASSIGN_OR_RETURN(const io::Manifest manifest, io::read_manifest(files, directory));
  items::Json rest = json_of(result);
  rest.erase("answers");
  Sink sink(descriptor);
  FANFOLD_RETURN_IF_ERROR(sink.write("{\n  \"answers\": ["));
  const char* between = "\n    ";
  for (const io::PartInfo& part : manifest.files) {
    FANFOLD_ASSIGN_OR_RETURN(const auto stream,
                             RecordStream::open(files, directory, manifest, part));
    for (;;) {
      FANFOLD_ASSIGN_OR_RETURN(const std::optional<Record> record, stream->next());
      if (!record || sink.closed()) break;
      std::string_view line = record->bytes;
      if (line.ends_with('\n')) line.remove_suffix(1);
      items::Json answer = line;
      if (json_answers) {
        FANFOLD_ASSIGN_OR_RETURN(answer, items::parse_json(line));
      }
      FANFOLD_RETURN_IF_ERROR(sink.write(std::exchange(between, ",\n    ")));
      FANFOLD_RETURN_IF_ERROR(sink.write(items::text_of(answer)));
    }
  }
  FANFOLD_RETURN_IF_ERROR(sink.write("\n  ],"));
  FANFOLD_RETURN_IF_ERROR(sink.write(formatted(rest).substr(1)));
  return sink.flush();
}

}  // namespace fanfold::cli
