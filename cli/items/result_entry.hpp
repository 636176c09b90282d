// Entries of SUCCEEDED_n, FAILED_n and PENDING_n.  Input and Output are texts that hold JSON, as
// the States Language writes them.

#pragma once

#include <string>

#include "common/core/status.hpp"
#include "common/items/child_line.hpp"
#include "common/items/json_text.hpp"

namespace fanfold::cli {

items::Json entry_of(const std::string& label, const items::SucceededChild& one);
/// kCorruption: what its line holds is no JSON.
Result<items::Json> entry_of(const std::string& label, const items::FailedChild& one);
/// Of one that was not run to its end.
items::Json entry_of(const std::string& label, const items::Child& child);

}  // namespace fanfold::cli
