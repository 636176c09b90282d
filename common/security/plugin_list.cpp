#include "common/security/plugin_list.hpp"

#include <algorithm>
#include <utility>

#include "common/security/private_file.hpp"

namespace fanfold::security {
namespace {

constexpr std::size_t kListBytesMax = 1u << 20;
constexpr std::size_t kDigestDigits = 64;
constexpr std::string_view kBlanks = " \t\r";

bool is_digest(std::string_view word) {
  return word.size() == kDigestDigits && std::all_of(word.begin(), word.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string_view first_word(std::string_view line) {
  const std::size_t begin = std::min(line.find_first_not_of(kBlanks), line.size());
  line.remove_prefix(begin);
  return line.substr(0, line.find_first_of(kBlanks));
}

}  // namespace

Result<PluginList> PluginList::read(const std::string& path) {
  FANFOLD_ASSIGN_OR_RETURN(const std::string text, read_trusted_file(path, kListBytesMax));
  PluginList list;
  list.path_ = path;
  std::size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view word = first_word(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    ++number;
    if (word.empty() || word.front() == '#') continue;
    if (!is_digest(word)) {
      return Status(StatusCode::kInvalidArgument,
                    path + ", line " + std::to_string(number) +
                        ", does not begin with a SHA-256 digest of 64 hexadecimal digits in lower "
                        "case; 'sha256sum PLUGIN.so' prints such lines");
    }
    list.digests_.emplace(word);
  }
  return list;
}

Status PluginList::check(std::string_view plugin, std::string_view sha256) const {
  if (digests_.contains(sha256)) return {};
  return {StatusCode::kInvalidArgument, "the plugin '" + std::string(plugin) + "' with SHA-256 " +
                                            std::string(sha256) + " is not among the " +
                                            std::to_string(digests_.size()) + " that " + path_ +
                                            " (--plugin-allow) lets run here"};
}

Result<std::optional<PluginList>> read_allowed_plugins(const std::string& path) {
  if (path.empty()) return std::optional<PluginList>();
  auto list = PluginList::read(path);
  if (!list.ok()) return std::move(list).status().with_context("--plugin-allow");
  return std::optional(*std::move(list));
}

}  // namespace fanfold::security
