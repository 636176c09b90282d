#include "master/service/host_answers.hpp"

#include <algorithm>
#include <utility>

#include "common/core/limits.hpp"
#include "common/inputs/host_input.hpp"

namespace fanfold::master {
namespace {

/// Notes are shown to people.
constexpr std::size_t kHostsNoted = 5;
/// As many as a job may have splits.
constexpr std::size_t kFilesPerJob = limits::kSplits;
/// A petabyte: sums of sizes that a worker made up must not wrap.
constexpr std::uint64_t kFileBytesMost = std::uint64_t{1} << 50;
constexpr std::size_t kHostsNamed = 20;
constexpr std::size_t kTextBytes = 500;

/// It comes from a worker and goes to a terminal.
std::string shown(const std::string& text) {
  std::string plain = text.substr(0, kTextBytes);
  std::replace_if(
      plain.begin(), plain.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return plain;
}

class Gathering {
 public:
  explicit Gathering(HostAnswers answers) : answers_(std::move(answers)) {}

  Result<HostListing> gather() {
    for (HostAnswers::OfHost& one : answers_.hosts) {
      add(one);
    }
    for (const HostAnswers::Input& input : answers_.inputs) {
      if (!listing_.files[input.input].empty()) continue;
      return Status(StatusCode::kNotFound,
                    "no file matches " + input.input +
                        "; names that begin with '.' or '_' are skipped unless spelled out" +
                        first_left_out_);
    }
    note_hosts();
    listing_.notes.insert(listing_.notes.end(), answers_.notes.begin(), answers_.notes.end());
    note_rest(left_out_, "more hosts left out what cannot be read");
    note_rest(without_, "more hosts have no file that matches");
    return std::move(listing_);
  }

 private:
  void add(HostAnswers::OfHost& one) {
    std::vector<std::size_t> counts(one.asked.size());
    for (proto::HostFile& file : one.answer.files) {
      ++counts[file.pattern];
      InputFile input;
      input.path = inputs::host_path(one.host, file.path);
      input.size = file.size;
      input.compression = file.compression;
      input.modified_ns = file.modified_ns;
      listing_.files[answers_.inputs[one.asked[file.pattern]].input].push_back(std::move(input));
    }
    note(one, counts);
  }

  void note(const HostAnswers::OfHost& one, const std::vector<std::size_t>& counts) {
    if (one.answer.left_out > 0) {
      const std::string text =
          "host " + one.host + ": " + std::to_string(one.answer.left_out) +
          " that cannot be read left out; the first: " + shown(one.answer.left_out_first);
      if (first_left_out_.empty()) first_left_out_ = "; " + text;
      if (++left_out_ <= kHostsNoted) listing_.notes.push_back(text);
    }
    for (std::size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] > 0 || ++without_ > kHostsNoted) continue;
      listing_.notes.push_back("host " + one.host + ": no file matches " +
                               answers_.inputs[one.asked[i]].input);
    }
  }

  /// Of a pattern of names, those that had a worker.
  void note_hosts() {
    std::string names;
    for (std::size_t i = 0; i < std::min(answers_.hosts.size(), kHostsNamed); ++i) {
      names += (i > 0 ? ", " : "") + answers_.hosts[i].host;
    }
    if (answers_.hosts.size() > kHostsNamed) {
      names += " and " + std::to_string(answers_.hosts.size() - kHostsNamed) + " more";
    }
    listing_.notes.insert(listing_.notes.begin(),
                          "input on " + std::to_string(answers_.hosts.size()) +
                              (answers_.hosts.size() == 1 ? " host: " : " hosts: ") + names);
  }

  void note_rest(std::size_t count, const char* what) {
    if (count <= kHostsNoted) return;
    listing_.notes.push_back(std::to_string(count - kHostsNoted) + " " + what);
  }

  HostAnswers answers_;
  HostListing listing_;
  std::size_t left_out_ = 0;  // Hosts that left out something.
  std::size_t without_ = 0;   // Inputs of hosts that mean nothing there.
  std::string first_left_out_;
};

}  // namespace

Status check_answer(const std::string& host, std::size_t patterns,
                    const proto::HostFilesListed& answer) {
  if (answer.code != 0) {
    return Status(static_cast<StatusCode>(answer.code),
                  "host " + host + ": " + shown(answer.message));
  }
  const auto senseless = [&](const std::string& why) {
    return Status(StatusCode::kCorruption,
                  "host " + host + " gave a list of files that makes no sense: " + why);
  };
  if (answer.files.size() > limits::kHostFiles) return senseless("it is too long");
  const proto::HostFile* last = nullptr;
  for (const proto::HostFile& file : answer.files) {
    if (file.pattern >= patterns) return senseless("it answers what nobody asked");
    const Status path = inputs::check_path_on_host(file.path);
    if (!path.ok()) return senseless(path.message());
    if (file.size > kFileBytesMost) return senseless("no file is as large as it says");
    const bool ascends = last == nullptr || last->pattern < file.pattern ||
                         (last->pattern == file.pattern && last->path < file.path);
    if (!ascends) return senseless("it is out of order");
    last = &file;
  }
  return {};
}

Status HostAnswersSize::add(const std::string& host, const proto::HostFilesListed& answer) {
  files += answer.files.size();
  for (const proto::HostFile& file : answer.files) {
    path_bytes += file.path.size() + host.size();
    bytes += file.size;
  }
  if (files <= kFilesPerJob && path_bytes <= limits::kHostPathBytesPerJob &&
      bytes <= kFileBytesMost) {
    return {};
  }
  return Status(StatusCode::kExhausted, "more than " + std::to_string(kFilesPerJob) +
                                            " files on hosts, or names of more "
                                            "than " +
                                            std::to_string(limits::kHostPathBytesPerJob >> 20) +
                                            " MiB: narrow the pattern, or run several jobs");
}

Result<HostListing> gather_answers(HostAnswers answers) {
  return Gathering(std::move(answers)).gather();
}

}  // namespace fanfold::master
