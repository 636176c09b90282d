// Credentials that the host was given by its cloud: asked for the way the metadata service wants
// it, used, and asked for again in time.

#include "common/s3/credential_source.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <ctime>

#include "common/s3/s3_file_system.hpp"
#include "tests/io/temporary_directory.hpp"
#include "tests/s3/scripted_server.hpp"

namespace fanfold::s3 {
namespace {

using testing::HasSubstr;

std::string utc(std::int64_t seconds) {
  const std::time_t when = seconds;
  std::tm parts{};
  ::gmtime_r(&when, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

/// The metadata service of a host, as version 2 of it is, and a bucket.
class InstanceCredentials : public testing::Test {
 protected:
  InstanceCredentials() {
    bucket_.objects["a"] = "alpha";
    variables_["HOME"] = directory_.path();
    variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = metadata_.url() + "/";
    variables_["AWS_ENDPOINT_URL"] = store_.url();
  }

  std::unique_ptr<io::FileSystem> file_system() {
    return make_s3_file_system([this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    });
  }
  Settings settings() {
    Settings settings;
    settings.metadata = metadata_.url();
    settings.no_credentials = "S3: no credentials";
    return settings;
  }
  /// Headers of the requests that the store got.
  std::vector<std::string> signers() const {
    std::vector<std::string> all;
    for (const Heard& one : store_.heard()) all.push_back(one.headers.at("authorization"));
    return all;
  }

  Reaction answer_metadata(const Heard& heard) {
    if (broken_ || failures_.fetch_sub(1) > 0) return {http_answer(500, {}, "")};
    if (heard.path == "/latest/api/token") {
      const bool asked =
          heard.method == "PUT" && heard.headers.contains("x-aws-ec2-metadata-token-ttl-seconds");
      return {asked ? http_answer(200, {}, "T0K3N") : http_answer(405, {}, "")};
    }
    const auto token = heard.headers.find("x-aws-ec2-metadata-token");
    if (token == heard.headers.end() || token->second != "T0K3N") {
      return {http_answer(401, {}, "")};
    }
    const std::string roles = "/latest/meta-data/iam/security-credentials/";
    if (heard.path == roles) return {http_answer(role_.empty() ? 404 : 200, {}, role_)};
    if (heard.path == "/latest/meta-data/placement/region") {
      return {http_answer(region_.empty() ? 404 : 200, {}, region_)};
    }
    if (heard.path == roles + role_) {
      if (!json_.empty()) return {http_answer(200, {}, json_)};
      const std::string name = "KEY" + std::to_string(++given_);
      return {http_answer(200, {},
                          R"({"Code":"Success","AccessKeyId":")" + name +
                              R"(","SecretAccessKey":"S","Token":"SESSION","Expiration":")" +
                              utc(std::time(nullptr) + lasts_) + R"("})")};
    }
    return {http_answer(404, {}, "")};
  }

  io::TemporaryDirectory directory_;
  std::map<std::string, std::string> variables_;
  std::string role_ = "readers";
  std::string region_ = "eu-west-1\n";
  std::string json_;               // Instead of good credentials.
  std::atomic<int> lasts_ = 3600;  // Seconds.
  std::atomic<int> given_ = 0;
  std::atomic<bool> broken_ = false;
  std::atomic<int> failures_ = 0;  // So many answers yet.
  FakeBucket bucket_;
  ScriptedServer metadata_{[this](const Heard& heard) { return answer_metadata(heard); }};
  ScriptedServer store_{[this](const Heard& heard) { return bucket_.answer(heard); }};
};

TEST_F(InstanceCredentials, SignRequestsAndAreAskedForOnceWhileTheyAreGood) {
  const auto files = file_system();
  ASSERT_TRUE(files->stat("s3://bucket/a").ok());
  ASSERT_TRUE(files->stat("s3://bucket/a").ok());
  for (const std::string& signer : signers()) {
    EXPECT_THAT(signer, HasSubstr("Credential=KEY1/"));
    EXPECT_THAT(signer, HasSubstr("x-amz-security-token"));
  }
  EXPECT_EQ(store_.heard().front().headers.at("x-amz-security-token"), "SESSION");
  EXPECT_EQ(given_, 1);
}

TEST_F(InstanceCredentials, AreAskedForAgainBeforeTheyExpire) {
  lasts_ = 60;
  const auto files = file_system();
  ASSERT_TRUE(files->stat("s3://bucket/a").ok());
  EXPECT_THAT(signers().front(), HasSubstr("Credential=KEY"));
  lasts_ = 3600;
  const int before = given_;
  ASSERT_TRUE(files->stat("s3://bucket/a").ok());
  ASSERT_TRUE(files->stat("s3://bucket/a").ok());
  EXPECT_EQ(given_, before + 1);
  EXPECT_THAT(signers().back(), HasSubstr("Credential=KEY" + std::to_string(before + 1) + "/"));
}

TEST_F(InstanceCredentials, AreUsedToTheirEndWhileNobodyGivesOthers) {
  lasts_ = 60;
  const auto files = file_system();
  ASSERT_TRUE(files->stat("s3://bucket/a").ok());
  broken_ = true;
  const auto again = files->stat("s3://bucket/a");
  EXPECT_TRUE(again.ok()) << again.status().message();
  // A service that fails is not asked at each request.
  const std::size_t asked = metadata_.heard().size();
  EXPECT_TRUE(files->stat("s3://bucket/a").ok());
  EXPECT_EQ(metadata_.heard().size(), asked);
}

TEST_F(InstanceCredentials, ThatHaveExpiredAreAFaultOfTheHost) {
  lasts_ = 2;
  CredentialSource source(settings());
  const auto session = HttpSession::make();
  ASSERT_TRUE(session.ok());
  auto now = source.current(**session);
  // One that was held up for two seconds gets them too late.
  for (int tries = 0; tries < 10 && !now.ok(); ++tries) now = source.current(**session);
  ASSERT_TRUE(now.ok()) << now.status().message();
  role_ = "";
  while (now.ok()) {
    (*session)->wait(std::chrono::milliseconds(20));
    now = source.current(**session);
  }
  EXPECT_EQ(now.status().code(), StatusCode::kIoError);
  EXPECT_THAT(now.status().message(), HasSubstr("have expired"));
  EXPECT_THAT(now.status().message(), HasSubstr("answers 404"));
}

TEST_F(InstanceCredentials, ThatAServiceInTroubleDoesNotGiveAreNoFaultOfTheTask) {
  const auto refusal = [this] {
    const Status status = file_system()->stat("s3://bucket/a").status();
    EXPECT_EQ(status.code(), StatusCode::kIoError) << status.message();
    return status.message();
  };
  broken_ = true;
  EXPECT_THAT(refusal(), HasSubstr("answers 500"));
  broken_ = false;
  role_ = "../../other";
  EXPECT_THAT(refusal(), HasSubstr("names no role"));
  role_ = "readers";
  json_ = "<html>";
  EXPECT_THAT(refusal(), HasSubstr("gives no credentials"));
  json_ = "";
  lasts_ = -60;
  EXPECT_THAT(refusal(), HasSubstr("have expired by this host's clock"));
  EXPECT_TRUE(store_.heard().empty());
}

TEST_F(InstanceCredentials, AreAskedForAgainWhenTheServiceWasInTrouble) {
  Settings own = settings();
  own.endpoint = store_.url();
  own.path_style = true;
  const auto client = Client::make(own);
  ASSERT_TRUE(client.ok());
  failures_ = 2;
  Call call;
  call.method = "GET";
  call.object = {"bucket", "a"};
  const auto answer = (*client)->perform(call);
  ASSERT_TRUE(answer.ok()) << answer.status().message();
  EXPECT_EQ(answer->body, "alpha");
  EXPECT_LE(failures_, 0);
}

TEST_F(InstanceCredentials, ThatAreNotThereAreNotLookedForAtEachPath) {
  role_ = "";
  const auto files = file_system();
  EXPECT_FALSE(files->stat("s3://bucket/a").ok());
  const std::size_t asked = metadata_.heard().size();
  const Status again = files->stat("s3://bucket/a").status();
  EXPECT_THAT(again.message(), HasSubstr("answers 404"));
  EXPECT_EQ(metadata_.heard().size(), asked);
}

TEST_F(InstanceCredentials, AreGivenByNoProxy) {
  ScriptedServer proxy([](const Heard&) { return Reaction{http_answer(200, {}, "of a proxy")}; });
  ASSERT_EQ(::setenv("http_proxy", proxy.url().c_str(), 1), 0);
  const auto session = HttpSession::make();
  ASSERT_TRUE(session.ok());
  CredentialSource source(settings());
  const auto given = source.current(**session);
  const auto region = source.region(**session);
  const std::size_t heard_of_host = proxy.heard().size();
  // That the proxy is one for everybody else.
  HttpRequest other;
  other.url = store_.url() + "/bucket/a";
  const auto exchange = (*session)->start(std::move(other));
  while (!exchange->done()) (*session)->wait(std::chrono::milliseconds(100));
  ::unsetenv("http_proxy");
  EXPECT_EQ(exchange->take_reply().body, "of a proxy");
  EXPECT_EQ(heard_of_host, 0u);
  ASSERT_TRUE(given.ok()) << given.status().message();
  EXPECT_EQ((*given)->access_key, "KEY1");
  EXPECT_TRUE(region.ok()) << region.status().message();
}

TEST_F(InstanceCredentials, ComeWithTheRegionOfTheHost) {
  const auto session = HttpSession::make();
  ASSERT_TRUE(session.ok());
  const CredentialSource source(settings());
  const auto region = source.region(**session);
  ASSERT_TRUE(region.ok()) << region.status().message();
  EXPECT_EQ(*region, "eu-west-1");
  region_ = "";
  EXPECT_EQ(source.region(**session).status().code(), StatusCode::kNotFound);
  region_ = "eu west/../1";
  const Status strange = source.region(**session).status();
  EXPECT_EQ(strange.code(), StatusCode::kIoError);
  EXPECT_THAT(strange.message(), HasSubstr("names no region: set AWS_REGION"));
}

TEST_F(InstanceCredentials, ThatAreNotThereAreMissedWhereEverybodyLooks) {
  role_ = "";
  const Status missing = file_system()->stat("s3://bucket/a").status();
  EXPECT_EQ(missing.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(missing.message(), HasSubstr("no credentials: set AWS_ACCESS_KEY_ID"));
  EXPECT_THAT(missing.message(), HasSubstr("answers 404"));
  variables_["AWS_EC2_METADATA_DISABLED"] = "true";
  const std::size_t asked = metadata_.heard().size();
  EXPECT_FALSE(file_system()->stat("s3://bucket/a").ok());
  EXPECT_EQ(metadata_.heard().size(), asked);
}

TEST_F(InstanceCredentials, AreNotAskedForByWhoeverHasAKey) {
  variables_["AWS_ACCESS_KEY_ID"] = "OWN";
  variables_["AWS_SECRET_ACCESS_KEY"] = "SECRET";
  ASSERT_TRUE(file_system()->stat("s3://bucket/a").ok());
  EXPECT_THAT(signers().front(), HasSubstr("Credential=OWN/"));
  EXPECT_TRUE(metadata_.heard().empty());
}

TEST(InstanceCredentialsJson, IsReadOrRefusedWhole) {
  const std::string good =
      R"({"Code":"Success","AccessKeyId":"A","SecretAccessKey":"B","Token":"C",)"
      R"("Expiration":"2026-01-31T12:00:00Z"})";
  const auto read = parse_instance_credentials(good);
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(read->credentials.access_key, "A");
  EXPECT_EQ(read->credentials.session_token, "C");
  EXPECT_EQ(read->expires, 1'769'860'800);
  for (const char* text : {"", "[]", "null", "{\"Code\":\"Failed\"}", "{\"AccessKeyId\":7}",
                           R"({"AccessKeyId":"A","SecretAccessKey":"B","Expiration":"soon"})"}) {
    EXPECT_FALSE(parse_instance_credentials(text).ok()) << text;
  }
  EXPECT_THAT(parse_instance_credentials("{\"Code\":\"Failed\"}").status().message(),
              HasSubstr("Failed"));
}

}  // namespace
}  // namespace fanfold::s3
