// Lists that people write by hand or with other systems' tools.

#pragma once

#include <algorithm>
#include <string_view>

namespace fanfold::items {

/// Takes the first line from `text`, which is not empty; without its end, "\n" or "\r\n".
inline std::string_view take_line(std::string_view* text) {
  const std::size_t end = std::min(text->find('\n'), text->size());
  std::string_view line = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace fanfold::items
