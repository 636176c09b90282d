#include "worker/service/brought_files.hpp"

#include <utility>

#include "common/proto/versions.hpp"

namespace fanfold::worker {
namespace {

Status too_old(std::uint32_t protocol, const std::string& unknown) {
  return {StatusCode::kInvalidArgument,
          "it speaks protocol " + std::to_string(protocol) + " and does not know the " + unknown +
              ": put the file there on each host, or start it again with this version of Fanfold"};
}

}  // namespace

BroughtFiles::BroughtFiles(const Doors& doors, std::string directory)
    : doors_(doors), cache_(doors.files, {.directory = std::move(directory)}) {}

void BroughtFiles::turn(Instant now, const Master& master,
                        const std::function<void(std::string)>& send) {
  for (FileWanted& wanted : doors_.executors.take_wanted()) {
    doors_.log.info("file.wanted", {{"attempt", wanted.attempt.value},
                                    {"sha256", wanted.sha256},
                                    {"name", wanted.name},
                                    {"damaged", wanted.damaged}});
    cache_.want(now, std::move(wanted));
  }
  // One that cannot be asked for makes way for the next, which is asked for at once.
  while (auto question = cache_.take_question(now)) {
    question->worker = master.self;
    proto::Encoded encoded = proto::encode_for(*question, master.protocol);
    if (encoded.unknown.empty()) {
      send(std::move(encoded.frame));
    } else {
      cache_.refuse(now, too_old(master.protocol, encoded.unknown));
    }
  }
  // However long it takes: the master may be away, and whoever stops waiting says so itself.
  for (const AttemptId attempt : cache_.waiting()) doors_.executors.note_waiting(attempt);
  for (const FileBrought& brought : cache_.take_answers()) {
    if (!brought.path.ok()) {
      doors_.log.warn("file.not_brought", {{"attempt", brought.attempt.value},
                                           {"sha256", brought.sha256},
                                           {"reason", brought.path.status().message()}});
    }
    doors_.executors.bring(brought);
  }
}

void BroughtFiles::take(Instant now, const proto::BlobPart& part) {
  const std::uint64_t fetched = cache_.figures().fetched;
  cache_.take(now, part);
  if (cache_.figures().fetched == fetched) return;
  doors_.log.info("file.fetched", {{"sha256", part.sha256}, {"bytes", part.size}});
}

}  // namespace fanfold::worker
