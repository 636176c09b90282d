#include "master/planner/input_files.hpp"

#include <algorithm>

#include "common/io/scheme.hpp"
#include "master/planner/glob.hpp"

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
  Inputs(io::FileSystem& files, const proto::JobSpec& spec) : files_(files), spec_(spec) {}

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
    if (list != nullptr && path.front() != '/' && io::scheme_of(path).empty())
      path = directory_of(*list) + "/" + path;
    return add_path(io::without_slashes_at_end(std::move(path)), tag);
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
    FileCollector collector(files_, found_);
    const auto info = files_.stat(path);
    const bool pattern =
        !info.ok() && info.status().code() == StatusCode::kNotFound && has_wildcard(path);
    if (pattern) {
      FANFOLD_RETURN_IF_ERROR(expand_glob(files_, path, tag, collector));
    } else if (info.ok()) {
      DirectoryTrail trail;
      FANFOLD_RETURN_IF_ERROR(collector.add(path, *info, tag, trail));
    } else if (info.status().code() == StatusCode::kNotFound) {
      return Status(StatusCode::kNotFound, "input not found: " + path);
    } else {
      return info.status();
    }
    sort_from(before);
    if (found_.size() != before) return Status();
    const std::string conventions =
        "; names that begin with '.' or '_' are skipped unless spelled out";
    return Status(StatusCode::kNotFound,
                  pattern ? "no file matches " + path + conventions
                          : "directory " + path + " holds no files" + conventions);
  }

  /// A pattern may find a file twice: by its name, and in a directory that matches.
  void sort_from(std::size_t first) {
    const auto begin = found_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto by_path = [](const InputFile& a, const InputFile& b) { return a.path < b.path; };
    // A directory of files only is in order already.
    if (!std::is_sorted(begin, found_.end(), by_path)) std::sort(begin, found_.end(), by_path);
    found_.erase(
        std::unique(begin, found_.end(),
                    [](const InputFile& a, const InputFile& b) { return a.path == b.path; }),
        found_.end());
  }

  io::FileSystem& files_;
  const proto::JobSpec& spec_;
  std::vector<InputFile> found_;
};

}  // namespace

bool skipped_by_convention(const std::string& name) {
  return name.starts_with('.') || name.starts_with('_');
}

Status DirectoryTrail::enter(const std::string& directory, const io::FileInfo& info) {
  for (const Entered& entered : entered_) {
    if (entered.device == info.device && entered.inode == info.inode) {
      return refused("symbolic link loop: " + directory + " leads back to " + entered.path +
                     "; remove the link or name the directories one by one");
    }
  }
  entered_.push_back({directory, info.device, info.inode});
  return Status();
}

Status FileCollector::add(const std::string& path, const io::FileInfo& info, const std::string& tag,
                          DirectoryTrail& trail) {
  switch (info.kind) {
    case io::FileKind::kDirectory:
      return add_directory(path, info, tag, trail);
    case io::FileKind::kFile:
      break;
    case io::FileKind::kOther:
      return refused("input " + path +
                     " is neither a file nor a directory (a pipe, socket or device); to read a "
                     "pipe, redirect it and name '-'");
  }
  // Of a hundred thousand files, asking costs more than anything else here.
  if (!info.open_to_all) {
    FANFOLD_RETURN_IF_ERROR(files_.check_readable(path).with_context("input"));
  }
  found_.push_back({path, tag, info.size, info.version});
  return Status();
}

Status FileCollector::add_directory(const std::string& path, const io::FileInfo& info,
                                    const std::string& tag, DirectoryTrail& trail) {
  FANFOLD_RETURN_IF_ERROR(trail.enter(path, info));
  FANFOLD_ASSIGN_OR_RETURN(const auto entries, files_.list_with_info(path));
  const std::string prefix = path.ends_with('/') ? path : path + "/";
  for (const auto& [name, found] : entries) {
    if (skipped_by_convention(name)) continue;
    const std::string below = prefix + name;
    if (!found.ok() && found.status().code() == StatusCode::kNotFound) {
      return Status(StatusCode::kNotFound,
                    "input " + below +
                        " is listed in its directory but not there: a symbolic link "
                        "to nothing, or a file that was just removed");
    }
    if (!found.ok()) return found.status();
    FANFOLD_RETURN_IF_ERROR(add(below, *found, tag, trail));
  }
  trail.leave();
  return Status();
}

Result<std::vector<InputFile>> expand_inputs(io::FileSystem& files, const proto::JobSpec& spec) {
  return Inputs(files, spec).expand();
}

}  // namespace fanfold::master
