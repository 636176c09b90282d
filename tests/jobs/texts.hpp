// Inputs and plain readings of them for the tests of the bundled jobs.  Everything here is written
// a second time on purpose: an oracle that shared code with the jobs would share their mistakes.

#pragma once

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace fanfold::jobs_test {

/// Lines without LF or CRLF; what follows the last LF is a line if it is not empty.
inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::string line;
  for (const char c : text) {
    if (c != '\n') {
      line.push_back(c);
      continue;
    }
    if (!line.empty() && line.back() == '\r') line.pop_back();
    lines.push_back(line);
    line.clear();
  }
  if (!line.empty()) lines.push_back(line);
  return lines;
}

inline std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> words(1);
  for (const char c : line) {
    if (c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r' || c == '\n') {
      if (!words.back().empty()) words.emplace_back();
    } else {
      words.back().push_back(c);
    }
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

inline std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

/// A key as a text output shows it.
inline std::string escaped(const std::string& text) {
  std::string shown;
  for (const char c : text) {
    if (c == '\t') {
      shown += "\\t";
    } else if (c == '\r') {
      shown += "\\r";
    } else if (c == '\\') {
      shown += "\\\\";
    } else {
      shown += c;
    }
  }
  return shown;
}

inline std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

inline std::vector<std::string> sorted(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// Lines of a few words each out of a small vocabulary, so that everything occurs often; every
/// fifth line ends with CRLF, some are empty.
inline std::string generated_text(std::uint64_t seed, std::size_t lines) {
  std::mt19937_64 random(seed);
  const auto below = [&random](std::uint64_t bound) { return random() % bound; };
  std::string text;
  for (std::size_t i = 0; i < lines; ++i) {
    const std::uint64_t words = below(7);
    for (std::uint64_t word = 0; word < words; ++word) {
      if (word != 0) text += below(4) == 0 ? "  " : " ";
      text += static_cast<char>((below(3) == 0 ? 'A' : 'a') + static_cast<char>(below(4)));
      if (below(2) == 0) text += std::to_string(below(12));
    }
    text += i % 5 == 4 ? "\r\n" : "\n";
  }
  return text;
}

/// Inputs that are easily got wrong.
inline std::vector<std::string> tricky_texts() {
  return {
      "",
      "\n",
      "\n\n\r\n",
      "no newline at the end",
      "ends with a carriage return\r",
      "one\r\ntwo\r\nthree\r\n",
      "  blanks   around\tand between  \n\n  \t\nx\n",
      "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 caf\xc3\xa9\n\xe6\x97\xa5\xe6\x9c\xac\n",
      "not utf-8: \xff\xfe \x80\n\xc3\n",
      "back\\slash and a\ttab\nback\\slash and a\ttab\n",
      std::string("a zero \0 byte\n\0\n", 16),
      "the same\nthe same\nthe same\n",
      std::string(5000, 'x') + " " + std::string(300, 'y') + "\n",
  };
}

inline std::vector<std::string> all_texts() {
  std::vector<std::string> texts = tricky_texts();
  texts.push_back(generated_text(1, 40));
  texts.push_back(generated_text(2, 400));
  return texts;
}

}  // namespace fanfold::jobs_test
