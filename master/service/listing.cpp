#include "master/service/listing.hpp"

#include <chrono>
#include <map>
#include <utility>

#include "common/core/fault_point.hpp"
#include "common/proto/messages.hpp"
#include "common/proto/output_list.hpp"

namespace fanfold::master {
namespace {

/// Shorter than workers wait before they ask again.
constexpr Duration kOnItsWay = std::chrono::milliseconds(500);

}  // namespace

proto::OutputList with_addresses(const std::vector<CommittedOutput>& outputs,
                                 const WorkerDirectory& workers) {
  proto::OutputList list;
  std::map<WorkerId, std::uint32_t> places;
  list.outputs.reserve(outputs.size());
  for (const CommittedOutput& output : outputs) {
    const auto [place, fresh] = places.emplace(output.worker, list.holders.size());
    if (fresh) {
      proto::Holder holder;
      holder.worker = output.worker;
      if (const KnownWorker* known = workers.find(output.worker)) {
        holder.host_id = known->hello.host_id;
        holder.scratch = known->hello.scratch;
        holder.data_endpoint = known->hello.data_endpoint;
      }
      list.holders.push_back(std::move(holder));
    }
    list.outputs.push_back(
        {.split = output.split, .attempt = output.attempt, .holder = place->second});
  }
  return list;
}

bool Listing::tell_again(WorkerId worker, Instant now) {
  const auto [told, first] = told_.emplace(worker, now);
  if (!first && now - told->second < kOnItsWay) return false;
  told->second = now;
  return true;
}

void Listing::set(const ListOutputs& action, const WorkerDirectory& workers) {
  version_ = action.version;
  frames_.clear();
  told_.clear();
  const std::size_t page_bytes = strikes(FaultPoint::kTinyListPages) ? 1 : proto::kOutputPageBytes;
  std::vector<std::string> pages =
      proto::pack_outputs(with_addresses(action.outputs, workers), page_bytes);
  proto::ListPage message;
  message.job = action.job;
  message.version = action.version;
  message.generation = action.generation;
  message.pages = static_cast<std::uint32_t>(pages.size());
  for (std::string& page : pages) {
    message.packed = std::move(page);
    frames_.push_back(proto::encode(message));
    ++message.page;
  }
}

}  // namespace fanfold::master
