// The server as a browser, and somebody who is none, meets it on a real socket.

#include "common/http/http_server.hpp"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <latch>
#include <memory>
#include <thread>

#include "common/core/unique_fd.hpp"

namespace fanfold::master::web {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class HttpServerTest : public testing::Test {
 protected:
  void start(HttpServer::Responder responder, std::vector<std::string> hosts = {}) {
    auto started = HttpServer::start({.port = 0, .hosts = std::move(hosts)}, std::move(responder));
    ASSERT_TRUE(started.ok()) << started.status().message();
    server_ = *std::move(started);
  }
  void SetUp() override {
    start([](const HttpRequest& request) {
      std::string text = request.path;
      for (const auto& [name, value] : request.query) text += "|" + name + "=" + value;
      return HttpResponse{.body = text};
    });
  }

  sockaddr_in server_address() const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
  }
  UniqueFd connect() const {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = server_address();
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
    return socket;
  }
  static void send(const UniqueFd& socket, const std::string& text) {
    EXPECT_EQ(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  static std::string read_all(const UniqueFd& socket) {
    std::string text;
    char buffer[4096];
    while (true) {
      const ssize_t got = ::recv(socket.get(), buffer, sizeof buffer, 0);
      if (got <= 0) return text;
      text.append(buffer, static_cast<std::size_t>(got));
    }
  }
  std::string ask(const std::string& bytes) const {
    const UniqueFd socket = connect();
    send(socket, bytes);
    return read_all(socket);
  }
  std::string host() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  std::string get(const std::string& target, const std::string& more = {}) const {
    return ask("GET " + target + " HTTP/1.1\r\nHost: " + host() + "\r\n" + more + "\r\n");
  }

  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersWithWhatTheResponderSays) {
  const std::string answer = get("/some%20path?a=1&b=x%26y");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("\r\n\r\n/some path|a=1|b=x&y"));
}

TEST_F(HttpServerTest, ForbidsWhatAPageDoesNotNeed) {
  const std::string answer = get("/");
  EXPECT_THAT(answer, HasSubstr("Content-Security-Policy: default-src 'none'; script-src 'self'"));
  EXPECT_THAT(answer, Not(HasSubstr("unsafe-")));
  EXPECT_THAT(answer, HasSubstr("X-Content-Type-Options: nosniff"));
  EXPECT_THAT(answer, HasSubstr("Cache-Control: no-store"));
  EXPECT_THAT(answer, Not(HasSubstr("Access-Control-Allow-Origin")));
}

TEST_F(HttpServerTest, AnswersHeadWithoutABody) {
  const std::string answer = ask("HEAD /abc HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(answer, HasSubstr("Content-Length: 4\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(HttpServerTest, RefusesEveryOtherMethod) {
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "PATCH"}) {
    EXPECT_THAT(ask(std::string(method) + " / HTTP/1.1\r\nHost: " + host() +
                    "\r\nContent-Length: 0\r\n\r\n"),
                StartsWith("HTTP/1.1 405 "))
        << method;
  }
}

TEST_F(HttpServerTest, KnowsItsHostsExactly) {
  const std::string port = ":" + std::to_string(server_->port());
  const auto status = [&](const std::string& headers) {
    return ask("GET / HTTP/1.1\r\n" + headers + "\r\n").substr(9, 3);
  };
  EXPECT_EQ(status("Host: localhost" + port + "\r\n"), "200");
  EXPECT_EQ(status("Host: [::1]" + port + "\r\n"), "200");
  for (const std::vector<std::string> strangers = {"rebound.example" + port, "127.0.0.1",
                                                   "localhost", "127.0.0.1:1",
                                                   "localhost" + port + ".evil",
                                                   "x@localhost" + port, ""};
       const std::string& name : strangers) {
    EXPECT_EQ(status("Host: " + name + "\r\n"), "421") << name;
  }
  EXPECT_EQ(status(""), "421");
  EXPECT_EQ(status("Host: localhost" + port + "\r\nHost: evil\r\n"), "421");
}

TEST_F(HttpServerTest, KnowsHostsThatItWasGiven) {
  start([](const HttpRequest&) { return HttpResponse{}; }, {"tunnel:8080"});
  EXPECT_THAT(ask("GET / HTTP/1.1\r\nHost: tunnel:8080\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
}

TEST_F(HttpServerTest, TakesNoSecondRequestFromABody) {
  const std::string hidden = "GET /hidden HTTP/1.1\r\nHost: " + host() + "\r\n\r\n";
  for (const std::string& header : {"Content-Length: " + std::to_string(hidden.size()),
                                    std::string("Transfer-Encoding: chunked")}) {
    const std::string answer =
        ask("GET /seen HTTP/1.1\r\nHost: " + host() + "\r\n" + header + "\r\n\r\n" + hidden);
    EXPECT_THAT(answer, Not(HasSubstr("/hidden"))) << header;
  }
}

TEST_F(HttpServerTest, SurvivesRubbish) {
  for (const std::string& bytes :
       {std::string("\r\n\r\n"), std::string(100'000, 'x') + "\r\n\r\n",
        "GET " + std::string(20'000, '/') + " HTTP/1.1\r\nHost: " + host() + "\r\n\r\n",
        std::string("GET / HTTP/9\r\n\r\n"), std::string("\0\1\2\r\n\r\n", 7),
        "GET /%zz%00%ff HTTP/1.1\r\nHost: " + host() + "\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: " + host() +
            "\r\nRange: bytes=5-2,-,9999999999999999999-\r\n\r\n"}) {
    const UniqueFd socket = connect();
    static_cast<void>(::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
    ::shutdown(socket.get(), SHUT_WR);
    static_cast<void>(read_all(socket));
  }
  EXPECT_THAT(get("/still-there"), HasSubstr("/still-there"));
}

TEST_F(HttpServerTest, GivesAPartOfALargeAnswer) {
  const std::string body(5'000'000, 'b');
  start([&](const HttpRequest&) { return HttpResponse{.type = "application/json", .body = body}; });
  const std::string all = get("/", "Accept-Encoding: br, gzip\r\n");
  EXPECT_THAT(all.substr(0, 2000), Not(HasSubstr("Content-Encoding")));
  EXPECT_TRUE(all.ends_with(body));
}

TEST_F(HttpServerTest, GivesNoPartsOfAnswers) {
  for (const std::string range : {"100000-200000", "1000000000000-1000000000001", "0-99999999",
                                  "0-0", "-5", "2-", "0-1,100-200"}) {
    const std::string answer = get("/some/path", "Range: bytes=" + range + "\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 416 ")) << range;
    EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
  }
}

TEST_F(HttpServerTest, LetsNobodySendForEver) {
  for (const std::string& forever :
       {std::string("x"), std::string("GET / HTTP/1.1\r\nA: "), std::string("A: b\r\n")}) {
    const UniqueFd socket = connect();
    std::string begun = forever.size() > 1 ? "GET / HTTP/1.1\r\n" : "";
    std::size_t sent = 0;
    // The server has closed when this fails: far below what a machine has room for.
    while (sent < (64u << 20)) {
      begun += forever;
      const ssize_t one = ::send(socket.get(), begun.data(), begun.size(), MSG_NOSIGNAL);
      if (one < 0) break;
      sent += static_cast<std::size_t>(one);
      begun.clear();
      if (forever.size() > 6) begun = std::string(4096, 'y');
    }
    EXPECT_LT(sent, 64u << 20) << forever;
  }
  EXPECT_THAT(get("/still-there"), HasSubstr("/still-there"));
}

TEST_F(HttpServerTest, EndsAtOnceWithConnectionsThatSayNothing) {
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 8; ++i) silent.push_back(connect());
  send(silent[0], "GET / HT");
  const auto began = std::chrono::steady_clock::now();
  server_.reset();
  // Long before their patience of 5 s ends.
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(3));
}

std::size_t open_files() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(files), end(files)));
}

TEST_F(HttpServerTest, HoldsABoundedNumberOfConnections) {
  std::atomic<int> asked = 0;
  // The last of them may be answered when this test is over, and the server is about to be.
  const auto may_answer = std::make_shared<std::promise<void>>();
  start([&asked, answer = may_answer->get_future().share()](const HttpRequest& request) {
    if (answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready) ++asked;
    answer.wait();
    return HttpResponse{.body = request.path};
  });
  constexpr std::size_t kClients = 60;
  const std::size_t before = open_files();
  std::vector<UniqueFd> clients;
  // Those beyond what the kernel lets wait are not connected yet, and no descriptors of the server.
  for (std::size_t i = 0; i < kClients; ++i) {
    UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const sockaddr_in address = server_address();
    static_cast<void>(
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
    const std::string request = "GET /x HTTP/1.1\r\nHost: " + host() + "\r\n\r\n";
    static_cast<void>(::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL));
    clients.push_back(std::move(socket));
  }
  while (asked < 4) std::this_thread::yield();
  std::size_t most = 0;
  for (int look = 0; look < 2000; ++look) most = std::max(most, open_files());
  EXPECT_LE(most, before + kClients + 4 + 16 + 1);
  EXPECT_EQ(asked, 4);
  may_answer->set_value();
  clients.clear();
  EXPECT_THAT(get("/after"), HasSubstr("/after"));
}

TEST_F(HttpServerTest, EndsWhileItAnswers) {
  std::latch asked(1);
  std::latch may_answer(1);
  start([&](const HttpRequest&) {
    asked.count_down();
    may_answer.wait();
    return HttpResponse{.body = "late"};
  });
  const UniqueFd socket = connect();
  send(socket, "GET / HTTP/1.1\r\nHost: " + host() + "\r\n\r\n");
  asked.wait();
  std::jthread end([this] { server_.reset(); });
  may_answer.count_down();
  // It may be cut short, but nobody is left waiting.
  static_cast<void>(read_all(socket));
  end.join();
  EXPECT_EQ(server_, nullptr);
}

TEST_F(HttpServerTest, SharesItsPortWithNobody) {
  const auto second = HttpServer::start({.port = server_->port(), .hosts = {}}, {});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.status().message(), HasSubstr("Address already in use"));
}

}  // namespace
}  // namespace fanfold::master::web
