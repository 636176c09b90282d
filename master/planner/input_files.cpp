#include "master/planner/input_files.hpp"

#include <algorithm>

#include "common/inputs/glob.hpp"
#include "common/inputs/host_input.hpp"
#include "common/io/scheme.hpp"
#include "common/proto/redrive.hpp"
#include "master/planner/redrive.hpp"

namespace fanfold::master {
namespace {

/// A list longer than this is not a list of files.
constexpr std::uint64_t kListBytes = 256u << 20;

Status refused(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

/// "left, right"
std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

class Inputs {
 public:
  Inputs(io::FileSystem& files, const proto::JobSpec& spec, const HostListing* hosts)
      : files_(files), spec_(spec), hosts_(hosts) {}

  /// Those that lie on hosts, whatever they mean.
  Result<std::vector<std::string>> find_on_hosts() {
    only_names_ = true;
    for (const std::string& input : spec_.inputs) {
      FANFOLD_RETURN_IF_ERROR(add_input(input, nullptr));
    }
    return std::move(on_hosts_);
  }

  Result<std::vector<InputFile>> expand() {
    if (spec_.inputs.empty()) return refused("no input: name a file, a directory or a pattern");
    for (const std::string& input : spec_.inputs) {
      FANFOLD_RETURN_IF_ERROR(add_input(input, nullptr));
    }
    for (const std::string& tag : spec_.input_tags) {
      const bool given = std::any_of(found_.begin(), found_.end(),
                                     [&](const InputFile& file) { return file.tag == tag; });
      if (!given) {
        return refused("no input is tagged " + tag + ": this job reads " +
                       joined(spec_.input_tags) + "; add " + tag + "=PATH");
      }
    }
    // A list file with nothing in it, for one.
    if (found_.empty()) return refused("no input: the lists given name no files");
    return std::move(found_);
  }

 private:
  /// `list` is the list file that the input was found in, or null.
  Status add_input(const std::string& input, const std::string* list) {
    std::string path = input;
    std::string tag;
    if (!spec_.input_tags.empty()) FANFOLD_RETURN_IF_ERROR(take_tag(path, tag));
    return add_tagged(path, tag, list);
  }

  Status add_tagged(std::string path, const std::string& tag, const std::string* list) {
    if (path.empty()) return refused("an input is empty: name a file, a directory or a pattern");
    if (path.front() == '@') {
      if (list != nullptr)
        return refused(*list + " names another list, " + path + ": lists do not nest");
      return add_list(path.substr(1), tag);
    }
    if (inputs::is_host_input(path)) return add_from_hosts(path, tag);
    if (only_names_) return Status();
    if (list != nullptr && path.front() != '/' && io::scheme_of(path).empty())
      path = directory_of(*list) + "/" + path;
    return add_path(io::without_slashes_at_end(std::move(path)), tag);
  }

  /// They are known before anything is planned.
  Status add_from_hosts(const std::string& path, const std::string& tag) {
    FANFOLD_RETURN_IF_ERROR(inputs::check_host_input(path));
    if (only_names_) {
      // Two inputs with different tags may be the same files.
      const bool again = std::find(on_hosts_.begin(), on_hosts_.end(), path) != on_hosts_.end();
      if (!again) on_hosts_.push_back(path);
      return Status();
    }
    if (hosts_ == nullptr) {
      return refused(path +
                     " lies on hosts, whose workers list it when the job is submitted to their "
                     "cluster; nothing here can look at it");
    }
    const auto found = hosts_->files.find(path);
    if (found == hosts_->files.end()) return refused("nobody was asked for input " + path);
    for (const InputFile& file : found->second) {
      found_.push_back(file);
      found_.back().tag = tag;
    }
    return Status();
  }

  /// "left=/data/x" -> "left" and "/data/x".
  Status take_tag(std::string& path, std::string& tag) {
    // In front of a list the tag may be missing: then its lines have tags.
    const std::string tags =
        "this job reads its inputs as TAG=PATH, with TAG one of: " + joined(spec_.input_tags);
    const std::size_t equals = path.find('=');
    if (path.starts_with('@')) return Status();
    if (equals == std::string::npos) return refused("input " + path + " has no tag: " + tags);
    tag = path.substr(0, equals);
    const auto& known = spec_.input_tags;
    if (std::find(known.begin(), known.end(), tag) == known.end()) {
      return refused("input " + path + " has an unknown tag, " + tag + ": " + tags);
    }
    path.erase(0, equals + 1);
    return Status();
  }

  Status add_list(const std::string& list, const std::string& tag) {
    FANFOLD_ASSIGN_OR_RETURN(const std::string text, read_list(list));
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      std::string line = text.substr(at, end - at);
      at = end + 1;
      if (line.ends_with('\r')) line.pop_back();
      if (line.empty() || line.front() == '#') continue;
      const Status added = tag.empty() ? add_input(line, &list) : add_tagged(line, tag, &list);
      if (!added.ok()) return Status(added).with_context("in list " + list);
    }
    return Status();
  }

  Result<std::string> read_list(const std::string& list) {
    FANFOLD_ASSIGN_OR_RETURN(const auto file, files_.open(list));
    FANFOLD_ASSIGN_OR_RETURN(const std::uint64_t size, file->size());
    if (size > kListBytes) return refused(list + " is too large to be a list of inputs");
    std::string text(size, '\0');
    FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, file->read_at(0, text));
    text.resize(count);
    return text;
  }

  /// A path that exists means itself even if it looks like a pattern.
  Status add_path(const std::string& path, const std::string& tag) {
    const std::size_t before = found_.size();
    inputs::FileCollector collector(files_, found_);
    const auto info = files_.stat(path);
    const bool pattern =
        !info.ok() && info.status().code() == StatusCode::kNotFound && inputs::has_wildcard(path);
    if (pattern) {
      FANFOLD_RETURN_IF_ERROR(inputs::expand_glob(files_, path, tag, collector));
    } else if (info.ok()) {
      inputs::DirectoryTrail trail;
      FANFOLD_RETURN_IF_ERROR(collector.add(path, *info, tag, trail));
    } else if (info.status().code() == StatusCode::kNotFound) {
      return Status(StatusCode::kNotFound, "input not found: " + path);
    } else {
      return info.status();
    }
    inputs::sort_by_path(found_, before);
    if (found_.size() != before) return Status();
    const std::string conventions =
        "; names that begin with '.' or '_' are skipped unless spelled out";
    return Status(StatusCode::kNotFound,
                  pattern ? "no file matches " + path + conventions
                          : "directory " + path + " holds no files" + conventions);
  }

  io::FileSystem& files_;
  const proto::JobSpec& spec_;
  const HostListing* const hosts_;
  std::vector<InputFile> found_;
  bool only_names_ = false;
  std::vector<std::string> on_hosts_;
};

/// Planned splits are at least as large, so smaller files are not cut.
constexpr std::uint64_t kLookAbove = 1u << 20;

}  // namespace

bool names_inputs_in_files(const proto::JobSpec& spec) {
  return proto::redriven_directory(spec) ||
         std::any_of(spec.inputs.begin(), spec.inputs.end(), [&](const std::string& input) {
           return input.starts_with('@') || without_tag(spec, input).starts_with('@');
         });
}

Result<std::vector<std::string>> find_host_inputs(io::FileSystem& files,
                                                  const proto::JobSpec& spec) {
  if (const auto directory = proto::redriven_directory(spec)) {
    return redriven_on_hosts(files, *directory);
  }
  return Inputs(files, spec, nullptr).find_on_hosts();
}

std::uint64_t look_above(const proto::JobSpec& spec) {
  const bool all = spec.format == abi::RecordFormat::kFixed ||
                   spec.partitioning == abi::Partitioning::kRange ||
                   proto::redriven_directory(spec);
  if (all) return 0;
  return spec.split_bytes != 0 ? spec.split_bytes : kLookAbove;
}

Result<std::vector<InputFile>> expand_inputs(io::FileSystem& files, const proto::JobSpec& spec,
                                             const HostListing* hosts) {
  return Inputs(files, spec, hosts).expand();
}

std::string_view without_tag(const proto::JobSpec& spec, std::string_view input) {
  if (spec.input_tags.empty()) return input;
  const std::size_t equals = input.find('=');
  return equals == std::string_view::npos ? input : input.substr(equals + 1);
}

std::string_view host_of(std::string_view path) {
  return inputs::is_host_input(path) ? inputs::split_host_input(path).host : std::string_view();
}

}  // namespace fanfold::master
