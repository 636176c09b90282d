#include "cli/otlp/collector.hpp"

#include <curl/curl.h>
#include <poll.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string_view>

namespace fanfold::cli {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kPath = "/v1/traces";
constexpr long kConnectSeconds = 3;
constexpr long kRequestSeconds = 10;
constexpr int kTries = 3;
constexpr int kBetweenTriesMilliseconds = 500;
/// A collector answers with a few bytes.
constexpr std::size_t kAnswerBytes = 64u << 10;

struct EasyDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
struct ListDeleter {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Handle = std::unique_ptr<CURL, EasyDeleter>;
using Headers = std::unique_ptr<curl_slist, ListDeleter>;

/// The library is made ready once, before the first handle.
void use_library() {
  [[maybe_unused]] static const CURLcode once = curl_global_init(CURL_GLOBAL_ALL);
}

std::string endpoint_of(std::string url) {
  while (url.ends_with('/')) url.pop_back();
  if (!url.ends_with(kPath)) url += kPath;
  return url;
}

void append(Headers* headers, const std::string& line) {
  if (curl_slist* longer = curl_slist_append(headers->get(), line.c_str())) {
    static_cast<void>(headers->release());
    headers->reset(longer);
  }
}

/// False: they are not what the specification of OpenTelemetry says.
bool read_headers(std::string_view text, Headers* headers) {
  while (!text.empty()) {
    const std::string_view one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    const std::size_t equals = one.find('=');
    if (equals == 0 || equals == one.npos || one.find_first_of("\r\n") != one.npos) return false;
    append(headers,
           std::string(one.substr(0, equals)) + ": " + std::string(one.substr(equals + 1)));
  }
  return true;
}

std::size_t take_answer(char* bytes, std::size_t size, std::size_t count, void* answer) {
  auto& text = *static_cast<std::string*>(answer);
  text.append(bytes, std::min(size * count, kAnswerBytes - std::min(kAnswerBytes, text.size())));
  return size * count;
}

int on_progress(void* options, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& interrupted = static_cast<const CollectorOptions*>(options)->interrupted;
  return interrupted && interrupted() ? 1 : 0;
}

struct Answer {
  CURLcode outcome = CURLE_OK;
  long code = 0;
  std::string body;
  std::string why;  // When outcome is not CURLE_OK.
};

Answer post(const Handle& handle, const std::string& body) {
  Answer answer;
  char why[CURL_ERROR_SIZE] = {};
  curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, why);
  curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &answer.body);
  answer.outcome = curl_easy_perform(handle.get());
  curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &answer.code);
  curl_easy_setopt(handle.get(), CURLOPT_ERRORBUFFER, nullptr);
  if (answer.outcome != CURLE_OK) {
    answer.why = why[0] != '\0' ? why : curl_easy_strerror(answer.outcome);
  }
  return answer;
}

/// The answers after which the specification says to try again.
bool is_busy(const Answer& answer) {
  return answer.outcome == CURLE_OK &&
         (answer.code == 429 || answer.code == 502 || answer.code == 503 || answer.code == 504);
}

Status unavailable(const CollectorOptions& options, const std::string& why) {
  return {StatusCode::kUnavailable,
          "the collector at " + endpoint_of(options.url) + " did not take the trace: " + why};
}

Status status_of(const CollectorOptions& options, const Answer& answer) {
  if (answer.outcome == CURLE_ABORTED_BY_CALLBACK) {
    return Status(StatusCode::kAborted, "interrupted while the trace was sent");
  }
  if (answer.outcome != CURLE_OK) return unavailable(options, answer.why);
  if (answer.code < 200 || answer.code > 299) {
    return unavailable(options, "it answered " + std::to_string(answer.code));
  }
  // It may have taken a part.
  const Json json = Json::parse(answer.body, nullptr, false);
  if (!json.is_object() || !json.contains("partialSuccess")) return {};
  const Json& partial = json["partialSuccess"];
  if (!partial.is_object() || !partial.contains("rejectedSpans")) return {};
  const Json& rejected = partial["rejectedSpans"];
  const std::string count = rejected.is_string() ? rejected.get<std::string>() : rejected.dump();
  if (count == "0") return {};
  const bool says_why = partial.contains("errorMessage") && partial["errorMessage"].is_string();
  return unavailable(options,
                     "it refused " + count + " spans" +
                         (says_why ? ": " + partial["errorMessage"].get<std::string>() : ""));
}

}  // namespace

Status check_collector(const CollectorOptions& options) {
  if (!options.url.starts_with("http://") && !options.url.starts_with("https://")) {
    return Status(StatusCode::kInvalidArgument,
                  "--otlp: '" + options.url +
                      "' is no address of a collector, such as http://localhost:4318.");
  }
  use_library();
  Headers headers;
  if (!read_headers(options.headers, &headers)) {
    return Status(StatusCode::kInvalidArgument,
                  "OTEL_EXPORTER_OTLP_HEADERS cannot be read: it has to be name=value, with commas "
                  "between several.");
  }
  return {};
}

Status send_to_collector(const CollectorOptions& options, const std::vector<std::string>& bodies) {
  FANFOLD_RETURN_IF_ERROR(check_collector(options));
  const Handle handle(curl_easy_init());
  Headers headers;
  append(&headers, "Content-Type: application/json");
  // Else a large request waits for the server's leave.
  append(&headers, "Expect:");
  read_headers(options.headers, &headers);
  curl_easy_setopt(handle.get(), CURLOPT_URL, endpoint_of(options.url).c_str());
  curl_easy_setopt(handle.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle.get(), CURLOPT_USERAGENT, "fanfold");
  curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle.get(), CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(handle.get(), CURLOPT_TIMEOUT, kRequestSeconds);
  curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, &take_answer);
  curl_easy_setopt(handle.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(handle.get(), CURLOPT_XFERINFOFUNCTION, &on_progress);
  curl_easy_setopt(handle.get(), CURLOPT_XFERINFODATA, &options);
  for (const std::string& body : bodies) {
    Answer answer = post(handle, body);
    for (int tries = 1; tries < kTries && is_busy(answer); ++tries) {
      ::poll(nullptr, 0, kBetweenTriesMilliseconds * tries);
      answer = post(handle, body);
    }
    FANFOLD_RETURN_IF_ERROR(status_of(options, answer));
  }
  return {};
}

}  // namespace fanfold::cli
