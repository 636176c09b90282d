// What a client does about servers that are away, busy, slow, silent, broken, or say no.

#include "common/s3/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/core/clock.hpp"
#include "tests/s3/scripted_server.hpp"

namespace fanfold::s3 {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using End = Reaction::End;

class S3Client : public testing::Test {
 protected:
  S3Client() {
    settings_.path_style = true;
    settings_.credentials = {"KEY", "SECRET", "", "a test"};
    settings_.silence_max = 300ms;
    settings_.patience = 20s;
  }

  void serve(ScriptedServer::Script script) {
    server_ = std::make_unique<ScriptedServer>(std::move(script));
    settings_.endpoint = server_->url();
    client_ = *Client::make(settings_);
  }
  static Call get() {
    Call call;
    call.object = {"bucket", "key"};
    return call;
  }
  Result<Answer> perform() { return client_->perform(get()); }
  /// The first answers are `reaction`, then all is well.
  void serve_after(int times, const Reaction& reaction) {
    serve([this, times, reaction](const Heard&) {
      return calls_++ < times ? reaction : Reaction{http_answer(200, {}, "fine")};
    });
  }
  void expect_fine(int calls) {
    const auto answer = perform();
    ASSERT_TRUE(answer.ok()) << answer.status().message();
    EXPECT_EQ(answer->body, "fine");
    EXPECT_EQ(calls_, calls);
  }
  std::string refusal(const std::string& bytes) {
    serve([bytes](const Heard&) { return Reaction{bytes}; });
    const auto answer = perform();
    if (!answer.ok()) return answer.status().message();
    EXPECT_FALSE(answer->ok());
    return client_->refusal(get(), *answer).message();
  }

  Settings settings_;
  std::atomic<int> calls_{0};
  std::unique_ptr<ScriptedServer> server_;
  std::unique_ptr<Client> client_;
};

TEST_F(S3Client, TriesAgainWhatAServerCannotDoNow) {
  for (const int status : {500, 502, 503, 504, 429}) {
    calls_ = 0;
    serve_after(2, {s3_error(status, "SlowDown")});
    expect_fine(3);
  }
}

TEST_F(S3Client, TriesAgainAfterAReset) {
  serve_after(2, {"", End::kReset});
  expect_fine(3);
}

TEST_F(S3Client, TriesAgainAfterABodyThatEndsEarly) {
  serve_after(2, {"HTTP/1.1 200 x\r\nContent-Length: 100\r\n\r\nonly a part", End::kClose});
  expect_fine(3);
}

TEST_F(S3Client, TriesAgainAfterSilence) {
  serve_after(1, {"HTTP/1.1 200 x\r\nContent-Length: 100\r\n\r\nonly a part", End::kHang});
  expect_fine(2);
}

TEST_F(S3Client, TakesAnErrorInsideASuccessForWhatItIs) {
  serve_after(1, {http_answer(200, {}, "<Error><Code>InternalError</Code></Error>")});
  expect_fine(2);
}

TEST_F(S3Client, WaitsForASlowBodyAsLongAsSomethingComes) {
  Reaction slow{http_answer(200, {}, "slowly")};
  slow.piece = 4;
  slow.pause = 50ms;
  serve([slow](const Heard&) { return slow; });
  const Instant start = steady_clock().now();
  const auto answer = perform();
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer->body, "slowly");
  // Longer than the silence that is borne.
  EXPECT_GT(steady_clock().now() - start, settings_.silence_max);
  EXPECT_EQ(server_->heard().size(), 1u);
}

TEST_F(S3Client, GivesUpAServerThatDripsForEver) {
  settings_.silence_max = 100ms;
  settings_.patience = 0s;
  Reaction dripping{http_answer(200, {}, std::string(40'000, '.'))};
  dripping.piece = 40;
  dripping.pause = 20ms;
  serve([dripping](const Heard&) { return dripping; });
  const auto answer = perform();
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(answer.status().message(), HasSubstr(settings_.endpoint + " does not answer"));
}

TEST_F(S3Client, GivesUpInTheEndAndSaysWhy) {
  settings_.patience = 600ms;
  EXPECT_THAT(refusal(s3_error(503, "SlowDown")), HasSubstr("503 SlowDown, words of the server"));
  EXPECT_GT(server_->heard().size(), 2u);
  serve([](const Heard&) { return Reaction{"", End::kHang}; });
  const std::string silent = perform().status().message();
  EXPECT_THAT(silent, HasSubstr(settings_.endpoint + " does not answer"));
  EXPECT_THAT(silent, HasSubstr("s3://bucket/key"));
}

TEST_F(S3Client, HearsSoonThatNobodyIsThere) {
  serve([](const Heard&) { return Reaction{}; });
  server_.reset();  // Its port is free now.
  const Status status = perform().status();
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_THAT(status.message(), HasSubstr("cannot reach the S3 endpoint " + settings_.endpoint));
  EXPECT_THAT(status.message(), HasSubstr("tried 3 times"));
}

TEST_F(S3Client, TriesNoRefusalTwice) {
  refusal(s3_error(403, "AccessDenied"));
  EXPECT_EQ(server_->heard().size(), 1u);
}

TEST_F(S3Client, PutsRefusalsInWords) {
  EXPECT_THAT(refusal(s3_error(404, "NoSuchBucket")), HasSubstr("there is no bucket 'bucket' at"));
  EXPECT_THAT(refusal(s3_error(403, "AccessDenied")),
              HasSubstr("access to s3://bucket/key is denied to the access key KEY (from a test)"));
  EXPECT_THAT(refusal(s3_error(403, "InvalidAccessKeyId")), HasSubstr("does not know the access"));
  EXPECT_THAT(refusal(s3_error(403, "SignatureDoesNotMatch")),
              HasSubstr("the secret key does not belong to the access key KEY"));
  EXPECT_THAT(refusal(s3_error(400, "ExpiredToken")), HasSubstr("is not valid any more"));
  EXPECT_THAT(refusal(s3_error(301, "PermanentRedirect", {{"x-amz-bucket-region", "eu-west-3"}})),
              HasSubstr("'bucket' is not in region us-east-1 but in eu-west-3; set AWS_REGION="));
  EXPECT_THAT(
      refusal(http_answer(400, {},
                          "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-south-1"
                          "</Region></Error>")),
      HasSubstr("but in eu-south-1"));
  const std::string skewed =
      refusal(s3_error(403, "RequestTimeTooSkewed", {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}}));
  EXPECT_THAT(skewed, HasSubstr("clock differs too much from the S3 server's, which has Fri, 24"));
  EXPECT_THAT(refusal(s3_error(418, "Teapot")), HasSubstr("418 Teapot, words of the server"));
}

TEST_F(S3Client, SignsAndSendsWhatItWasGiven) {
  serve([](const Heard&) { return Reaction{http_answer(200, {}, "")}; });
  Call call;
  call.method = "PUT";
  call.object = {"bucket", "a b/\xc3\xbc+"};
  call.query = {{"x", "1 2"}};
  call.headers = {{"if-none-match", "*"}};
  call.body = "the body";
  settings_.credentials.session_token = "TOKEN";
  client_ = *Client::make(settings_);
  ASSERT_TRUE(client_->perform(call)->ok());
  const Heard heard = server_->heard().front();
  EXPECT_EQ(heard.method, "PUT");
  EXPECT_EQ(heard.path, "/bucket/a%20b/%C3%BC%2B");
  EXPECT_EQ(heard.query.at("x"), "1 2");
  EXPECT_EQ(heard.body, "the body");
  EXPECT_EQ(heard.headers.at("if-none-match"), "*");
  EXPECT_EQ(heard.headers.at("x-amz-security-token"), "TOKEN");
  EXPECT_THAT(heard.headers.at("authorization"), HasSubstr("if-none-match"));
  EXPECT_FALSE(heard.headers.contains("expect"));
}

}  // namespace
}  // namespace fanfold::s3
