#include "worker/service/list_host_files.hpp"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "common/core/limits.hpp"
#include "common/inputs/file_collector.hpp"
#include "common/inputs/glob.hpp"
#include "common/io/piece_reader.hpp"

namespace fanfold::worker {
namespace {

/// Enough to look behind a short skippable frame.
constexpr std::size_t kMagicBytes = 32;

/// The directory, or the path itself, below which all lies that the pattern can mean.
std::string plain_part(const std::string& pattern) {
  if (!inputs::has_wildcard(pattern)) return pattern;
  const std::size_t wildcard = pattern.find_first_of("*?[");
  const std::size_t slash = pattern.rfind('/', wildcard);
  return slash == 0 || slash == std::string::npos ? "/" : pattern.substr(0, slash);
}

class Listing {
 public:
  Listing(io::FileSystem& files, io::FileSystem& by_host, const inputs::HostInputs& readable,
          const std::function<bool()>& stopped)
      : files_(files), by_host_(by_host), readable_(readable), stopped_(stopped) {}

  Status add(std::uint32_t number, const std::string& pattern, std::uint64_t look_above) {
    FANFOLD_RETURN_IF_ERROR(inputs::check_path_on_host(pattern));
    std::vector<inputs::InputFile> found;
    // Of a host that lets other directories be read, there is nothing.
    const Status within = check(pattern);
    if (!within.ok()) {
      return inputs::FileCollector(files_, found, rules(false)).leave_out(pattern, within);
    }
    const auto info = files_.stat(pattern);
    const bool is_file = info.ok() && info->kind == io::FileKind::kFile;
    FANFOLD_RETURN_IF_ERROR(find(pattern, info, is_file, found));
    inputs::sort_by_path(found, 0);
    const inputs::FileCollector collector(files_, found, rules(is_file));
    for (const inputs::InputFile& file : found) {
      FANFOLD_RETURN_IF_ERROR(collector.go_on());
      proto::HostFile listed{number, file.path, file.size};
      listed.modified_ns = file.modified_ns;
      const Status looked = look_at(file, look_above, &listed);
      if (looked.code() == StatusCode::kNotFound) continue;
      FANFOLD_RETURN_IF_ERROR(collector.leave_out(file.path, looked));
      if (!looked.ok()) continue;
      path_bytes_ += file.path.size();
      answer_.files.push_back(std::move(listed));
    }
    return Status();
  }

  proto::HostFilesListed take() {
    answer_.left_out = left_out_.count;
    answer_.left_out_first = left_out_.first;
    return std::move(answer_);
  }

 private:
  Status check(const std::string& pattern) const {
    const std::string plain = plain_part(pattern);
    if (inputs::is_within(plain, readable_.directories) && !leads_elsewhere(plain)) {
      return Status();
    }
    std::string allowed;
    for (const std::string& directory : readable_.directories) {
      allowed += (allowed.empty() ? "" : ", ") + directory;
    }
    return Status(StatusCode::kInvalidArgument,
                  pattern + " is not in a directory that its worker lets jobs read: " + allowed +
                      " (--host-input of fanfold-worker)");
  }

  /// Whether it is there or not: names of elsewhere are nobody's business.
  bool leads_elsewhere(const std::string& path) const {
    std::error_code error;
    const std::string real = std::filesystem::weakly_canonical(path, error).string();
    return error || !inputs::is_within(real, readable_.directories);
  }

  /// Above the directories that may be read only names that the pattern spells are looked at.
  Status may_enter(const std::string& directory) const {
    if (!inputs::is_within(directory, readable_.directories)) return Status();
    if (!leads_elsewhere(directory)) return Status();
    return Status(StatusCode::kInvalidArgument,
                  directory + " leads out of the directories that may be read (--host-input)");
  }

  inputs::CollectRules rules(bool is_file) {
    inputs::CollectRules rules;
    rules.files_max = limits::kHostFiles - answer_.files.size();
    rules.path_bytes_max = limits::kHostPathBytes - path_bytes_;
    if (!is_file) rules.left_out = &left_out_;
    rules.stopped = stopped_;
    rules.may_enter = [this](const std::string& directory) { return may_enter(directory); };
    return rules;
  }

  Status find(const std::string& pattern, const Result<io::FileInfo>& info, bool is_file,
              std::vector<inputs::InputFile>& found) {
    inputs::FileCollector collector(files_, found, rules(is_file));
    if (info.ok()) {
      inputs::DirectoryTrail trail;
      return collector.add(pattern, *info, "", trail);
    }
    if (info.status().code() != StatusCode::kNotFound) return info.status();
    if (!inputs::has_wildcard(pattern)) return Status();
    return inputs::expand_glob(files_, pattern, "", collector);
  }

  Status look_at(const inputs::InputFile& file, std::uint64_t look_above, proto::HostFile* listed) {
    FANFOLD_RETURN_IF_ERROR(inputs::check_path_on_host(file.path));
    FANFOLD_ASSIGN_OR_RETURN(const auto open,
                             by_host_.open(inputs::host_path(readable_.host, file.path)));
    if (file.size <= look_above) return Status();
    char first[kMagicBytes];
    FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, open->read_at(0, first));
    listed->compression = io::detect_compression({first, count});
    return Status();
  }

  io::FileSystem& files_;
  io::FileSystem& by_host_;
  const inputs::HostInputs& readable_;
  const std::function<bool()>& stopped_;
  inputs::LeftOut left_out_;
  std::size_t path_bytes_ = 0;
  proto::HostFilesListed answer_;
};

}  // namespace

proto::HostFilesListed list_host_files(io::FileSystem& files, io::FileSystem& by_host,
                                       const inputs::HostInputs& readable,
                                       const proto::ListHostFiles& question,
                                       const std::function<bool()>& stopped) {
  Listing listing(files, by_host, readable, stopped);
  for (std::uint32_t i = 0; i < question.patterns.size(); ++i) {
    const Status added = listing.add(i, question.patterns[i], question.look_above);
    if (added.ok()) continue;
    proto::HostFilesListed failed;
    failed.request = question.request;
    failed.code = static_cast<std::uint8_t>(added.code());
    failed.message = added.message();
    return failed;
  }
  proto::HostFilesListed answer = listing.take();
  answer.request = question.request;
  return answer;
}

}  // namespace fanfold::worker
