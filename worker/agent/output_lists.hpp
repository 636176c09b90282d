// Where the reduces of each job read, as the master says it, page by page.

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/core/ids.hpp"
#include "common/proto/messages.hpp"

namespace fanfold::worker::agency {

class OutputLists {
 public:
  struct Known {
    std::uint64_t version = 0;
    std::uint64_t generation = 0;
    std::shared_ptr<const proto::OutputList> list;
  };

  /// True: a list of the job is whole that was not before.  Pages come late, twice and in any
  /// order; one that makes no sense is dropped, and its list is asked for again.
  bool add(const proto::ListPage& page);
  /// The newest whole list of the job; null: there is none.
  const Known* find(JobId job) const;
  void forget(JobId job) { lists_.erase(job); }

 private:
  struct OfJob {
    std::optional<Known> known;
    // Of a version that is not whole yet.
    std::uint64_t version = 0;
    std::map<std::uint32_t, std::string> pages;
  };
  std::map<JobId, OfJob> lists_;
};

}  // namespace fanfold::worker::agency
