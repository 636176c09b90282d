#include "worker/agent/output_lists.hpp"

#include <utility>

#include "common/core/status.hpp"
#include "common/proto/output_list.hpp"

namespace fanfold::worker::agency {

bool OutputLists::add(const proto::ListPage& page) {
  if (page.page >= page.pages) return false;
  OfJob& of_job = lists_[page.job];
  const std::uint64_t newest = of_job.known ? of_job.known->version : 0;
  if (page.version <= newest || page.version < of_job.version) return false;
  if (page.version > of_job.version) of_job.pages.clear();
  of_job.version = page.version;
  of_job.pages.emplace(page.page, page.packed);
  if (of_job.pages.size() < page.pages) return false;
  proto::OutputUnpacker unpacker;
  Status status;
  for (const auto& [number, packed] : of_job.pages) {
    if (status.ok()) status = unpacker.add(packed);
  }
  of_job.pages.clear();
  if (!status.ok()) return false;
  of_job.known = Known{page.version, page.generation,
                       std::make_shared<const proto::OutputList>(unpacker.take())};
  return true;
}

const OutputLists::Known* OutputLists::find(JobId job) const {
  const auto it = lists_.find(job);
  return it != lists_.end() && it->second.known ? &*it->second.known : nullptr;
}

}  // namespace fanfold::worker::agency
