#include "common/inputs/file_collector.hpp"

#include <algorithm>

namespace fanfold::inputs {
namespace {

Status refused(std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message));
}

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

Status FileCollector::leave_out(const std::string& path, const Status& why) const {
  const bool goes_on =
      why.ok() || (rules_.left_out != nullptr && why.code() != StatusCode::kExhausted &&
                   why.code() != StatusCode::kAborted);
  if (!goes_on) return why;
  if (why.ok() || rules_.left_out->last == path) return Status();
  LeftOut& left_out = *rules_.left_out;
  left_out.last = path;
  if (left_out.count++ > 0) return Status();
  const bool named = why.message().find(path) != std::string::npos;
  left_out.first = named ? why.message() : path + ": " + why.message();
  return Status();
}

Status FileCollector::go_on() const {
  if (!rules_.stopped || !rules_.stopped()) return Status();
  return Status(StatusCode::kAborted, "the search was stopped");
}

Status FileCollector::may_enter(const std::string& directory) const {
  return rules_.may_enter ? rules_.may_enter(directory) : Status();
}

Status FileCollector::add(const std::string& path, const io::FileInfo& info, const std::string& tag,
                          DirectoryTrail& trail) {
  FANFOLD_RETURN_IF_ERROR(go_on());
  switch (info.kind) {
    case io::FileKind::kDirectory:
      return leave_out(path, add_directory(path, info, tag, trail));
    case io::FileKind::kFile:
      return leave_out(path, add_file(path, info, tag));
    case io::FileKind::kOther:
      break;
  }
  return leave_out(path,
                   refused("input " + path +
                           " is neither a file nor a directory (a pipe, socket or device); to "
                           "read a pipe, redirect it and name '-'"));
}

Status FileCollector::add_file(const std::string& path, const io::FileInfo& info,
                               const std::string& tag) {
  // Of a hundred thousand files, asking costs more than anything else here.
  if (!info.open_to_all) {
    FANFOLD_RETURN_IF_ERROR(files_.check_readable(path).with_context("input"));
  }
  path_bytes_ += path.size();
  if (found_.size() >= rules_.files_max || path_bytes_ > rules_.path_bytes_max) {
    return Status(StatusCode::kExhausted, "more files match than one answer may name (" +
                                              std::to_string(found_.size()) +
                                              " so far): narrow the pattern");
  }
  found_.push_back({.path = path,
                    .tag = tag,
                    .size = info.size,
                    .version = info.version,
                    .modified_ns = info.modified_ns});
  return Status();
}

Status FileCollector::add_directory(const std::string& path, const io::FileInfo& info,
                                    const std::string& tag, DirectoryTrail& trail) {
  FANFOLD_RETURN_IF_ERROR(trail.enter(path, info));
  Status added = add_entries(path, tag, trail);
  trail.leave();
  return added;
}

Status FileCollector::add_entries(const std::string& path, const std::string& tag,
                                  DirectoryTrail& trail) {
  FANFOLD_RETURN_IF_ERROR(may_enter(path));
  FANFOLD_ASSIGN_OR_RETURN(const auto entries, files_.list_with_info(path));
  const std::string prefix = path.ends_with('/') ? path : path + "/";
  for (const auto& [name, found] : entries) {
    if (skipped_by_convention(name)) continue;
    const std::string below = prefix + name;
    Status status = found.status();
    if (status.code() == StatusCode::kNotFound) {
      status = Status(StatusCode::kNotFound,
                      "input " + below +
                          " is listed in its directory but not there: a symbolic link "
                          "to nothing, or a file that was just removed");
    }
    if (!status.ok()) {
      FANFOLD_RETURN_IF_ERROR(leave_out(below, status));
      continue;
    }
    FANFOLD_RETURN_IF_ERROR(add(below, *found, tag, trail));
  }
  return Status();
}

void sort_by_path(std::vector<InputFile>& found, std::size_t first) {
  const auto begin = found.begin() + static_cast<std::ptrdiff_t>(first);
  const auto by_path = [](const InputFile& a, const InputFile& b) { return a.path < b.path; };
  // A directory of files only is in order already.
  if (!std::is_sorted(begin, found.end(), by_path)) std::sort(begin, found.end(), by_path);
  found.erase(std::unique(begin, found.end(),
                          [](const InputFile& a, const InputFile& b) { return a.path == b.path; }),
              found.end());
}

}  // namespace fanfold::inputs
