#include "master/service/reading_list.hpp"

#include <cstdint>
#include <map>
#include <utility>

namespace fanfold::master {

ReadingList reading_list(const std::vector<CommittedOutput>& inputs,
                         const WorkerDirectory& workers) {
  ReadingList list;
  std::map<WorkerId, std::uint32_t> indexes;
  list.outputs.reserve(inputs.size());
  for (const CommittedOutput& input : inputs) {
    auto index = indexes.find(input.worker);
    if (index == indexes.end()) {
      proto::Holder holder;
      holder.worker = input.worker;
      if (const KnownWorker* known = workers.find(input.worker)) {
        holder.host_id = known->hello.host_id;
        holder.scratch = known->hello.scratch;
        holder.data_endpoint = known->hello.data_endpoint;
      } else {
        list.complete = false;
      }
      const auto place = static_cast<std::uint32_t>(list.holders.size());
      index = indexes.emplace(input.worker, place).first;
      list.holders.push_back(std::move(holder));
    }
    list.outputs.push_back(
        {.split = input.split, .attempt = input.attempt, .holder = index->second});
  }
  return list;
}

}  // namespace fanfold::master
