#include "cli/items/csv_rows.hpp"

namespace fanfold::cli {

std::vector<std::string> take_csv_row(std::string_view* text, char delimiter) {
  std::vector<std::string> row(1);
  bool quoted = false;
  std::size_t at = 0;
  for (; at < text->size(); ++at) {
    const char c = (*text)[at];
    if (c == '"') {
      // Two of them within quotes are one of the field.
      if (quoted && at + 1 < text->size() && (*text)[at + 1] == '"') {
        row.back() += '"';
        ++at;
      } else {
        quoted = !quoted;
      }
      continue;
    }
    if (!quoted && c == delimiter) {
      row.emplace_back();
    } else if (!quoted && c == '\n') {
      ++at;
      break;
    } else if (!(c == '\r' && !quoted && (at + 1 == text->size() || (*text)[at + 1] == '\n'))) {
      row.back() += c;
    }
  }
  text->remove_prefix(at);
  return row;
}

}  // namespace fanfold::cli
