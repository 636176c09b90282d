// Where endpoint, region and credentials come from, and what is said when they do not.

#include "common/s3/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>

#include "tests/io/temporary_directory.hpp"

namespace fanfold::s3 {
namespace {

using testing::HasSubstr;

class S3Settings : public testing::Test {
 protected:
  S3Settings() { variables_["HOME"] = directory_.path(); }

  Result<Settings> read() {
    return read_settings([this](const std::string& name) -> std::optional<std::string> {
      const auto found = variables_.find(name);
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    });
  }
  void give_key() {
    variables_["AWS_ACCESS_KEY_ID"] = "KEY";
    variables_["AWS_SECRET_ACCESS_KEY"] = "SECRET";
  }

  io::TemporaryDirectory directory_;
  std::map<std::string, std::string> variables_;
};

TEST_F(S3Settings, ComeFromVariables) {
  give_key();
  variables_["AWS_SESSION_TOKEN"] = "TOKEN";
  variables_["AWS_REGION"] = "eu-central-1";
  variables_["AWS_ENDPOINT_URL"] = "https://elsewhere.example/";
  variables_["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:9000/";
  const auto settings = read();
  ASSERT_TRUE(settings.ok()) << settings.status().message();
  EXPECT_EQ(settings->credentials.access_key, "KEY");
  EXPECT_EQ(settings->credentials.secret_key, "SECRET");
  EXPECT_EQ(settings->credentials.session_token, "TOKEN");
  EXPECT_EQ(settings->region, "eu-central-1");
  EXPECT_EQ(settings->endpoint, "http://127.0.0.1:9000");
  EXPECT_TRUE(settings->path_style);
}

TEST_F(S3Settings, ComeFromTheProfileOfTheUsualFiles) {
  variables_["AWS_PROFILE"] = "work";
  variables_["AWS_SHARED_CREDENTIALS_FILE"] = directory_.write("credentials",
                                                               "[default]\n"
                                                               "aws_access_key_id = WRONG\n"
                                                               "aws_secret_access_key = WRONG\n"
                                                               "# a comment\n"
                                                               "[work]\n"
                                                               "aws_access_key_id=KEY\r\n"
                                                               "aws_secret_access_key = a=b/c+\n");
  variables_["AWS_CONFIG_FILE"] = directory_.write("config",
                                                   "[profile work]\n"
                                                   "region = eu-west-1\n"
                                                   "s3 =\n"
                                                   "  endpoint_url = https://store.example\n"
                                                   "  addressing_style = virtual\n");
  const auto settings = read();
  ASSERT_TRUE(settings.ok()) << settings.status().message();
  EXPECT_EQ(settings->credentials.access_key, "KEY");
  EXPECT_EQ(settings->credentials.secret_key, "a=b/c+");
  EXPECT_THAT(settings->credentials.source, HasSubstr("credentials [work]"));
  EXPECT_EQ(settings->region, "eu-west-1");
  EXPECT_EQ(settings->endpoint, "https://store.example");
  EXPECT_FALSE(settings->path_style);
}

TEST_F(S3Settings, SayWhereCredentialsWereLookedFor) {
  // Whoever may be asked for some gets these words, too.
  const auto asking = read();
  ASSERT_TRUE(asking.ok());
  EXPECT_EQ(asking->metadata, "http://169.254.169.254");
  EXPECT_THAT(asking->no_credentials, HasSubstr(directory_.path() + "/.aws/credentials"));
  variables_["AWS_EC2_METADATA_DISABLED"] = "true";
  const Status status = read().status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("AWS_ACCESS_KEY_ID"));
  EXPECT_THAT(status.message(), HasSubstr(directory_.path() + "/.aws/credentials"));
}

TEST_F(S3Settings, TakeNoRoleOfTheHostForHalfAKey) {
  variables_["AWS_ACCESS_KEY_ID"] = "KEY";
  EXPECT_THAT(read().status().message(), HasSubstr("but AWS_SECRET_ACCESS_KEY is not"));
  variables_.erase("AWS_ACCESS_KEY_ID");
  variables_["AWS_SECRET_ACCESS_KEY"] = "SECRET";
  EXPECT_THAT(read().status().message(), HasSubstr("but AWS_ACCESS_KEY_ID is not"));
  variables_.erase("AWS_SECRET_ACCESS_KEY");
  variables_["AWS_CONFIG_FILE"] =
      directory_.write("config", "[default]\naws_secret_access_key = SECRET\n");
  EXPECT_THAT(read().status().message(), HasSubstr("config [default] has only one of"));
}

TEST_F(S3Settings, TakeNoRoleOfTheHostForOneThatWasNamed) {
  const std::map<std::string, std::string> meant = {
      {"AWS_PROFILE", "absent"},
      {"AWS_SHARED_CREDENTIALS_FILE", directory_.write("empty", "[default]\n")},
      {"AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/token"},
      {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "v2/credentials"},
      {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://10.0.0.1/v1/credentials"},
      {"AWS_CONFIG_FILE", directory_.write("config", "[default]\nrole_arn = arn:x\n")}};
  for (const auto& [name, value] : meant) {
    variables_ = {{"HOME", directory_.path()}, {name, value}};
    const Status status = read().status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(status.message(), HasSubstr(name == "AWS_CONFIG_FILE" ? "has role_arn" : name));
    give_key();
    EXPECT_TRUE(read().ok()) << name;
  }
  // Only a region: that names nobody.
  variables_ = {{"HOME", directory_.path()},
                {"AWS_CONFIG_FILE", directory_.write("place", "[default]\nregion = eu-west-1\n")}};
  EXPECT_TRUE(read().ok());
}

TEST_F(S3Settings, LeaveWhatIsInPartsToTlsWhereThereIsSome) {
  give_key();
  EXPECT_FALSE(read()->signs_parts) << "Amazon's";
  variables_["AWS_ENDPOINT_URL"] = "https://store.example";
  EXPECT_FALSE(read()->signs_parts);
  variables_["AWS_ENDPOINT_URL"] = "http://store.example";
  EXPECT_TRUE(read()->signs_parts);
  variables_["AWS_CONFIG_FILE"] =
      directory_.write("signing", "[default]\ns3 =\n  payload_signing_enabled = false\n");
  EXPECT_FALSE(read()->signs_parts);
  variables_["FANFOLD_S3_PAYLOAD_SIGNING"] = "true";
  EXPECT_TRUE(read()->signs_parts);
  variables_["FANFOLD_S3_PAYLOAD_SIGNING"] = "yes";
  EXPECT_THAT(read().status().message(), HasSubstr("payload signing is 'yes'"));
}

TEST_F(S3Settings, NameAFileThatIsNotThere) {
  give_key();
  variables_["AWS_CONFIG_FILE"] = "/nowhere/config";
  const Status status = read().status();
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_THAT(status.message(), HasSubstr("/nowhere/config, which AWS_CONFIG_FILE names"));
}

TEST_F(S3Settings, RefuseWhatMeansNothing) {
  variables_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "somewhere";
  EXPECT_THAT(read().status().message(), HasSubstr("'somewhere'; it has to be an address"));
  give_key();
  variables_["AWS_ENDPOINT_URL"] = "s3.example.org";
  EXPECT_THAT(read().status().message(), HasSubstr("'s3.example.org' is no address"));
  variables_["AWS_ENDPOINT_URL"] = "";
  variables_["FANFOLD_S3_ADDRESSING"] = "sideways";
  EXPECT_THAT(read().status().message(), HasSubstr("'sideways' is not path, virtual or auto"));
  variables_["FANFOLD_S3_ADDRESSING"] = "path";
  variables_["FANFOLD_S3_PATIENCE"] = "0";
  EXPECT_THAT(read().status().message(), HasSubstr("FANFOLD_S3_PATIENCE is '0'"));
}

char** end_of(char** variables) {
  while (*variables != nullptr) ++variables;
  return variables;
}

TEST(S3Secrets, AreNotAmongTheVariablesOnceHidden) {
  std::string variable = "AWS_SECRET_ACCESS_KEY=a secret of the test";
  ASSERT_EQ(::putenv(variable.data()), 0);
  hide_secret_variables();
  EXPECT_EQ(std::count(environ, end_of(environ), variable.data()), 0);
  // Nor is it where the variable was, which others may look at.
  EXPECT_EQ(variable.find("secret of"), std::string::npos);
  EXPECT_EQ(process_variable("AWS_SECRET_ACCESS_KEY"), "a secret of the test");
  hide_secret_variables();
  EXPECT_EQ(process_variable("AWS_SECRET_ACCESS_KEY"), "a secret of the test");
}

}  // namespace
}  // namespace fanfold::s3
