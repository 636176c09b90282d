#include "common/io/dead_letter.hpp"
#include "common/io/manifest.hpp"

namespace fanfold::io {
namespace {

/// 100,000 files take about 15 MB.
constexpr std::uint64_t kManifestBytes = 256u << 20;

}  // namespace

bool is_output_name(std::string_view name) {
  if (name == kDeadLettersName) return true;
  if (name.empty() || name.size() > 255 || name.front() == '.' || name.front() == '_') return false;
  for (const char character : name) {
    const bool letter = (character >= 'a' && character <= 'z') ||
                        (character >= 'A' && character <= 'Z') ||
                        (character >= '0' && character <= '9');
    if (!letter && character != '.' && character != '_' && character != '-') return false;
  }
  return true;
}

Result<Manifest> read_manifest(FileSystem& files, const std::string& directory) {
  std::string path = directory + "/" + kManifestName;
  auto file = files.open(path);
  if (!file.ok() && file.status().code() == StatusCode::kNotFound) {
    const std::string partial = directory + "/" + kPartialManifestName;
    auto second = files.open(partial);
    if (second.ok() || second.status().code() != StatusCode::kNotFound) {
      path = partial;
      file = std::move(second);
    }
  }
  if (!file.ok() && file.status().code() == StatusCode::kNotFound) {
    return Status(StatusCode::kNotFound,
                  directory + " is not a finished output: it has no " + kManifestName + " file");
  }
  if (!file.ok()) return file.status();
  FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t size, (*file)->size());
  if (size > kManifestBytes) return Status(StatusCode::kCorruption, path + " is too large");
  std::string text(size, '\0');
  FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, (*file)->read_at(0, text));
  text.resize(count);
  auto manifest = parse_manifest(text);
  if (!manifest.ok()) return manifest.status().with_context(path);
  if (!path.ends_with(manifest->file_name())) {
    return Status(StatusCode::kCorruption,
                  path + " is a file of that name by mistake: by what it says it is " +
                      std::string(manifest->file_name()));
  }
  return manifest;
}

}  // namespace fanfold::io
