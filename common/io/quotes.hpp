// Counting quotes in CSV.  A byte lies inside a quoted field exactly when an odd number of quotes
// comes before it in the file: RFC 4180 doubles a quote inside quotes, so this needs no parsing.
// A stray quote in an unquoted field therefore opens one; docs/job_guide.md says so.

#pragma once

#include <cstddef>
#include <string_view>

namespace fanfold::io {

std::size_t count_quotes(std::string_view bytes);

}  // namespace fanfold::io
