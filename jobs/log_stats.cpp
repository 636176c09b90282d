// log_stats: what an Apache or nginx access log adds up to.  Reads the common and the combined
// format:
//
//   host ident user [time] "request" status bytes ["referer" "agent" ...]
//
// Output, in this order: `bytes TAB total TAB n`, `requests TAB total TAB n`, `status TAB 200 TAB
// n` for each status, then `path TAB /p TAB n` for the most requested paths, most frequent first.
// A line of another shape goes as it is to the output "rejects" and is counted in
// "malformed_lines".  A well-formed line whose request names no path ("-", binary noise) counts
// like any other, and in "requests_without_path".
//
// Counts of paths are cut to the most frequent only where they are complete, so all go to one
// reducer (see top_k.cpp); maps have added them up before.

#include <algorithm>
#include <array>
#include <charconv>
#include <fanfold/job.hpp>
#include <optional>
#include <stdexcept>
#include <vector>

namespace {

struct LogLine {
  std::string_view request;  // Between the quotes.
  std::uint32_t status = 0;  // 100..999
  std::uint64_t bytes = 0;
};

// Cuts `text` after its first `mark` and returns what came before; nothing when there is none.
std::optional<std::string_view> take_until(char mark, std::string_view* text) {
  const std::size_t end = text->find(mark);
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text->substr(0, end);
  text->remove_prefix(end + 1);
  return taken;
}

// As take_until('"'), but servers write a quote within a request as \".
std::optional<std::string_view> take_quoted(std::string_view* text) {
  for (std::size_t i = 0; i < text->size(); ++i) {
    if ((*text)[i] == '\\') {
      ++i;
    } else if ((*text)[i] == '"') {
      const std::string_view taken = text->substr(0, i);
      text->remove_prefix(i + 1);
      return taken;
    }
  }
  return std::nullopt;
}

template <typename Number>
bool take_number(std::string_view text, Number* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size();
}

std::optional<LogLine> parse(std::string_view line) {
  LogLine parsed;
  for (int field = 0; field < 3; ++field) {
    const auto taken = take_until(' ', &line);
    if (!taken || taken->empty()) return std::nullopt;
  }
  if (!line.starts_with('[') || !take_until(']', &line)) return std::nullopt;
  if (!line.starts_with(" \"")) return std::nullopt;
  line.remove_prefix(2);
  const auto request = take_quoted(&line);
  if (!request || !line.starts_with(' ')) return std::nullopt;
  parsed.request = *request;
  line.remove_prefix(1);
  const auto status = take_until(' ', &line);
  if (!status || status->size() != 3 || !take_number(*status, &parsed.status)) return std::nullopt;
  if (parsed.status < 100) return std::nullopt;
  const std::string_view bytes = line.substr(0, line.find(' '));
  line.remove_prefix(bytes.size());
  if (!line.empty() && !line.starts_with(" \"")) return std::nullopt;
  if (bytes != "-" && !take_number(bytes, &parsed.bytes)) return std::nullopt;
  return parsed;
}

// "/a?x=1" of "GET /a?x=1 HTTP/1.1"; empty when there is none.
std::string_view path_of(std::string_view request, bool keep_query) {
  const std::size_t begin = request.find(' ');
  if (begin == std::string_view::npos) return {};
  std::string_view path = request.substr(begin + 1);
  path = path.substr(0, path.find(' '));
  return keep_query ? path : path.substr(0, path.find('?'));
}

class LogStats {
 public:
  using Key = std::pair<std::string_view, std::string_view>;  // Kind, what is counted.
  using Out = fanfold::Emitter<Key, std::uint64_t>;

  static void declare(fanfold::Parameters& parameters) {
    parameters.optional<std::int64_t>("top", 10, "How many paths to write; 0 for none.");
    parameters.optional<bool>("query", false, "Keep '?...' as part of a path.");
  }

  void setup(fanfold::Context& context) {
    malformed_ = &context.counter("malformed_lines");
    without_path_ = &context.counter("requests_without_path");
    const std::int64_t top = context.parameter<std::int64_t>("top");
    if (top < 0) {
      throw std::invalid_argument("parameter top must be 0 or more, not " + std::to_string(top));
    }
    top_ = static_cast<std::size_t>(top);
    keep_query_ = context.parameter<bool>("query");
  }

  void map(std::string_view line, Out& out) {
    const std::optional<LogLine> parsed = parse(line);
    if (!parsed) {
      malformed_->add(1);
      out.to("rejects").write_line(line);
      return;
    }
    ++requests_;
    bytes_ += parsed->bytes;
    ++statuses_[parsed->status];
    const std::string_view path = path_of(parsed->request, keep_query_);
    if (path.empty()) {
      without_path_->add(1);
    } else if (top_ > 0) {
      out.emit(Key{"path", path}, 1);
    }
  }

  void finish(Out& out) {
    out.emit(Key{"bytes", "total"}, bytes_);
    out.emit(Key{"requests", "total"}, requests_);
    for (std::size_t status = 0; status < statuses_.size(); ++status) {
      if (statuses_[status] == 0) continue;
      out.emit(Key{"status", std::to_string(status)}, statuses_[status]);
    }
  }

  static std::uint64_t combine(std::uint64_t a, std::uint64_t b) { return a + b; }

  static std::uint32_t partition(Key /*key*/, std::uint32_t /*partitions*/) { return 0; }

  void reduce(Key key, fanfold::Values<std::uint64_t>& counts, fanfold::Writer& out) {
    const std::uint64_t count = fanfold::sum(counts);
    if (key.first != "path") {
      write(key.first, key.second, count, out);
    } else {
      offer(key.second, count);
    }
  }

  void finish(fanfold::Writer& out) {
    std::sort_heap(paths_.begin(), paths_.end(), precedes);
    for (const Path& path : paths_) write("path", path.text, path.count, out);
  }

 private:
  struct Path {
    std::uint64_t count;
    std::string text;
  };

  static bool precedes(const Path& a, const Path& b) {
    return a.count != b.count ? a.count > b.count : a.text < b.text;
  }

  void write(std::string_view kind, std::string_view what, std::uint64_t count,
             fanfold::Writer& out) {
    shown_.assign(kind).append(1, ' ').append(what);
    out.write(shown_, count);
  }

  // Keeps the `top_` best paths in a heap whose front is the worst of them.  Paths come in byte
  // order, so among equal counts the one that is there already wins.
  void offer(std::string_view text, std::uint64_t count) {
    if (paths_.size() == top_) {
      if (count <= paths_.front().count) return;
      std::pop_heap(paths_.begin(), paths_.end(), precedes);
      paths_.pop_back();
    }
    paths_.push_back(Path{count, std::string(text)});
    std::push_heap(paths_.begin(), paths_.end(), precedes);
  }

  fanfold::Counter* malformed_ = nullptr;
  fanfold::Counter* without_path_ = nullptr;
  std::size_t top_ = 10;
  bool keep_query_ = false;
  std::uint64_t requests_ = 0;
  std::uint64_t bytes_ = 0;
  std::array<std::uint64_t, 1000> statuses_{};
  std::vector<Path> paths_;
  std::string shown_;
};

}  // namespace

FANFOLD_JOB(LogStats, "log_stats",
            "Adds up web server access logs: statuses, bytes, most requested paths.");
