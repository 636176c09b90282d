#include "common/s3/http_session.hpp"

// The macros that check the types of options would call the library by its name.
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstring>

#include "common/core/check.hpp"
#include "common/core/clock.hpp"

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

namespace fanfold::s3 {
namespace {

constexpr long kReadBytes = 512L << 10;
/// Listings of a thousand long keys are the largest.
constexpr std::size_t kBodyBytes = 8u << 20;

/// What is used of libcurl.
struct Library {
  decltype(&::curl_global_init) global_init;
  decltype(&::curl_easy_init) easy_init;
  decltype(&::curl_easy_cleanup) easy_cleanup;
  decltype(&::curl_easy_setopt) easy_setopt;
  decltype(&::curl_easy_getinfo) easy_getinfo;
  decltype(&::curl_easy_strerror) easy_strerror;
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;
  decltype(&::curl_multi_init) multi_init;
  decltype(&::curl_multi_cleanup) multi_cleanup;
  decltype(&::curl_multi_add_handle) multi_add_handle;
  decltype(&::curl_multi_remove_handle) multi_remove_handle;
  decltype(&::curl_multi_perform) multi_perform;
  decltype(&::curl_multi_poll) multi_poll;
  decltype(&::curl_multi_info_read) multi_info_read;
};

template <class Function>
bool find(void* library, const char* name, Function* function) {
  *function = reinterpret_cast<Function>(::dlsym(library, name));
  return *function != nullptr;
}

Result<Library> load_library() {
  void* const library = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  const auto refuse = [] {
    return Status(StatusCode::kUnavailable,
                  std::string("s3:// paths need libcurl on every host, which cannot be loaded: ") +
                      ::dlerror() + "; install it (Debian: libcurl4)");
  };
  if (library == nullptr) return refuse();
  Library all{};
  const bool found = find(library, "curl_global_init", &all.global_init) &&
                     find(library, "curl_easy_init", &all.easy_init) &&
                     find(library, "curl_easy_cleanup", &all.easy_cleanup) &&
                     find(library, "curl_easy_setopt", &all.easy_setopt) &&
                     find(library, "curl_easy_getinfo", &all.easy_getinfo) &&
                     find(library, "curl_easy_strerror", &all.easy_strerror) &&
                     find(library, "curl_slist_append", &all.slist_append) &&
                     find(library, "curl_slist_free_all", &all.slist_free_all) &&
                     find(library, "curl_multi_init", &all.multi_init) &&
                     find(library, "curl_multi_cleanup", &all.multi_cleanup) &&
                     find(library, "curl_multi_add_handle", &all.multi_add_handle) &&
                     find(library, "curl_multi_remove_handle", &all.multi_remove_handle) &&
                     find(library, "curl_multi_perform", &all.multi_perform) &&
                     find(library, "curl_multi_poll", &all.multi_poll) &&
                     find(library, "curl_multi_info_read", &all.multi_info_read);
  if (!found) return refuse();
  if (all.global_init(CURL_GLOBAL_ALL) != CURLE_OK) {
    return Status(StatusCode::kUnavailable, "libcurl cannot be made ready");
  }
  return all;
}

/// Loaded once in a process, if at all.
const Result<Library>& library() {
  static const Result<Library>& loaded = *new Result<Library>(load_library());
  return loaded;
}

long milliseconds(Duration duration) {
  return static_cast<long>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

HttpFailure failure_of(CURLcode code) {
  const auto is_one_of = [code](std::initializer_list<CURLcode> codes) {
    return std::find(codes.begin(), codes.end(), code) != codes.end();
  };
  if (code == CURLE_OK) return HttpFailure::kNone;
  if (code == CURLE_OPERATION_TIMEDOUT) return HttpFailure::kSilent;
  if (is_one_of({CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT,
                 CURLE_INTERFACE_FAILED})) {
    return HttpFailure::kUnreachable;
  }
  if (is_one_of(
          {CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE})) {
    return HttpFailure::kUntrusted;
  }
  return HttpFailure::kBroken;
}

class CurlExchange final : public HttpSession::Exchange {
 public:
  CurlExchange(const Library& curl, CURLM* multi, CURL* easy, HttpRequest request)
      : curl_(curl), multi_(multi), easy_(easy), request_(std::move(request)) {
    FANFOLD_CHECK(easy_ != nullptr);
    set_options();
    moved_ = steady_clock().now();
    FANFOLD_CHECK(curl_.multi_add_handle(multi_, easy_) == CURLM_OK);
  }
  ~CurlExchange() override {
    if (!done_) curl_.multi_remove_handle(multi_, easy_);
    curl_.easy_cleanup(easy_);
    curl_.slist_free_all(headers_);
  }
  CurlExchange(const CurlExchange&) = delete;

  bool done() const override { return done_; }
  Instant latest_move() const override { return moved_; }
  std::uint64_t bytes_moved() const override { return bytes_moved_; }
  HttpReply take_reply() override { return std::move(reply_); }

  void conclude(CURLcode code) {
    done_ = true;
    curl_.multi_remove_handle(multi_, easy_);
    reply_.failure = failure_of(code);
    if (code != CURLE_OK) reply_.why = why_[0] != '\0' ? why_ : curl_.easy_strerror(code);
    long status = 0;
    curl_.easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    reply_.status = static_cast<int>(status);
  }

 private:
  template <class Value>
  void set(CURLoption option, Value value) {
    FANFOLD_CHECK(curl_.easy_setopt(easy_, option, value) == CURLE_OK);
  }

  void set_options() {
    set(CURLOPT_PRIVATE, this);
    set(CURLOPT_ERRORBUFFER, &why_[0]);
    set(CURLOPT_URL, request_.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    // Signed as it is.
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request_.connect_max));
    // An empty name: none, whatever http_proxy and its like say.
    if (request_.direct) set(CURLOPT_PROXY, "");
    set(CURLOPT_BUFFERSIZE, kReadBytes);
    set(CURLOPT_UPLOAD_BUFFERSIZE, kReadBytes);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_WRITEFUNCTION, &CurlExchange::on_body);
    set(CURLOPT_WRITEDATA, this);
    set(CURLOPT_HEADERFUNCTION, &CurlExchange::on_header);
    set(CURLOPT_HEADERDATA, this);
    if (request_.method == "HEAD") set(CURLOPT_NOBODY, 1L);
    if (request_.method == "PUT" || request_.method == "POST") {
      set(CURLOPT_UPLOAD, 1L);
      set(CURLOPT_READFUNCTION, &CurlExchange::on_read);
      set(CURLOPT_READDATA, this);
      set(CURLOPT_SEEKFUNCTION, &CurlExchange::on_seek);
      set(CURLOPT_SEEKDATA, this);
      set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    }
    if (request_.method != "GET" && request_.method != "HEAD") {
      set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
    }
    // Waiting for leave to send costs a round trip, and a second at servers that give none.
    add_header("Expect:");
    for (const std::string& line : request_.headers) add_header(line);
    set(CURLOPT_HTTPHEADER, headers_);
  }

  void add_header(const std::string& line) {
    curl_slist* const longer = curl_.slist_append(headers_, line.c_str());
    FANFOLD_CHECK(longer != nullptr);
    headers_ = longer;
  }

  static CurlExchange& of(void* self) { return *static_cast<CurlExchange*>(self); }
  void note_move(std::size_t bytes) {
    moved_ = steady_clock().now();
    bytes_moved_ += bytes;
  }

  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self) {
    return of(self).take_body({bytes, size * count});
  }
  static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* self) {
    return of(self).take_header({bytes, size * count});
  }
  static std::size_t on_read(char* to, std::size_t size, std::size_t count, void* self) {
    CurlExchange& own = of(self);
    const std::size_t amount = std::min(size * count, own.request_.body.size() - own.sent_);
    own.note_move(amount);
    std::memcpy(to, own.request_.body.data() + own.sent_, amount);
    own.sent_ += amount;
    return amount;
  }
  /// A kept connection that turned out to be closed: libcurl sends again on another.
  static int on_seek(void* self, curl_off_t offset, int origin) {
    if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
    of(self).sent_ = static_cast<std::size_t>(offset);
    return CURL_SEEKFUNC_OK;
  }

  std::size_t take_body(std::string_view bytes) {
    note_move(bytes.size());
    long status = 0;
    curl_.easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    if (request_.into.data() != nullptr && status >= 200 && status < 300) {
      const std::size_t room = std::min(bytes.size(), request_.into.size() - reply_.taken);
      std::memcpy(request_.into.data() + reply_.taken, bytes.data(), room);
      reply_.taken += room;
      reply_.overflowed |= room < bytes.size();
      // More than was asked for is of no use: end it.
      return reply_.overflowed ? 0 : bytes.size();
    }
    reply_.overflowed = bytes.size() > kBodyBytes - reply_.body.size();
    if (reply_.overflowed) return 0;
    reply_.body.append(bytes);
    return bytes.size();
  }

  std::size_t take_header(std::string_view line) {
    note_move(line.size());
    const std::size_t whole = line.size();
    // The headers of an answer like "100 Continue" are not those of the answer.
    if (line.starts_with("HTTP/")) reply_.headers.clear();
    while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
    const std::size_t colon = line.find(':');
    if (colon == line.npos) return whole;
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ')) value.remove_prefix(1);
    reply_.headers[std::move(name)] = value;
    return whole;
  }

  const Library& curl_;
  CURLM* const multi_;
  CURL* const easy_;
  const HttpRequest request_;
  curl_slist* headers_ = nullptr;
  char why_[CURL_ERROR_SIZE] = {};
  std::size_t sent_ = 0;
  HttpReply reply_;
  Instant moved_;
  std::uint64_t bytes_moved_ = 0;
  bool done_ = false;
};

class CurlSession final : public HttpSession {
 public:
  CurlSession(const Library& curl, CURLM* multi) : curl_(curl), multi_(multi) {}
  ~CurlSession() override { curl_.multi_cleanup(multi_); }
  CurlSession(const CurlSession&) = delete;

  std::unique_ptr<Exchange> start(HttpRequest request) override {
    return std::make_unique<CurlExchange>(curl_, multi_, curl_.easy_init(), std::move(request));
  }

  void pump() override {
    int running = 0;
    FANFOLD_CHECK(curl_.multi_perform(multi_, &running) == CURLM_OK);
    int left = 0;
    while (CURLMsg* const message = curl_.multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      char* exchange = nullptr;
      const CURLcode code = message->data.result;
      curl_.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &exchange);
      reinterpret_cast<CurlExchange*>(exchange)->conclude(code);
    }
  }

  void wait(Duration longest) override {
    curl_.multi_poll(multi_, nullptr, 0, static_cast<int>(std::max(milliseconds(longest), 1L)),
                     nullptr);
    pump();
  }

 private:
  const Library& curl_;
  CURLM* const multi_;
};

}  // namespace

Result<std::unique_ptr<HttpSession>> HttpSession::make() {
  const Result<Library>& loaded = library();
  if (!loaded.ok()) return loaded.status();
  CURLM* const multi = loaded->multi_init();
  if (multi == nullptr) return Status(StatusCode::kExhausted, "libcurl has no memory");
  return std::unique_ptr<HttpSession>(new CurlSession(*loaded, multi));
}

}  // namespace fanfold::s3
