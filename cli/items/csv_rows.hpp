// Rows of a CSV file with any delimiter: RFC 4180 but for that.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fanfold::cli {

/// Takes the first row off `text`, which holds whole rows.  An empty line is a row of one empty
/// field.
std::vector<std::string> take_csv_row(std::string_view* text, char delimiter);

}  // namespace fanfold::cli
