#include "common/report/html.hpp"

#include "common/text/units.hpp"

namespace fanfold {

std::string escaped(std::string_view text) {
  std::string html;
  for (const char c : printable(text, true)) {
    switch (c) {
      case '&':
        html += "&amp;";
        break;
      case '<':
        html += "&lt;";
        break;
      case '>':
        html += "&gt;";
        break;
      case '"':
        html += "&quot;";
        break;
      case '\'':
        html += "&#39;";
        break;
      default:
        html += c;
    }
  }
  return html;
}

std::string code(std::string_view text, std::size_t columns) {
  return "<code>" + escaped(fit(text, columns)) + "</code>";
}

std::string json_for_script(std::string json) {
  // Only strings have these characters.
  std::string safe;
  safe.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      safe += "\\u003c";
    } else if (c == '&') {
      safe += "\\u0026";
    } else {
      safe += c;
    }
  }
  return safe;
}

}  // namespace fanfold
