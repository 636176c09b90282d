#include "cli/replay/replay.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "cli/replay/here.hpp"
#include "cli/replay/stop.hpp"
#include "common/capsule/capsule.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/output_list.hpp"
#include "common/text/names.hpp"
#include "worker/plugin/plugin.hpp"

namespace fanfold::cli {
namespace {

constexpr std::size_t kChangesShown = 5;

std::string list_of(const std::vector<std::string>& lines) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kChangesShown, lines.size()); ++i) {
    text += "\n  " + lines[i];
  }
  if (lines.size() > kChangesShown) {
    text += "\n  and " + std::to_string(lines.size() - kChangesShown) + " more";
  }
  return text;
}

Status refused(std::string text) { return {StatusCode::kInvalidArgument, std::move(text)}; }

Result<proto::OutputList> outputs_of(const proto::Capsule& capsule) {
  proto::OutputUnpacker unpacker;
  for (const std::string& frame : capsule.list_pages) {
    FANFOLD_ASSIGN_OR_RETURN(const auto message, proto::decode<proto::MasterMessage>(frame));
    const auto* page = std::get_if<proto::ListPage>(&message);
    if (page == nullptr) return Status(StatusCode::kCorruption, "this capsule is damaged");
    FANFOLD_RETURN_IF_ERROR(unpacker.add(page->packed));
  }
  return unpacker.take();
}

}  // namespace

Status Replay::check_plugin(const std::string& other) {
  proto::FileReference& plugin = capsule_.assignment.spec.plugin;
  const std::string path = other.empty() ? plugin.path : other;
  const Result<std::string> digest = worker::sha256_of(path);
  if (!digest.ok()) {
    return refused("the plugin cannot be read: " + digest.status().message() +
                   (other.empty() ? ".\nName a build of it with --plugin FILE." : ""));
  }
  plugin_differs_ = *digest != plugin.sha256;
  if (plugin_differs_ && other.empty()) {
    return refused("the plugin " + path +
                   " is not the one that failed: it was built anew since.\nTo run it all the same, "
                   "say so: --plugin " +
                   path);
  }
  // Stacks are told by this name: it has to be that of the mapped file.
  plugin.path = std::filesystem::absolute(path).lexically_normal().string();
  plugin.sha256 = *digest;
  return {};
}

Status Replay::check_inputs() const {
  std::vector<std::string> changes = changed_inputs(files_, capsule_);
  for (const io::Piece& piece : capsule_.assignment.split.pieces) {
    const auto known = [&](const proto::InputMark& mark) { return mark.path == piece.path; };
    if (std::any_of(capsule_.marks.begin(), capsule_.marks.end(), known)) continue;
    if (Status readable = files_.check_readable(piece.path); !readable.ok()) {
      changes.push_back(readable.message());
    }
  }
  for (const proto::FileReference& file : capsule_.assignment.spec.side_files) {
    const Result<std::string> digest = worker::sha256_of(file.path);
    if (!digest.ok()) {
      changes.push_back("side file " + file.name + ": " + digest.status().message());
    } else if (*digest != file.sha256) {
      changes.push_back("side file " + file.name + ": " + file.path + " has other bytes");
    }
  }
  if (changes.empty()) return {};
  return refused("what this attempt read is not what it was, so it cannot be run again:" +
                 list_of(changes));
}

Status Replay::find_outputs() {
  const proto::TaskAssignment& assignment = capsule_.assignment;
  if (assignment.task.stage == Stage::kGather || !assignment.gather_inputs.empty()) {
    return refused(name_of(assignment.task) +
                   " read what other tasks of its job had left beside the output, which goes when "
                   "the job ends; run the job again with --in-process");
  }
  if (assignment.task.stage != Stage::kReduce) return {};
  if (assignment.list_version != 0 && capsule_.list_pages.empty()) {
    return refused(name_of(assignment.task) +
                   " read more map outputs than a capsule names; run the job again with "
                   "--in-process");
  }
  FANFOLD_ASSIGN_OR_RETURN(const proto::OutputList list, outputs_of(capsule_));
  std::vector<worker::LocalSegment> segments;
  for (const proto::MapOutput& output : list.outputs) {
    if (!assignment.share.reads(output.split)) continue;
    worker::LocalSegment segment;
    segment.output = output;
    segment.path = list.holders[output.holder].scratch + "/" +
                   std::to_string(assignment.task.job.value) + "/" +
                   std::to_string(output.attempt.value) + "/output.run";
    if (!files_.check_readable(segment.path).ok()) {
      return refused("the map outputs that " + name_of(assignment.task) +
                     " read are not here any more, such as that of map-" +
                     std::to_string(output.split) + " in " + segment.path +
                     ".\nThey go when their job ends, and lie on the hosts of their workers. While "
                     "a job is still retrying, its reduces can be replayed there; else run it "
                     "again with --in-process.");
    }
    segments.push_back(std::move(segment));
  }
  segments_ = worker::make_segment_list(std::move(segments));
  return {};
}

Result<Replay> Replay::prepare(io::FileSystem& files, proto::Capsule capsule,
                               const ReplayOptions& options) {
  Replay replay(files, std::move(capsule));
  FANFOLD_RETURN_IF_ERROR(replay.check_plugin(options.plugin));
  FANFOLD_RETURN_IF_ERROR(replay.check_inputs());
  FANFOLD_RETURN_IF_ERROR(replay.find_outputs());
  replay.scratch_ = options.scratch + "/attempt";
  replay.capsule_.assignment.staging = options.scratch + "/staging";
  FANFOLD_RETURN_IF_ERROR(files.make_directories(replay.capsule_.assignment.staging));
  return replay;
}

worker::RunOutcome Replay::run(const RunOptions& options) const {
  HereAttempt attempt;
  attempt.assignment = &capsule_.assignment;
  attempt.scratch = scratch_;
  attempt.segments = segments_;
  attempt.progress = options.progress;
  worker::RecordStop stop;
  const std::optional<std::uint32_t> piece = piece_of_record(capsule_);
  if (options.stop_at_record && piece) {
    stop = {*piece, capsule_.failure.record_offset, &fanfold_replay_stop};
    attempt.stop = &stop;
  } else if (options.stop_at_record) {
    fanfold_replay_stop();
  }
  return run_here(files_, attempt);
}

}  // namespace fanfold::cli
