#include "cli/output/verification.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "common/io/dead_letter.hpp"
#include "common/io/part_file.hpp"
#include "common/proto/flow.hpp"

namespace fanfold::cli {
namespace {

/// Named one by one; more would hide what they have in common.
constexpr std::size_t kNamed = 10;

std::string count(std::uint64_t number, const char* noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

std::string joined(const std::vector<std::string>& items) {
  std::string text;
  for (std::size_t i = 0; i < std::min(items.size(), kNamed); ++i) {
    if (i > 0) text += "; ";
    text += items[i];
  }
  if (items.size() > kNamed) text += "; and " + std::to_string(items.size() - kNamed) + " more";
  return text;
}

/// What is wrong with a file that should be there; empty: nothing.
std::string difference(const io::PartInfo& file, const Result<io::FileDigest>& found) {
  if (!found.ok()) return found.status().message();
  if (found->bytes != file.bytes) {
    return file.name + " has " + count(found->bytes, "byte") + ", not " +
           std::to_string(file.bytes);
  }
  return found->checksum == file.checksum ? ""
                                          : file.name + " has other bytes: its checksum differs";
}

void check_strangers(io::FileSystem& files, const std::set<std::string>& known,
                     Verification* verification) {
  const auto names = files.list(verification->directory);
  if (!names.ok()) return verification->add("nothing_else", false, names.status().message());
  std::vector<std::string> strangers;
  for (const std::string& name : *names) {
    if (!known.contains(name)) strangers.push_back(name + " was not written by the job");
  }
  verification->add("nothing_else", strangers.empty(),
                    strangers.empty() ? "nothing else lies in the directory" : joined(strangers));
}

void check_files(io::FileSystem& files, Verification* verification) {
  const io::Manifest& manifest = verification->manifest;
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  std::set<std::string> known = {manifest.file_name()};
  std::vector<std::string> missing;
  std::vector<std::string> changed;
  for (const io::PartInfo& file : manifest.files) {
    bytes += file.bytes;
    records += file.records;
  }
  std::vector<io::PartInfo> all_files = manifest.files;
  if (const auto& kept = manifest.kept) {
    all_files.insert(all_files.end(), kept->files.begin(), kept->files.end());
  }
  for (const io::PartInfo& file : all_files) {
    known.insert(file.name);
    const auto found = io::digest_file(files, verification->directory + "/" + file.name);
    if (!found.ok() && found.status().code() == StatusCode::kNotFound) {
      missing.push_back(file.name + " is missing");
    } else if (std::string wrong = difference(file, found); !wrong.empty()) {
      changed.push_back(std::move(wrong));
    }
  }
  const std::string all = count(all_files.size(), "file");
  verification->add("files_present", missing.empty(),
                    missing.empty() ? all + " in the manifest, none missing" : joined(missing));
  verification->add(
      "files_unchanged", changed.empty(),
      changed.empty() ? "sizes and checksums are those of the manifest" : joined(changed));
  verification->add("files_add_up", bytes == manifest.bytes && records == manifest.records,
                    "the files have " + count(records, "record") + " and " + count(bytes, "byte") +
                        "; the manifest says " + std::to_string(manifest.records) + " and " +
                        std::to_string(manifest.bytes));
  check_strangers(files, known, verification);
}

/// What is there and what is missing is the input, each task once.
void check_coverage(Verification* verification) {
  const io::Manifest& manifest = verification->manifest;
  if (!manifest.coverage) return;
  const io::Coverage& coverage = *manifest.coverage;
  std::set<std::uint32_t> tasks;
  std::uint64_t missing_bytes = 0;
  bool sound = true;
  for (const io::MissingTask& missing : coverage.missing) {
    sound = sound && tasks.insert(missing.task).second && missing.task < coverage.map_tasks;
    std::uint64_t bytes = 0;
    for (const io::CoveragePiece& piece : missing.pieces) bytes += piece.end - piece.begin;
    sound = sound && bytes == missing.bytes;
    missing_bytes += missing.bytes;
  }
  sound = sound && coverage.covered_bytes + missing_bytes == coverage.input_bytes;
  const std::string percent = io::covered_percent(coverage);
  verification->add("coverage_adds_up", sound,
                    count(coverage.covered, "map task") + " covered + " +
                        std::to_string(coverage.missing.size()) +
                        " listed as missing = " + std::to_string(coverage.map_tasks) + "; " +
                        percent + " % of the input's bytes (" + coverage.reason + ")");
}

/// What the parts held is in the one file that was made of them.
void check_gathered(Verification* verification) {
  const io::Manifest& manifest = verification->manifest;
  if (!manifest.gathered) return;
  const io::Gathered& gathered = *manifest.gathered;
  std::uint64_t records = 0;
  std::uint64_t files = 0;
  for (const io::PartInfo& file : manifest.files) {
    if (!io::is_part_name(file.name)) continue;
    ++files;
    records += file.records;
  }
  // What reduce() makes of folded values may be any number of records.
  const bool folds = gathered.how == "reduce";
  const bool same = gathered.parts == manifest.run.reduce_tasks && files == 1;
  verification->add("parts_gathered", same && (folds || records == gathered.records),
                    count(gathered.parts, "part") + " with " + count(gathered.records, "record") +
                        " became " + count(files, "file") + " with " + std::to_string(records) +
                        " (" + gathered.how + ")");
}

/// Every letter that the manifest counts is there, and none twice.
void check_dead_letters(io::FileSystem& files, Verification* verification) {
  const std::uint64_t wanted = verification->manifest.dead_letters;
  std::uint64_t found = 0;
  std::set<std::tuple<std::string, std::string, std::uint64_t>> places;
  const Status walked =
      io::for_each_dead_letter(files, verification->directory, [&](const io::DeadLetter& letter) {
        ++found;
        places.emplace(letter.file, letter.tag, letter.offset);
        return Status();
      });
  if (!walked.ok()) return verification->add("dead_letters", false, walked.message());
  if (wanted == 0 && found == 0) return;
  verification->add("dead_letters", found == wanted && places.size() == found,
                    count(found, "dead letter") + " of " + count(places.size(), "record") + ", " +
                        std::to_string(wanted) + " in the manifest");
}

void check_records(const io::Ledger& ledger, Verification* verification) {
  const std::uint64_t read = verification->manifest.input_records;
  const std::uint64_t bad = ledger.records_skipped + ledger.dead_letters;
  std::string what = count(ledger.records_mapped, "record") + " mapped once each, ";
  if (bad > 0) {
    what += std::to_string(ledger.records_skipped) + " skipped, " +
            std::to_string(ledger.dead_letters) + " dead-lettered, ";
  }
  verification->add("records_mapped", ledger.records_mapped + bad == read,
                    what + std::to_string(read) + " read");
}

void check_ledger(Verification* verification) {
  const io::Manifest& manifest = verification->manifest;
  if (!manifest.run.ledger) return;
  const io::Ledger& ledger = *manifest.run.ledger;
  verification->add("input_covered", ledger.input_covered,
                    (ledger.input_covered ? "splits cover " : "splits do not cover ") +
                        count(ledger.input_files, "input file") + " (" +
                        count(ledger.input_bytes, "byte") + ") without gap or overlap");
  check_records(ledger, verification);
  if (ledger.maps_compared > 0) {
    verification->add("maps_compared", true,
                      count(ledger.maps_compared, "map task") +
                          " gave the same on another worker (--verify-sample)");
  }
  const std::uint64_t written = ledger.pairs_written.records;
  verification->add("emitted_accounted", ledger.pairs_emitted >= written,
                    count(ledger.pairs_emitted, "pair") +
                        " emitted = " + std::to_string(ledger.pairs_emitted - written) +
                        " combined away + " + std::to_string(written) + " handed over");
  const bool same = proto::same_flow(ledger.pairs_written, ledger.pairs_read);
  verification->add("written_is_read", same,
                    count(written, "pair") + " written by maps, " +
                        std::to_string(ledger.pairs_read.records) + " read by reduces, with " +
                        (same ? "the same digest" : "another digest"));
}

}  // namespace

bool Verification::holds() const {
  return std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.holds; });
}

void Verification::add(std::string name, bool holds, std::string what) {
  checks.push_back({std::move(name), std::move(what), holds});
}

bool is_output_of(const io::Manifest& manifest, const proto::JobStatus& status) {
  if (manifest.run.job_id != status.job.value || manifest.job_name != status.job_name) return false;
  // What a redrive has added, the master does not know.
  return manifest.generation > 1 ||
         (manifest.records == status.output_records && manifest.bytes == status.output_bytes);
}

void Verification::compare_with(const proto::JobStatus& status) {
  const bool same = is_output_of(manifest, status);
  const std::string generation =
      manifest.generation > 1 ? "generation " + std::to_string(manifest.generation) + " of " : "";
  add("output_of_this_job", same,
      same ? "it is " + generation + "the output of job " + std::to_string(status.job.value)
           : "it is not the output of job " + std::to_string(status.job.value) +
                 ": something else was written there since");
}

Result<Verification> verify_output(io::FileSystem& files, const std::string& directory) {
  Verification verification;
  verification.directory = directory;
  FANFOLD_ASSIGN_OR_RETURN(verification.manifest, io::read_manifest(files, directory));
  check_files(files, &verification);
  check_coverage(&verification);
  check_ledger(&verification);
  check_gathered(&verification);
  check_dead_letters(files, &verification);
  return verification;
}

}  // namespace fanfold::cli
