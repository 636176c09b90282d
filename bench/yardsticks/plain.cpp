// What a C++ programmer writes on one page, in one thread: mmap, string views, std::unordered_map, std::sort.
//
//   plain index OUT FILE...   for each word the files in which it occurs      (the bundled job inverted_index)
//   plain join OUT LEFT RIGHT key TAB left TAB right for all pairs of a key   (join)
//   plain top_k OUT FILE K    the K most frequent words and how often         (top_k)
//   plain distinct OUT FILE   every different line once, in byte order        (distinct)
//   plain lines OUT FILE      how many lines, and a sum over them that does not depend on their order
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

using View = std::string_view;

View contents(const char* path) {
  const int file = open(path, O_RDONLY);
  struct stat info;
  if (file < 0 || fstat(file, &info) != 0) perror(path), exit(1);
  if (info.st_size == 0) return {};
  void* bytes = mmap(nullptr, info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  if (bytes == MAP_FAILED) perror(path), exit(1);
  return {static_cast<const char*>(bytes), static_cast<size_t>(info.st_size)};
}

template <class F>
void for_each_line(View text, F f) {
  while (!text.empty()) {
    const size_t end = text.find('\n');
    f(text.substr(0, end));
    if (end == View::npos) return;
    text.remove_prefix(end + 1);
  }
}

template <class F>
void for_each_word(View text, F f) {
  const auto space = [](unsigned char c) { return c == ' ' || (c >= 9 && c <= 13); };
  for (size_t i = 0, n = text.size(); i < n;) {
    while (i < n && space(text[i])) ++i;
    const size_t begin = i;
    while (i < n && !space(text[i])) ++i;
    if (i > begin) f(text.substr(begin, i - begin));
  }
}

FILE* out;
void put(View text) { fwrite(text.data(), 1, text.size(), out); }

template <class Map>
std::vector<View> sorted_keys(const Map& map) {
  std::vector<View> keys;
  keys.reserve(map.size());
  for (const auto& entry : map) {
    if constexpr (std::is_same_v<Map, std::unordered_set<View>>) keys.push_back(entry);
    else keys.push_back(entry.first);
  }
  std::sort(keys.begin(), keys.end());
  return keys;
}

void index(const std::vector<const char*>& files) {
  std::unordered_map<View, std::vector<uint32_t>> found;
  for (uint32_t i = 0; i < files.size(); ++i) {
    for_each_word(contents(files[i]), [&](View word) {
      auto& in = found[word];
      if (in.empty() || in.back() != i) in.push_back(i);
    });
  }
  for (const View word : sorted_keys(found)) {
    put(word);
    for (const uint32_t file : found[word]) put("\t"), put(files[file]);
    put("\n");
  }
}

void join(View left, View right) {
  const auto split = [](View line) {
    const size_t tab = line.find('\t');
    return std::pair(line.substr(0, tab), line.substr(tab + 1));
  };
  std::unordered_map<View, std::pair<std::vector<View>, std::vector<View>>> rows;
  for_each_line(left, [&](View line) { rows[split(line).first].first.push_back(split(line).second); });
  for_each_line(right, [&](View line) {
    if (const auto row = rows.find(split(line).first); row != rows.end()) row->second.second.push_back(split(line).second);
  });
  for (const View key : sorted_keys(rows)) {
    const auto& [lefts, rights] = rows[key];
    for (const View b : rights)
      for (const View a : lefts) put(key), put("\t"), put(a), put("\t"), put(b), put("\n");
  }
}

void top_k(View text, size_t k) {
  std::unordered_map<View, uint64_t> counts;
  for_each_word(text, [&](View word) { ++counts[word]; });
  std::vector<std::pair<View, uint64_t>> all(counts.begin(), counts.end());
  const auto precedes = [](const auto& a, const auto& b) { return a.second != b.second ? a.second > b.second : a.first < b.first; };
  k = std::min(k, all.size());
  std::partial_sort(all.begin(), all.begin() + k, all.end(), precedes);
  for (size_t i = 0; i < k; ++i) put(all[i].first), put("\t"), put(std::to_string(all[i].second)), put("\n");
}

void distinct(View text) {
  std::unordered_set<View> lines;
  for_each_line(text, [&](View line) { lines.insert(line); });
  for (const View line : sorted_keys(lines)) put(line), put("\n");
}

void lines(View text) {
  uint64_t count = 0, sum = 0;
  for_each_line(text, [&](View line) { ++count, sum += std::hash<View>()(line); });
  put(std::to_string(count) + " " + std::to_string(sum) + "\n");
}

int main(int argc, char** argv) {
  const View mode = argc > 3 ? argv[1] : "";
  if (mode.empty() || !(out = fopen(argv[2], "wb"))) return fprintf(stderr, "usage: plain MODE OUT FILE...\n"), 2;
  if (mode == "index") index({argv + 3, argv + argc});
  if (mode == "join" && argc == 5) join(contents(argv[3]), contents(argv[4]));
  if (mode == "top_k" && argc == 5) top_k(contents(argv[3]), strtoull(argv[4], nullptr, 10));
  if (mode == "distinct") distinct(contents(argv[3]));
  if (mode == "lines") lines(contents(argv[3]));
  fclose(out);
  _exit(0);  // As the yardsticks do: the system frees memory faster.
}
