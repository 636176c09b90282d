#include "cli/redrive/redrive_job.hpp"

#include <utility>

#include "common/io/dead_letter.hpp"
#include "common/io/pairs_file.hpp"
#include "common/io/scheme.hpp"
#include "common/proto/redrive.hpp"
#include "master/planner/planner.hpp"
#include "worker/exec/piece_source.hpp"

namespace fanfold::cli {
namespace {

Status refuse(std::string why) { return {StatusCode::kInvalidArgument, std::move(why)}; }

/// What the job was told the first time, as far as it decides what comes out.
JobRequest request_of(const RedrivePlan& plan) {
  const io::Manifest& earlier = *plan.earlier;
  JobRequest request = plan.request;
  request.job = earlier.job_name;
  request.inputs = earlier.inputs;
  for (const auto& [name, value] : earlier.parameters) {
    request.parameters.push_back(name + "=" + value);
  }
  request.partitions = earlier.partitions;
  request.format = earlier.output_format;
  request.compression = earlier.compression;
  request.gather = abi::Gather::kNone;
  // As many as there are have been allowed already.
  request.bad_records = {proto::OnBadRecord::kDeadLetter, 0, 0};
  request.output = plan.made;
  return request;
}

Status check_same_job(const io::Manifest& earlier, const proto::JobSpec& spec) {
  const std::string job = "job '" + spec.job_name + "' of " + spec.plugin.path;
  if (spec.key_order != earlier.key_order) {
    return refuse(job + " has keys of another type (" + spec.key_order +
                  ") than those that it had (" + earlier.key_order +
                  "), so they cannot be reduced together; run it again on all of the input");
  }
  if (spec.partitioning != earlier.partitioning) {
    return refuse(job +
                  " shares its keys out in another way than before, so they cannot be reduced "
                  "together; run it again on all of the input");
  }
  return {};
}

/// Links, so that whoever replaces the output meanwhile changes nothing here.
Status lay_out(io::FileSystem& files, const RedrivePlan& plan) {
  FANFOLD_RETURN_IF_ERROR(files.make_directories(plan.inputs));
  std::vector<io::PartInfo> wanted = plan.earlier->kept->files;
  for (const io::PartInfo& file : plan.earlier->files) {
    if (file.name == io::kDeadLettersName) wanted.push_back(file);
  }
  for (const io::PartInfo& file : wanted) {
    const std::string from = plan.earlier_directory + "/" + file.name;
    const std::string to = plan.inputs + "/" + file.name;
    FANFOLD_RETURN_IF_ERROR(files.hard_link_or_copy(from, to));
    FANFOLD_ASSIGN_OR_RETURN(const io::FileDigest digest, io::digest_file(files, to));
    if (digest.bytes == file.bytes && digest.checksum == file.checksum) continue;
    return Status(StatusCode::kCorruption,
                  from + " is not what the job wrote; run the job again on all of the input");
  }
  return {};
}

Status changed(const io::DeadLetterPlace& place, const std::string& why) {
  return refuse("the record at byte " + std::to_string(place.offset) + " of " + place.file +
                " cannot be mapped once more: " + why);
}

Status check_record(worker::PieceSource& source, const io::Piece& piece,
                    const io::DeadLetterPlace& place) {
  const auto reader = source.open(piece);
  if (!reader.ok()) return changed(place, reader.status().message());
  const auto block = (*reader)->next();
  if (block.ok()) return {};
  const bool other = block.status().code() == StatusCode::kCorruption;
  return changed(place, block.status().message() +
                            (other ? ", so what it would add is not what the output lacks; run the "
                                     "job again on all of the input"
                                   : ""));
}

/// Every record is where it was, and what it was.  Of those on hosts their maps will see that.
Result<std::uint64_t> check_records(io::FileSystem& files, const proto::JobSpec& spec,
                                    const RedrivePlan& plan) {
  FANFOLD_ASSIGN_OR_RETURN(const auto places, io::dead_letter_places(files, plan.inputs));
  if (places.size() != plan.earlier->dead_letters) {
    return Status(StatusCode::kCorruption, plan.earlier_directory + "/" + io::kDeadLettersName +
                                               " has " + std::to_string(places.size()) +
                                               " letters, and the manifest says " +
                                               std::to_string(plan.earlier->dead_letters));
  }
  master::HostListing on_hosts;
  for (const io::DeadLetterPlace& place : places) {
    if (!master::host_of(place.file).empty()) {
      on_hosts.files[place.file] = {{.path = place.file, .tag = {}}};
      continue;
    }
    if (const auto info = files.stat(place.file); !info.ok()) {
      return changed(place, info.status().message());
    }
  }
  FANFOLD_ASSIGN_OR_RETURN(const master::Plan planned,
                           master::make_plan(files, spec, {}, &on_hosts));
  worker::PieceSource source(files, spec);
  std::size_t next = 0;
  for (const proto::Split& split : planned.splits) {
    for (const io::Piece& piece : split.pieces) {
      if (piece.path.starts_with(plan.inputs + "/")) continue;
      if (plan.interrupted()) return Status(StatusCode::kAborted, "interrupted");
      const io::DeadLetterPlace& place = places.at(next++);
      if (!master::host_of(place.file).empty()) continue;
      FANFOLD_RETURN_IF_ERROR(check_record(source, piece, place));
    }
  }
  return std::uint64_t{places.size()};
}

}  // namespace

Result<io::Manifest> read_redrivable(io::FileSystem& files, const std::string& output) {
  FANFOLD_ASSIGN_OR_RETURN(io::Manifest manifest, io::read_manifest(files, output));
  if (manifest.dead_letters == 0) {
    return refuse(output + " has no dead letters, so there is nothing to do again" +
                  (manifest.records_skipped == 0
                       ? std::string()
                       : "; records that were skipped are not kept (--on-bad-record dead-letter "
                         "keeps them)"));
  }
  if (manifest.kept) return manifest;
  std::string why = "a worker of an earlier version has reduced it";
  if (manifest.gathered) why = "its parts were gathered into one file";
  if (!io::scheme_of(output).empty()) why = "it lies in an object store";
  return refuse("the dead letters of " + output +
                " cannot be added to it: what its reduces read was not kept, because " + why +
                ". Run the job again on all of the input, with the plugin that is mended");
}

Result<RedriveJob> make_redrive_job(io::FileSystem& files, const Surroundings& surroundings,
                                    const RedrivePlan& plan) {
  RedriveJob job;
  FANFOLD_ASSIGN_OR_RETURN(job.spec, make_job_spec(surroundings, request_of(plan)));
  FANFOLD_RETURN_IF_ERROR(check_same_job(*plan.earlier, job.spec));
  job.spec.inputs = {proto::redrive_input(plan.inputs)};
  FANFOLD_RETURN_IF_ERROR(lay_out(files, plan));
  FANFOLD_ASSIGN_OR_RETURN(job.records, check_records(files, job.spec, plan));
  return job;
}

}  // namespace fanfold::cli
