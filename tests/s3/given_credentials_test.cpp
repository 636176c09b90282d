// Credentials of containers and of web identities: who is asked, what he is shown, and whom nobody
// asks.

#include "common/s3/given_credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <ctime>

#include "common/s3/credential_service.hpp"
#include "common/s3/s3_file_system.hpp"
#include "common/s3/settings.hpp"
#include "tests/io/temporary_directory.hpp"
#include "tests/s3/scripted_server.hpp"

namespace fanfold::s3 {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

std::string utc(std::int64_t seconds) {
  const std::time_t when = seconds;
  std::tm parts{};
  ::gmtime_r(&when, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

/// A store, and a service that gives credentials for it.
class GivenCredentials : public testing::Test {
 protected:
  GivenCredentials() {
    bucket_.objects["a"] = "alpha";
    variables_["HOME"] = directory_.path();
    variables_["AWS_ENDPOINT_URL_S3"] = store_.url();
    // Nobody in these tests is to be asked for the role of the host.
    variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = host_.url();
  }

  std::optional<std::string> variable(const std::string& name) const {
    const auto found = variables_.find(name);
    return found == variables_.end() ? std::nullopt : std::optional(found->second);
  }
  std::unique_ptr<io::FileSystem> file_system() {
    return make_s3_file_system([this](const std::string& name) { return variable(name); });
  }
  Status stat() { return file_system()->stat("s3://bucket/a").status(); }
  std::string signer() const { return store_.heard().back().headers.at("authorization"); }

  Reaction answer(const Heard&) {
    if (failures_.fetch_sub(1) > 0) return {http_answer(status_, {}, body_)};
    return {http_answer(200, {}, given())};
  }
  virtual std::string given() {
    return R"({"RoleArn":"arn:r","AccessKeyId":"KEY)" + std::to_string(++given_) +
           R"(","SecretAccessKey":"S","Token":"SESSION","Expiration":")" +
           utc(std::time(nullptr) + lasts_) + R"("})";
  }

  io::TemporaryDirectory directory_;
  std::map<std::string, std::string> variables_;
  std::atomic<int> lasts_ = 3600;  // Seconds.
  std::atomic<int> given_ = 0;
  std::atomic<int> failures_ = 0;  // So many answers yet are `status_` and `body_`.
  int status_ = 500;
  std::string body_;
  FakeBucket bucket_;
  ScriptedServer host_{[](const Heard&) { return Reaction{http_answer(404, {}, "")}; }};
  ScriptedServer service_{[this](const Heard& heard) { return answer(heard); }};
  ScriptedServer store_{[this](const Heard& heard) { return bucket_.answer(heard); }};
};

class ContainerCredentials : public GivenCredentials {
 protected:
  ContainerCredentials() {
    variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = service_.url() + "/v1/credentials";
  }
};

TEST_F(ContainerCredentials, SignRequestsAndAreAskedForOnceWhileTheyAreGood) {
  const auto files = file_system();
  ASSERT_TRUE(files->stat("s3://bucket/a").ok());
  ASSERT_TRUE(files->stat("s3://bucket/a").ok());
  EXPECT_THAT(signer(), HasSubstr("Credential=KEY1/"));
  EXPECT_EQ(store_.heard().back().headers.at("x-amz-security-token"), "SESSION");
  ASSERT_EQ(service_.heard().size(), 1u);
  EXPECT_EQ(service_.heard().front().path, "/v1/credentials");
  EXPECT_FALSE(service_.heard().front().headers.contains("authorization"));
  EXPECT_THAT(host_.heard(), IsEmpty());
}

TEST_F(ContainerCredentials, AreAskedForAgainBeforeTheyExpireWithTheTokenOfThatMoment) {
  lasts_ = 60;
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "constant";
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = directory_.write("token", "first\n");
  const auto files = file_system();
  ASSERT_TRUE(files->stat("s3://bucket/a").ok());
  EXPECT_EQ(service_.heard().back().headers.at("authorization"), "first");
  directory_.write("token", "second\n");
  lasts_ = 3600;
  const int before = given_;
  ASSERT_TRUE(files->stat("s3://bucket/a").ok());
  EXPECT_EQ(given_, before + 1);
  EXPECT_EQ(service_.heard().back().headers.at("authorization"), "second");
  EXPECT_THAT(signer(), HasSubstr("Credential=KEY" + std::to_string(before + 1) + "/"));
}

TEST_F(ContainerCredentials, AreGivenToWhoShowsTheTokenOfItsVariables) {
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "constant";
  ASSERT_TRUE(stat().ok());
  EXPECT_EQ(service_.heard().back().headers.at("authorization"), "constant");
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "two\r\nX-Lines: 1";
  EXPECT_THAT(stat().message(), HasSubstr("AWS_CONTAINER_AUTHORIZATION_TOKEN has a line end"));
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = directory_.write("token", "a\nb\n");
  variables_.erase("AWS_CONTAINER_AUTHORIZATION_TOKEN");
  const Status two_lines = stat();
  EXPECT_EQ(two_lines.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(two_lines.message(), HasSubstr("is no token"));
  variables_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = directory_.path() + "/absent";
  EXPECT_THAT(stat().message(), HasSubstr("/absent cannot be read"));
  EXPECT_EQ(service_.heard().size(), 1u);
}

TEST_F(ContainerCredentials, ComeAfterKeysAndBeforeTheRoleOfTheHost) {
  variables_["AWS_SHARED_CREDENTIALS_FILE"] =
      directory_.write("keys", "[default]\naws_access_key_id = FILE\naws_secret_access_key = S\n");
  ASSERT_TRUE(stat().ok());
  EXPECT_THAT(signer(), HasSubstr("Credential=FILE/"));
  variables_["AWS_ACCESS_KEY_ID"] = "OWN";
  variables_["AWS_SECRET_ACCESS_KEY"] = "S";
  ASSERT_TRUE(stat().ok());
  EXPECT_THAT(signer(), HasSubstr("Credential=OWN/"));
  EXPECT_THAT(service_.heard(), IsEmpty());
}

TEST_F(ContainerCredentials, ThatAreRefusedAreNotThoseOfTheHostInstead) {
  status_ = 403;
  body_ = R"({"code":"AccessDenied","message":"this pod has no role"})";
  failures_ = 1000;
  const Status refused = stat();
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.message(),
              AllOf(HasSubstr("AWS_CONTAINER_CREDENTIALS_FULL_URI"), HasSubstr("answers 403"),
                    HasSubstr("AccessDenied: this pod has no role")));
  EXPECT_THAT(host_.heard(), IsEmpty());
}

TEST_F(ContainerCredentials, ThatAServiceInTroubleDoesNotGiveAreNoFaultOfTheTask) {
  failures_ = 2;
  const Status trouble = stat();
  EXPECT_EQ(trouble.code(), StatusCode::kIoError);
  EXPECT_THAT(trouble.message(), HasSubstr("answers 500"));
  failures_ = 1;
  EXPECT_TRUE(stat().ok()) << "it is asked twice";
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://127.0.0.1:1/v1/credentials";
  EXPECT_EQ(stat().code(), StatusCode::kIoError) << "its agent will be there again";
}

TEST_F(ContainerCredentials, AreGivenByNoProxy) {
  ScriptedServer proxy([](const Heard&) { return Reaction{http_answer(200, {}, "of a proxy")}; });
  ASSERT_EQ(::setenv("http_proxy", proxy.url().c_str(), 1), 0);
  const auto session = HttpSession::make();
  ASSERT_TRUE(session.ok());
  const auto service =
      read_container_service([this](const std::string& name) { return variable(name); });
  ASSERT_TRUE(service.ok() && service->has_value());
  const auto given = ask_container(**session, **service);
  ::unsetenv("http_proxy");
  ASSERT_TRUE(given.ok()) << given.status().message();
  EXPECT_THAT(proxy.heard(), IsEmpty());
}

TEST(ContainerService, IsOneThatMayBeToldWhoThisIs) {
  const auto read = [](const std::string& name, const std::string& value) {
    return read_container_service([&](const std::string& asked) {
      return asked == name ? std::optional(value) : std::nullopt;
    });
  };
  const std::string full = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
  for (const char* local :
       {"http://127.0.0.1/", "http://127.1.2.3:80/x", "http://localhost:1/x?y", "http://[::1]:8/",
        "http://169.254.170.2/v2", "http://169.254.170.23/v1", "http://[fd00:ec2::23]/v1",
        "https://localhost/"}) {
    const auto service = read(full, local);
    ASSERT_TRUE(service.ok()) << service.status().message();
    EXPECT_TRUE((*service)->local) << local;
  }
  const auto far = read(full, "https://agent.example:8443/x");
  ASSERT_TRUE(far.ok());
  EXPECT_FALSE((*far)->local);
  for (const char* wrong :
       {"http://10.0.0.1/", "http://agent.example/", "http://127.0.0.1.example/",
        "http://127.0.0.1@agent.example/", "http://169.254.170.2:80@agent.example/",
        "http://localhost\\@agent.example/", "http://127.1/", "http://0x7f000001/",
        "http://169.254.169.254/", "ftp://127.0.0.1/", "127.0.0.1/x", "https://", "https:///x",
        "https://a@b/", "http://"}) {
    const auto service = read(full, wrong);
    EXPECT_EQ(service.status().code(), StatusCode::kInvalidArgument) << wrong;
    EXPECT_THAT(service.status().message(), HasSubstr(wrong));
  }
  const auto relative = read("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1");
  ASSERT_TRUE(relative.ok());
  EXPECT_EQ((*relative)->url, "http://169.254.170.2/v2/credentials/1");
  EXPECT_TRUE((*relative)->local);
  // It must not become another host.
  EXPECT_FALSE(read("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@agent.example/").ok());
  EXPECT_FALSE(read("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", ":80@agent.example/").ok());
}

class WebIdentityCredentials : public GivenCredentials {
 protected:
  WebIdentityCredentials() {
    variables_["AWS_ENDPOINT_URL_STS"] = service_.url() + "/";
    variables_["AWS_ROLE_ARN"] = "arn:aws:iam::1:role/readers";
    variables_["AWS_WEB_IDENTITY_TOKEN_FILE"] = directory_.write("token", "ey.J+/=\n");
  }
  std::string given() override {
    return "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>"
           "<SessionToken>A&amp;B</SessionToken><SecretAccessKey>S</SecretAccessKey><Expiration>" +
           utc(std::time(nullptr) + lasts_) + "</Expiration><AccessKeyId>WEB" +
           std::to_string(++given_) +
           "</AccessKeyId></Credentials></AssumeRoleWithWebIdentityResult>"
           "</AssumeRoleWithWebIdentityResponse>";
  }
};

TEST_F(WebIdentityCredentials, AreThoseOfTheRoleThatTheTokenMayHave) {
  // It comes before keys in files and agents of containers.
  variables_["AWS_SHARED_CREDENTIALS_FILE"] =
      directory_.write("keys", "[default]\naws_access_key_id = FILE\naws_secret_access_key = S\n");
  variables_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = host_.url();
  variables_["AWS_ROLE_SESSION_NAME"] = "host 1";
  ASSERT_TRUE(stat().ok());
  EXPECT_THAT(signer(), HasSubstr("Credential=WEB1/"));
  EXPECT_EQ(store_.heard().back().headers.at("x-amz-security-token"), "A&B");
  const Heard asked = service_.heard().front();
  EXPECT_EQ(asked.method, "POST");
  EXPECT_EQ(asked.path, "/");
  EXPECT_THAT(asked.headers.at("content-type"), HasSubstr("x-www-form-urlencoded"));
  EXPECT_EQ(asked.body,
            "Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Freaders"
            "&RoleSessionName=host%201&Version=2011-06-15&WebIdentityToken=ey.J%2B%2F%3D");
  EXPECT_THAT(host_.heard(), IsEmpty());
}

TEST_F(WebIdentityCredentials, AreAskedForAgainWithTheTokenOfThatMoment) {
  lasts_ = 60;
  const auto files = file_system();
  ASSERT_TRUE(files->stat("s3://bucket/a").ok());
  directory_.write("token", "another");
  ASSERT_TRUE(files->stat("s3://bucket/a").ok());
  EXPECT_THAT(service_.heard().back().body, HasSubstr("WebIdentityToken=another"));
  // While the service is in trouble those that are good are used.
  failures_ = 1000;
  EXPECT_TRUE(files->stat("s3://bucket/a").ok());
}

TEST_F(WebIdentityCredentials, AreThoseOfAProfile) {
  const std::string token = variables_["AWS_WEB_IDENTITY_TOKEN_FILE"];
  variables_.erase("AWS_WEB_IDENTITY_TOKEN_FILE");
  variables_.erase("AWS_ROLE_ARN");
  variables_["AWS_PROFILE"] = "work";
  variables_["AWS_CONFIG_FILE"] = directory_.write(
      "config", "[profile work]\nrole_arn = arn:r\nweb_identity_token_file = " + token +
                    "\nrole_session_name = me\n");
  ASSERT_TRUE(stat().ok());
  EXPECT_THAT(service_.heard().front().body,
              AllOf(HasSubstr("RoleArn=arn%3Ar"), HasSubstr("RoleSessionName=me")));
}

TEST_F(WebIdentityCredentials, ThatAreRefusedSayWhoseAndWhy) {
  status_ = 400;
  body_ =
      "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>No provider</Message>"
      "</Error></ErrorResponse>";
  failures_ = 1;
  const Status refused = stat();
  EXPECT_EQ(refused.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(refused.message(),
              AllOf(HasSubstr("arn:aws:iam::1:role/readers"), HasSubstr("AWS_ROLE_ARN"),
                    HasSubstr(variables_["AWS_WEB_IDENTITY_TOKEN_FILE"]),
                    HasSubstr("InvalidIdentityToken: No provider")));
  EXPECT_THAT(refused.message(), testing::Not(HasSubstr("ey.J"))) << "the token is a secret";
  // What may pass costs the host, not the task.
  body_ = "<ErrorResponse><Error><Code>ExpiredTokenException</Code></Error></ErrorResponse>";
  failures_ = 2;
  EXPECT_EQ(stat().code(), StatusCode::kIoError);
  variables_.erase("AWS_ROLE_ARN");
  EXPECT_THAT(stat().message(), HasSubstr("AWS_ROLE_ARN, which names the role to take, is not"));
}

TEST_F(WebIdentityCredentials, AreAskedForWhereTheToolsLook) {
  const auto endpoint = [this] {
    const auto settings = read_settings([this](const std::string& name) { return variable(name); });
    EXPECT_TRUE(settings.ok()) << settings.status().message();
    return settings.ok() ? settings->web_identity->endpoint : "";
  };
  EXPECT_EQ(endpoint(), service_.url());
  variables_.erase("AWS_ENDPOINT_URL_STS");
  EXPECT_EQ(endpoint(), "https://sts.amazonaws.com");
  variables_["AWS_REGION"] = "eu-west-1";
  EXPECT_EQ(endpoint(), "https://sts.eu-west-1.amazonaws.com");
  variables_["AWS_ENDPOINT_URL"] = "http://10.0.0.1:9000";
  EXPECT_EQ(endpoint(), "http://10.0.0.1:9000");
}

}  // namespace
}  // namespace fanfold::s3
