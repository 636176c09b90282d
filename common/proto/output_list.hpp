// The list of a job's map outputs, as bytes.  Thousands of reduces on thousands of workers read the
// same list, so it is packed once, small, into pages that fit a frame each:
//
//   varint  number of holders
//     each: varint worker; host id, scratch and data endpoint as texts
//   varint  number of outputs
//     each: varint split, less the one before it (in a page the first counts from 0)
//           zigzag varint attempt, less the one before it (likewise)
//           varint holder, by its place in this page
//
// A text is the varint number of bytes that it shares with the same text of the holder before, the
// varint length of the rest, and the rest.

#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/core/status.hpp"
#include "common/proto/types.hpp"

namespace fanfold::proto {

/// A page is closed when it has about this size.
inline constexpr std::size_t kOutputPageBytes = 256u << 10;

/// One page at least.  The outputs ascend by split.
std::vector<std::string> pack_outputs(const OutputList& list,
                                      std::size_t page_bytes = kOutputPageBytes);

/// Puts pages together again, in their order.
class OutputUnpacker {
 public:
  /// Total: a page that is damaged gives kCorruption, and the list is of no use then.
  Status add(std::string_view page);
  OutputList take() { return std::move(list_); }

 private:
  OutputList list_;
  std::map<WorkerId, std::uint32_t> places_;  // Of holders in list_.
};

}  // namespace fanfold::proto
