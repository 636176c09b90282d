// The part of the body that answers which files lie on this host.

#include <utility>

#include "worker/service/worker_body.hpp"

namespace fanfold::worker {

void WorkerBody::list(proto::ListHostFiles&& question) {
  // Whoever asks asks again.
  if (doors_.lister != nullptr && welcomed_) doors_.lister->list(std::move(question));
}

void WorkerBody::send_listed() {
  if (doors_.lister == nullptr) return;
  for (proto::HostFilesListed& answer : doors_.lister->take()) {
    answer.worker = self_;
    doors_.log.info("host.listed", {{"files", answer.files.size()}, {"reason", answer.message}});
    send(proto::encode_for(answer, spoken_.number()).frame);
  }
}

}  // namespace fanfold::worker
