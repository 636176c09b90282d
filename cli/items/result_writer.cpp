#include "cli/items/result_writer.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "cli/items/earlier_results.hpp"
#include "cli/items/entry_file.hpp"
#include "cli/items/result_entry.hpp"
#include "cli/items/tolerance.hpp"
#include "cli/pipeline/small_files.hpp"
#include "common/core/limits.hpp"
#include "common/io/dead_letter.hpp"
#include "common/io/manifest.hpp"
#include "common/io/piece_reader.hpp"
#include "common/items/child_line.hpp"

namespace fanfold::cli {
namespace {

using items::Child;
using items::FailedChild;
using items::SucceededChild;

/// Lines without their ends, with the place where each begins.
using VisitLine = std::function<Status(std::string_view line, std::uint64_t offset)>;

Status for_each_line(io::FileSystem& files, const std::string& path, const VisitLine& visit) {
  FANFOLD_ASSIGN_OR_RETURN(const io::FileInfo info, files.stat(path));
  io::Piece piece;
  piece.path = path;
  piece.end = info.size;
  io::ReadOptions options;
  options.record_bytes_max = limits::kRecordBytes;
  FANFOLD_ASSIGN_OR_RETURN(const auto reader, io::open_piece(files, piece, options));
  for (;;) {
    FANFOLD_ASSIGN_OR_RETURN(const auto block, reader->next());
    if (!block) return {};
    std::string_view rest = block->bytes;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      const auto at = static_cast<std::uint64_t>(rest.data() - block->bytes.data());
      Status status = visit(rest.substr(0, end), block->offset + at);
      if (!status.ok()) return std::move(status).with_context(path);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
}

/// The named output of the item job's maps, where it has one.
std::optional<std::string> find_output(io::FileSystem& files, const std::string& directory,
                                       const char* name) {
  const std::string path = directory + "/" + io::map_part_name(name, io::PartCompression::kNone);
  return files.stat(path).ok() ? std::optional<std::string>(path) : std::nullopt;
}

class Writing {
 public:
  Writing(io::FileSystem& files, const ResultPlan& plan)
      : files_(files),
        plan_(plan),
        succeeded_(files, options("SUCCEEDED", plan.earlier.succeeded.size())),
        failed_(files, options("FAILED")),
        pending_(files, options("PENDING")) {
    results_.counts.total = plan.items;
  }

  Result<ItemResults> run() {
    FANFOLD_RETURN_IF_ERROR(files_.remove_tree(plan_.staging));
    FANFOLD_RETURN_IF_ERROR(files_.make_directories(plan_.staging));
    FANFOLD_RETURN_IF_ERROR(take_earlier());
    if (!plan_.job_output.empty()) FANFOLD_RETURN_IF_ERROR(take_job());
    for (EntryFiles* one : {&succeeded_, &failed_, &pending_}) {
      FANFOLD_RETURN_IF_ERROR(one->finish());
    }
    if (letters_ != nullptr) FANFOLD_RETURN_IF_ERROR(letters_->finish());
    judge();
    FANFOLD_RETURN_IF_ERROR(
        write_small_file(plan_.staging + "/manifest.json", manifest().dump(2) + "\n"));
    FANFOLD_RETURN_IF_ERROR(write_small_file(plan_.staging + "/" + kItemJobName, plan_.job_text));
    FANFOLD_RETURN_IF_ERROR(seal());
    FANFOLD_RETURN_IF_ERROR(files_.sync_directory(plan_.staging));
    FANFOLD_RETURN_IF_ERROR(files_.publish(
        plan_.staging, plan_.output, plan_.replace ? io::Replace::kExchange : io::Replace::kNever));
    FANFOLD_RETURN_IF_ERROR(
        files_.sync_directory(plan_.output.substr(0, plan_.output.rfind('/') + 1)));
    // What was there before, if anything.
    FANFOLD_RETURN_IF_ERROR(files_.remove_tree(plan_.staging));
    return results_;
  }

 private:
  EntryFiles::Options options(const char* kind, std::size_t first = 0) const {
    return {.directory = plan_.staging,
            .kind = kind,
            .json_lines = plan_.state->writer.json_lines,
            .first = static_cast<std::uint32_t>(first)};
  }

  /// What has succeeded is kept as it is.
  Status take_earlier() {
    const EarlierFiles& earlier = plan_.earlier;
    for (const std::string& name : earlier.succeeded) {
      const std::string path = earlier.directory + "/" + name;
      FANFOLD_RETURN_IF_ERROR(files_.hard_link_or_copy(path, plan_.staging + "/" + name));
      FANFOLD_ASSIGN_OR_RETURN(const io::FileInfo info, files_.stat(path));
      kept_.push_back({{"Key", name}, {"Size", info.size}});
    }
    results_.counts.succeeded = earlier.counts.succeeded;
    if (earlier.generation > 0) {
      const auto before = io::read_manifest(files_, earlier.directory);
      if (before.ok() && before->coverage) bytes_succeeded_ = before->coverage->covered_bytes;
    }
    return {};
  }

  Status take_job() {
    FANFOLD_ASSIGN_OR_RETURN(manifest_, io::read_manifest(files_, plan_.job_output));
    const auto each = [this](const char* output, const VisitLine& visit) -> Status {
      const auto path = find_output(files_, plan_.job_output, output);
      return path ? for_each_line(files_, *path, visit) : Status();
    };
    FANFOLD_RETURN_IF_ERROR(each("succeeded", [this](std::string_view line, std::uint64_t) {
      const auto one = items::parse_succeeded(line);
      return one.ok() ? add(*one) : one.status();
    }));
    FANFOLD_RETURN_IF_ERROR(each("failed", [this](std::string_view line, std::uint64_t) {
      const auto one = items::parse_failed(line);
      return one.ok() ? add(*one) : one.status();
    }));
    FANFOLD_RETURN_IF_ERROR(each("pending", [this](std::string_view line, std::uint64_t) {
      const auto one = items::parse_child(line);
      return one.ok() ? add_pending(*one) : one.status();
    }));
    return take_missing();
  }

  /// Children of maps that the job does not cover: given up, or stopped.
  Status take_missing() {
    if (!manifest_.partial()) return {};
    struct Gap {
      std::uint64_t begin;
      std::uint64_t end;
      const io::MissingTask* task;
    };
    std::vector<Gap> gaps;
    for (const io::MissingTask& task : manifest_.coverage->missing) {
      for (const io::CoveragePiece& piece : task.pieces) {
        gaps.push_back({piece.begin, piece.end, &task});
      }
    }
    std::sort(gaps.begin(), gaps.end(),
              [](const Gap& a, const Gap& b) { return a.begin < b.begin; });
    std::size_t at = 0;
    return for_each_line(files_, plan_.children,
                         [&](std::string_view line, std::uint64_t offset) -> Status {
                           while (at < gaps.size() && gaps[at].end <= offset) ++at;
                           if (at == gaps.size() || offset < gaps[at].begin) return {};
                           FANFOLD_ASSIGN_OR_RETURN(const Child child, items::parse_child(line));
                           if (gaps[at].task->why != "failed") return add_pending(child);
                           const std::string cause = items::text_of(gaps[at].task->error);
                           FailedChild failed;
                           failed.child = child;
                           failed.error = "\"States.Runtime\"";
                           failed.cause = cause;
                           failed.history = "[]";
                           return add(failed);
                         });
  }

  /// The manifest that every output has, so that others can tell that it is whole.
  Status seal() {
    const ItemCounts& counts = results_.counts;
    io::Manifest sealed;
    sealed.job_name = plan_.state->label;
    sealed.output_format = abi::OutputFormat::kJsonLines;
    if (!plan_.state->reader.path.empty()) sealed.inputs = {plan_.state->reader.path};
    sealed.input_records = counts.total;
    sealed.records_skipped = counts.skipped;
    sealed.run.client_id = plan_.run;
    sealed.run.job_id = manifest_.run.job_id;
    for (const EntryFiles* kind : {&succeeded_, &failed_, &pending_}) {
      sealed.files.insert(sealed.files.end(), kind->made().begin(), kind->made().end());
    }
    if (letters_ != nullptr) {
      sealed.files.push_back(letters_->info());
      sealed.dead_letters = letters_->info().records;
    }
    for (const std::string& name : others()) {
      FANFOLD_ASSIGN_OR_RETURN(const io::FileDigest digest,
                               io::digest_file(files_, plan_.staging + "/" + name));
      sealed.files.push_back({name, digest.bytes, 0, digest.checksum});
    }
    std::sort(sealed.files.begin(), sealed.files.end(),
              [](const io::PartInfo& a, const io::PartInfo& b) { return a.name < b.name; });
    for (const io::PartInfo& file : sealed.files) {
      sealed.bytes += file.bytes;
      sealed.records += file.records;
    }
    if (counts.succeeded < counts.total) sealed.coverage = coverage();
    return write_small_file(plan_.staging + "/" + sealed.file_name(), io::to_json(sealed));
  }

  /// Items come by the million: all of a kind are one task here.
  io::Coverage coverage() const {
    const ItemCounts& counts = results_.counts;
    io::Coverage coverage;
    coverage.policy = "all-completed";
    coverage.reason = results_.reason();
    coverage.covered_bytes = coverage.input_bytes = bytes_succeeded_;
    coverage.covered = counts.succeeded > 0 ? 1 : 0;
    const auto add = [&](std::uint64_t items, std::uint64_t bytes, const char* why,
                         const std::string& where) {
      if (items == 0) return;
      io::MissingTask missing;
      missing.task = static_cast<std::uint32_t>(coverage.covered + coverage.missing.size());
      missing.why = why;
      missing.error = std::to_string(items) + " items: " + where;
      missing.bytes = bytes;
      if (bytes > 0) missing.pieces = {{plan_.children, 0, bytes}};
      coverage.input_bytes += bytes;
      coverage.missing.push_back(std::move(missing));
    };
    add(counts.failed, bytes_failed_, "failed", "FAILED_n");
    add(counts.skipped, 0, "failed", "left out by a Catch");
    add(counts.pending, bytes_pending_, "stopped", "PENDING_n");
    coverage.map_tasks = coverage.covered + coverage.missing.size();
    return coverage;
  }

  /// Files that no EntryFiles has just made.
  std::vector<std::string> others() const {
    std::vector<std::string> names = {"manifest.json", kItemJobName};
    names.insert(names.end(), plan_.earlier.succeeded.begin(), plan_.earlier.succeeded.end());
    return names;
  }

  Status add(const SucceededChild& one) {
    results_.counts.succeeded += one.child.items;
    bytes_succeeded_ += one.child.input.size();
    switch (plan_.state->writer.transformation) {
      case Transformation::kCompact:
        return succeeded_.add(one.output);
      case Transformation::kFlatten: {
        if (!one.output.starts_with('[')) return succeeded_.add(one.output);
        FANFOLD_ASSIGN_OR_RETURN(const Json list, items::parse_json(one.output));
        for (const Json& element : list) {
          FANFOLD_RETURN_IF_ERROR(succeeded_.add(items::text_of(element)));
        }
        return {};
      }
      case Transformation::kNone:
        break;
    }
    return succeeded_.add(items::text_of(entry_of(plan_.state->label, one)));
  }

  Status add(const FailedChild& one) {
    results_.counts.failed += one.child.items;
    bytes_failed_ += one.child.input.size();
    FANFOLD_ASSIGN_OR_RETURN(const Json entry, entry_of(plan_.state->label, one));
    FANFOLD_RETURN_IF_ERROR(add_letter(one, entry));
    return failed_.add(items::text_of(entry));
  }

  Status add_pending(const Child& child) {
    results_.counts.pending += child.items;
    bytes_pending_ += child.input.size();
    return pending_.add(items::text_of(entry_of(plan_.state->label, child)));
  }

  Status add_letter(const FailedChild& one, const Json& entry) {
    if (letters_ == nullptr) {
      FANFOLD_ASSIGN_OR_RETURN(letters_,
                               io::create_part(files_, plan_.staging + "/" + io::kDeadLettersName,
                                               io::kDeadLettersName, io::PartCompression::kNone));
    }
    io::DeadLetter letter;
    letter.job = manifest_.run.job_id;
    letter.job_name = plan_.state->label;
    letter.attempt_number = static_cast<std::uint32_t>(one.attempts);
    letter.file =
        plan_.state->reader.path.empty() ? "the input of the state" : plan_.state->reader.path;
    letter.offset = one.child.index;
    letter.bytes = one.child.input.size();
    letter.error = entry["Error"].is_string() ? entry["Error"].get<std::string>() : "";
    letter.reason = entry["Cause"].is_string() ? entry["Cause"].get<std::string>() : "";
    letter.correlation_id = plan_.run;
    letter.record = one.child.input.substr(0, io::kDeadLetterRecordBytes);
    return letters_->write(io::to_line(letter), 1);
  }

  void judge() {
    ItemCounts& counts = results_.counts;
    const auto counted = [this](const char* name) {
      const auto found = manifest_.counters.find(name);
      return found == manifest_.counters.end() ? 0 : static_cast<std::uint64_t>(found->second);
    };
    counts.skipped = plan_.earlier.counts.skipped + counted("items_skipped");
    results_.retries = counted("task_retries");
    const bool stopped = manifest_.coverage &&
                         manifest_.coverage->reason ==
                             proto::name_of(proto::CompletionReason::kFailureToleranceExceeded);
    results_.intolerable = stopped ||
                           counts.failed > tolerated_failures(plan_.control, counts.total) ||
                           counted("items_never_tolerated") > 0;
  }

  Json manifest() const {
    const auto list = [](const EntryFiles& kind, Json files = Json::array()) {
      for (const io::PartInfo& file : kind.made()) {
        files.push_back({{"Key", file.name}, {"Size", file.bytes}});
      }
      return files;
    };
    const ItemCounts& counts = results_.counts;
    return {{"Label", plan_.state->label},
            {"MapRun", plan_.run},
            {"Generation", plan_.earlier.generation + 1},
            {"Status", results_.state()},
            {"Reason", results_.reason()},
            {"Items",
             {{"Total", counts.total},
              {"Succeeded", counts.succeeded},
              {"Failed", counts.failed},
              {"Skipped", counts.skipped},
              {"Pending", counts.pending}}},
            {"ResultFiles",
             {{"SUCCEEDED", list(succeeded_, kept_)},
              {"FAILED", list(failed_)},
              {"PENDING", list(pending_)}}}};
  }

  io::FileSystem& files_;
  const ResultPlan& plan_;
  EntryFiles succeeded_;
  EntryFiles failed_;
  EntryFiles pending_;
  std::unique_ptr<io::PartWriter> letters_;
  Json kept_ = Json::array();  // Files of earlier generations.
  io::Manifest manifest_;
  ItemResults results_;
  std::uint64_t bytes_succeeded_ = 0;  // Of the inputs of children.
  std::uint64_t bytes_failed_ = 0;
  std::uint64_t bytes_pending_ = 0;
};

}  // namespace

const char* ItemResults::state() const {
  if (intolerable) return "FAILED";
  return counts.failed + counts.skipped + counts.pending > 0 ? "PARTIAL" : "SUCCEEDED";
}

const char* ItemResults::reason() const {
  return proto::name_of(intolerable ? proto::CompletionReason::kFailureToleranceExceeded
                                    : proto::CompletionReason::kAllCompleted);
}

Result<ItemResults> write_item_results(io::FileSystem& files, const ResultPlan& plan) {
  return Writing(files, plan).run();
}

}  // namespace fanfold::cli
