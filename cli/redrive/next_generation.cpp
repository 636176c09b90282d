#include "cli/redrive/next_generation.hpp"

#include <algorithm>
#include <utility>

#include "common/io/checked_part.hpp"
#include "common/io/part_file.hpp"
#include "common/proto/redrive.hpp"

namespace fanfold::cli {
namespace {

constexpr std::size_t kCopyBytes = 1u << 20;

/// "NAME-map", "NAME-map.gz": what maps wrote, joined.  All else is written anew.
bool is_map_output(std::string_view name) {
  for (const auto compression : {io::PartCompression::kGzip, io::PartCompression::kZstd}) {
    if (name.ends_with(io::suffix_of(compression))) {
      name.remove_suffix(io::suffix_of(compression).size());
      break;
    }
  }
  return name.ends_with("-map");
}

bool same_run(const io::Manifest& a, const io::Manifest& b) {
  return a.run.client_id == b.run.client_id && a.run.job_id == b.run.job_id &&
         a.generation == b.generation;
}

class Generation {
 public:
  Generation(io::FileSystem& files, const NextGeneration& next)
      : files_(files), next_(next), earlier_(*next.earlier) {}

  Result<io::Manifest> publish() {
    FANFOLD_ASSIGN_OR_RETURN(manifest_, io::read_manifest(files_, next_.made));
    FANFOLD_RETURN_IF_ERROR(check_records());
    FANFOLD_RETURN_IF_ERROR(check_unchanged(next_.output));
    FANFOLD_RETURN_IF_ERROR(files_.remove_tree(next_.staging));
    FANFOLD_RETURN_IF_ERROR(files_.make_directories(next_.staging));
    if (Status taken = take_files(); !taken.ok()) {
      // What somebody else has put in their place meanwhile is not damaged.
      FANFOLD_RETURN_IF_ERROR(check_unchanged(next_.output));
      return taken;
    }
    describe();
    FANFOLD_RETURN_IF_ERROR(write_manifest());
    FANFOLD_RETURN_IF_ERROR(files_.sync_directory(next_.staging));
    FANFOLD_RETURN_IF_ERROR(exchange());
    return manifest_;
  }

 private:
  /// Each of them was mapped, or put aside again.
  Status check_records() const {
    const std::uint64_t mapped = manifest_.run.ledger ? manifest_.run.ledger->records_mapped : 0;
    if (mapped + manifest_.dead_letters == next_.records) return {};
    return Status(StatusCode::kCorruption,
                  "the redrive has mapped " + std::to_string(mapped) + " records and put " +
                      std::to_string(manifest_.dead_letters) + " aside, of " +
                      std::to_string(next_.records) +
                      "; the input was changed while it ran, and nothing is published");
  }

  Status take_files() {
    std::vector<io::PartInfo> taken;
    for (const io::PartInfo& file : manifest_.files) {
      const io::PartInfo* const before = find_earlier(file.name);
      if (before != nullptr && is_map_output(file.name)) {
        FANFOLD_ASSIGN_OR_RETURN(const io::PartInfo joined, join(*before, file));
        taken.push_back(joined);
      } else {
        FANFOLD_RETURN_IF_ERROR(link(next_.made, file.name));
        taken.push_back(file);
      }
    }
    const auto is_made = [this](const std::string& name) {
      return std::any_of(manifest_.files.begin(), manifest_.files.end(),
                         [&name](const io::PartInfo& file) { return file.name == name; });
    };
    for (const io::PartInfo& file : earlier_.files) {
      if (!is_map_output(file.name) || is_made(file.name)) continue;
      FANFOLD_RETURN_IF_ERROR(link(next_.output, file.name));
      taken.push_back(file);
    }
    std::sort(taken.begin(), taken.end(),
              [](const io::PartInfo& a, const io::PartInfo& b) { return a.name < b.name; });
    manifest_.files = std::move(taken);
    if (!manifest_.kept) return {};
    for (const io::PartInfo& file : manifest_.kept->files) {
      FANFOLD_RETURN_IF_ERROR(link(next_.made, file.name));
    }
    return {};
  }

  const io::PartInfo* find_earlier(const std::string& name) const {
    const auto found =
        std::find_if(earlier_.files.begin(), earlier_.files.end(),
                     [&name](const io::PartInfo& file) { return file.name == name; });
    return found == earlier_.files.end() ? nullptr : &*found;
  }

  Status link(const std::string& directory, const std::string& name) {
    return files_.hard_link_or_copy(directory + "/" + name, next_.staging + "/" + name);
  }

  /// Members and frames of compressed files may follow each other.
  Result<io::PartInfo> join(const io::PartInfo& before, const io::PartInfo& after) {
    FANFOLD_ASSIGN_OR_RETURN(const auto joined,
                             io::create_part(files_, next_.staging + "/" + after.name, after.name,
                                             io::PartCompression::kNone));
    FANFOLD_RETURN_IF_ERROR(append(next_.output, before, joined.get()));
    FANFOLD_RETURN_IF_ERROR(append(next_.made, after, joined.get()));
    FANFOLD_RETURN_IF_ERROR(joined->finish());
    return joined->info();
  }

  /// As it was published: what has changed since is not to get a checksum of its own.
  Status append(const std::string& directory, const io::PartInfo& from, io::PartWriter* to) {
    FANFOLD_ASSIGN_OR_RETURN(const auto file,
                             io::open_checked_part(files_, directory + "/" + from.name, from));
    std::string buffer(kCopyBytes, '\0');
    for (std::uint64_t offset = 0; offset < from.bytes;) {
      FANFOLD_ASSIGN_OR_RETURN(const std::size_t count, file->read_at(offset, buffer));
      FANFOLD_RETURN_IF_ERROR(to->write({buffer.data(), count}, 0));
      offset += count;
    }
    return to->write({}, from.records);
  }

  /// The input is that of the first generation, and so is its name: by that a master and a
  /// pipeline know it.  All else of the run is of this one.
  void describe() {
    manifest_.generation = earlier_.generation + 1;
    manifest_.run.job_id = earlier_.run.job_id;
    manifest_.run.client_id = earlier_.run.client_id;
    manifest_.inputs = earlier_.inputs;
    manifest_.input_records = earlier_.input_records;
    manifest_.records_skipped = earlier_.records_skipped;
    manifest_.coverage = earlier_.coverage;
    // Reduces have counted everything anew.
    proto::add_counters(earlier_.kept->counters, std::string::npos, &manifest_.counters);
    if (manifest_.kept) {
      proto::add_counters(earlier_.kept->counters, std::string::npos, &manifest_.kept->counters);
    }
    manifest_.bytes = 0;
    manifest_.records = 0;
    for (const io::PartInfo& file : manifest_.files) {
      manifest_.bytes += file.bytes;
      manifest_.records += file.records;
    }
    const auto& before = earlier_.run.ledger;
    auto& ledger = manifest_.run.ledger;
    // One that was begun --in-process has none.
    if (!before || !ledger) return ledger.reset();
    ledger->input_files = before->input_files;
    ledger->input_bytes = before->input_bytes;
    ledger->input_covered = before->input_covered;
    ledger->records_mapped += before->records_mapped;
    ledger->records_skipped = before->records_skipped;
    ledger->maps_compared = before->maps_compared;
    ledger->pairs_emitted += before->pairs_emitted;
  }

  Status write_manifest() {
    FANFOLD_ASSIGN_OR_RETURN(const auto file,
                             files_.create(next_.staging + "/" + manifest_.file_name()));
    FANFOLD_RETURN_IF_ERROR(file->append(io::to_json(manifest_)));
    FANFOLD_RETURN_IF_ERROR(file->sync());
    return file->close();
  }

  /// Whether what lies there is what the redrive began with.
  Status check_unchanged(const std::string& directory) {
    const auto there = io::read_manifest(files_, directory);
    if (there.ok() && same_run(*there, earlier_)) return {};
    return Status(StatusCode::kAborted,
                  next_.output +
                      " was replaced while the redrive ran, so it is left as it is; run the "
                      "redrive again if it still has dead letters");
  }

  Status exchange() {
    FANFOLD_RETURN_IF_ERROR(check_unchanged(next_.output));
    FANFOLD_RETURN_IF_ERROR(files_.publish(next_.staging, next_.output, io::Replace::kExchange));
    // Between a look and a step somebody else may step.
    const bool removed = files_.stat(next_.staging).status().code() == StatusCode::kNotFound;
    if (!removed) {
      const Status unchanged = check_unchanged(next_.staging);
      if (!unchanged.ok()) return put_back(unchanged);
    }
    return files_.sync_directory(next_.output.substr(0, next_.output.rfind('/') + 1));
  }

  /// What somebody else has published is his.
  Status put_back(const Status& why) {
    Status back = files_.publish(next_.staging, next_.output, io::Replace::kExchange);
    if (back.ok()) return why;
    const bool moved = files_.rename(next_.staging, next_.displaced).ok();
    return {StatusCode::kIoError, why.message() +
                                      ". What somebody else has written there lies in " +
                                      (moved ? next_.displaced : next_.staging) +
                                      " now and could not be put back: " + back.message()};
  }

  io::FileSystem& files_;
  const NextGeneration& next_;
  const io::Manifest& earlier_;
  io::Manifest manifest_;
};

}  // namespace

Result<io::Manifest> publish_next_generation(io::FileSystem& files, const NextGeneration& next) {
  return Generation(files, next).publish();
}

}  // namespace fanfold::cli
