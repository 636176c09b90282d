#include "tests/s3/scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <set>

#include "common/core/check.hpp"
#include "common/s3/xml.hpp"

namespace fanfold::s3 {
namespace {

std::string decoded(const std::string& text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      plain += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
      i += 2;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

Heard parse_head(const std::string& head) {
  Heard heard;
  const std::size_t first = head.find(' ');
  const std::size_t second = head.find(' ', first + 1);
  heard.method = head.substr(0, first);
  const std::string target = head.substr(first + 1, second - first - 1);
  const std::size_t mark = std::min(target.find('?'), target.size());
  heard.path = target.substr(0, mark);
  for (std::size_t at = mark + 1; at < target.size();) {
    const std::size_t end = std::min(target.find('&', at), target.size());
    const std::string word = target.substr(at, end - at);
    const std::size_t equals = std::min(word.find('='), word.size());
    heard.query[decoded(word.substr(0, equals))] =
        decoded(word.substr(std::min(equals + 1, word.size())));
    at = end + 1;
  }
  for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
    const std::size_t end = head.find("\r\n", at);
    const std::string line = head.substr(at, end - at);
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos) break;
    heard.headers[lower(line.substr(0, colon))] = line.substr(colon + 2);
    at = end + 2;
  }
  return heard;
}

}  // namespace

std::string http_answer(int status, const std::map<std::string, std::string>& headers,
                        const std::string& body) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " x\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  if (!headers.contains("Content-Length") && status != 204) {
    text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  }
  return text + "\r\n" + body;
}

std::string s3_error(int status, const std::string& code,
                     const std::map<std::string, std::string>& headers) {
  return http_answer(status, headers,
                     "<?xml version=\"1.0\"?><Error><Code>" + code +
                         "</Code><Message>words of the server</Message></Error>");
}

ScriptedServer::ScriptedServer(Script script) : script_(std::move(script)) {
  listener_ = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  stop_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  FANFOLD_CHECK(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  FANFOLD_CHECK(::listen(listener_.get(), 64) == 0);
  ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port_ = ::ntohs(address.sin_port);
  accepting_ = std::jthread([this] { accept_all(); });
}

ScriptedServer::~ScriptedServer() {
  const std::uint64_t one = 1;
  FANFOLD_CHECK(::write(stop_.get(), &one, sizeof one) == sizeof one);
}

std::vector<Heard> ScriptedServer::heard() const {
  MutexLock lock(mutex_);
  return heard_;
}

void ScriptedServer::accept_all() {
  while (true) {
    pollfd both[] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    ::poll(both, 2, -1);
    if (both[1].revents != 0) break;
    UniqueFd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    servers_.emplace_back([this, fd = connection.release()] { serve(UniqueFd(fd)); });
  }
  servers_.clear();
}

void ScriptedServer::serve(UniqueFd connection) {
  std::string buffer;
  bool has_head = false;
  std::size_t needed = 0;
  Heard heard;
  while (true) {
    if (!has_head && buffer.find("\r\n\r\n") != std::string::npos) {
      const std::size_t end = buffer.find("\r\n\r\n") + 4;
      heard = parse_head(buffer.substr(0, end));
      buffer.erase(0, end);
      const auto length = heard.headers.find("content-length");
      has_head = true;
      needed = length == heard.headers.end() ? 0 : std::stoul(length->second);
    }
    if (has_head && buffer.size() >= needed) {
      heard.body = buffer.substr(0, needed);
      buffer.erase(0, needed);
      has_head = false;
      {
        MutexLock lock(mutex_);
        heard_.push_back(heard);
      }
      const Reaction reaction = script_(heard);
      react(connection.get(), reaction);
      if (reaction.end == Reaction::End::kReset) {
        const linger hard{1, 0};
        ::setsockopt(connection.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
      }
      if (reaction.end == Reaction::End::kHang) {
        pollfd stop{stop_.get(), POLLIN, 0};
        ::poll(&stop, 1, -1);
      }
      if (reaction.end != Reaction::End::kKeep) return;
      continue;
    }
    pollfd both[] = {{connection.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    ::poll(both, 2, -1);
    if (both[1].revents != 0) return;
    char bytes[65536];
    const ssize_t got = ::read(connection.get(), bytes, sizeof bytes);
    if (got <= 0) return;
    buffer.append(bytes, static_cast<std::size_t>(got));
  }
}

void ScriptedServer::react(int connection, const Reaction& reaction) {
  std::string_view left = reaction.bytes;
  while (!left.empty()) {
    const std::size_t size =
        reaction.piece == 0 ? left.size() : std::min(left.size(), reaction.piece);
    const ssize_t put = ::send(connection, left.data(), size, MSG_NOSIGNAL);
    if (put <= 0) return;
    left.remove_prefix(static_cast<std::size_t>(put));
    if (reaction.pause.count() == 0 || left.empty()) continue;
    pollfd stop{stop_.get(), POLLIN, 0};
    if (::poll(&stop, 1, static_cast<int>(reaction.pause.count())) > 0) return;
  }
}

std::string FakeBucket::etag_of(const std::string& contents) {
  return "\"" + std::to_string(std::hash<std::string>()(contents)) + "\"";
}

Reaction FakeBucket::answer(const Heard& heard) const {
  if (heard.query.contains("list-type")) return list(heard);
  const std::size_t slash = heard.path.find('/', 1);
  const auto found = objects.find(decoded(heard.path.substr(slash + 1)));
  if (found == objects.end()) {
    return {heard.method == "HEAD" ? http_answer(404, {}, "") : s3_error(404, "NoSuchKey")};
  }
  const std::string& contents = found->second;
  const std::string etag = etag_of(contents);
  const auto wanted = heard.headers.find("if-match");
  if (wanted != heard.headers.end() && wanted->second != etag) {
    return {s3_error(412, "PreconditionFailed")};
  }
  if (heard.method == "HEAD") {
    return {http_answer(200, {{"ETag", etag}, {"Content-Length", std::to_string(contents.size())}},
                        "")};
  }
  const auto range = heard.headers.find("range");
  if (range == heard.headers.end()) return {http_answer(200, {{"ETag", etag}}, contents)};
  const std::size_t begin = std::stoul(range->second.substr(6));
  const std::size_t last = std::stoul(range->second.substr(range->second.find('-') + 1));
  if (begin >= contents.size()) return {s3_error(416, "InvalidRange")};
  const std::string part = contents.substr(begin, last - begin + 1);
  return {http_answer(206,
                      {{"ETag", etag},
                       {"Content-Range", "bytes " + std::to_string(begin) + "-" +
                                             std::to_string(begin + part.size() - 1) + "/" +
                                             std::to_string(contents.size())}},
                      part)};
}

Reaction FakeBucket::list(const Heard& heard) const {
  const auto value = [&](const char* name) {
    const auto found = heard.query.find(name);
    return found == heard.query.end() ? std::string() : found->second;
  };
  const std::string prefix = value("prefix");
  std::set<std::string> names;  // Keys, and prefixes with their slash.
  for (const auto& [key, contents] : objects) {
    if (!key.starts_with(prefix)) continue;
    const std::size_t slash = value("delimiter").empty() ? key.npos : key.find('/', prefix.size());
    names.insert(key.substr(0, slash == key.npos ? key.npos : slash + 1));
  }
  std::string body = "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
  std::size_t count = 0;
  std::string next;
  for (const std::string& name : names) {
    if (name < value("continuation-token")) continue;
    if (count++ == keys_per_page) {
      next = name;
      break;
    }
    if (objects.contains(name)) {
      const std::string& contents = objects.at(name);
      body += "<Contents><Key>" + escape_xml(name) + "</Key><ETag>" +
              escape_xml(etag_of(contents)) + "</ETag><Size>" + std::to_string(contents.size()) +
              "</Size></Contents>";
    } else {
      body += "<CommonPrefixes><Prefix>" + escape_xml(name) + "</Prefix></CommonPrefixes>";
    }
  }
  body += next.empty() ? "<IsTruncated>false</IsTruncated>"
                       : "<IsTruncated>true</IsTruncated><NextContinuationToken>" +
                             escape_xml(next) + "</NextContinuationToken>";
  return {http_answer(200, {}, body + "</ListBucketResult>")};
}

}  // namespace fanfold::s3
