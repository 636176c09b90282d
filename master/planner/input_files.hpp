// Inputs as the user gave them -> the files they mean.  Directories are walked, globs expanded,
// lists read; every file is looked at once and none is opened.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/core/status.hpp"
#include "common/inputs/file_collector.hpp"
#include "common/io/file_system.hpp"
#include "common/proto/types.hpp"

namespace fanfold::master {

using inputs::InputFile;

/// What inputs that lie on hosts mean, as workers there have found it.
struct HostListing {
  /// By input, without its tag; paths are "host://NAME/path", by host and path.
  std::map<std::string, std::vector<InputFile>, std::less<>> files;
  std::vector<std::string> notes;
};

/// In the order of the inputs; within a directory, glob or list line by path, bytewise.
/// Fails when a file is missing, unreadable or no file at all, when an input means no file, when
/// directories lead back into themselves, and when tags are missing or unknown.
/// `hosts`: null when nobody has asked them; then inputs that lie there are refused.
Result<std::vector<InputFile>> expand_inputs(io::FileSystem& files, const proto::JobSpec& spec,
                                             const HostListing* hosts = nullptr);

/// Whether it has to be read which inputs the job has: lists, or dead letters to map again.
bool names_inputs_in_files(const proto::JobSpec& spec);
/// All inputs of the job that lie on hosts, without tags, each once; reads what
/// names_inputs_in_files() tells of.
Result<std::vector<std::string>> find_host_inputs(io::FileSystem& files,
                                                  const proto::JobSpec& spec);
/// Which files on hosts have to be looked into before the job is planned: larger ones.
std::uint64_t look_above(const proto::JobSpec& spec);

/// "left=/data/x" of a job with tags as "/data/x".
std::string_view without_tag(const proto::JobSpec& spec, std::string_view input);

/// The host that `path` lies on; empty: no certain one.
std::string_view host_of(std::string_view path);

}  // namespace fanfold::master
