// Signatures of the examples in Amazon's documentation of Signature Version 4 for S3.

#include "common/s3/signature.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/s3/location.hpp"
#include "common/s3/xml.hpp"

namespace fanfold::s3 {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::time_t kMay24of2013 = 1369353600;

std::string signature_of(const SignedRequest& request) {
  Credentials credentials;
  credentials.access_key = "AKIAIOSFODNN7EXAMPLE";
  credentials.secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  for (const auto& [name, value] : sign(request, credentials, "us-east-1", kMay24of2013)) {
    if (name == "authorization") return value.substr(value.find("Signature=") + 10);
  }
  return "none";
}

SignedRequest example(const std::string& path) {
  SignedRequest request;
  request.method = "GET";
  request.host = "examplebucket.s3.amazonaws.com";
  request.path = path;
  return request;
}

TEST(S3Signature, CoversHeaders) {
  SignedRequest request = example("/test.txt");
  request.headers = {{"range", "bytes=0-9"}};
  EXPECT_EQ(signature_of(request),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(S3Signature, CoversTheQueryInTheOrderOfItsNames) {
  SignedRequest request = example("/");
  request.query = {{"prefix", "J"}, {"max-keys", "2"}};
  EXPECT_EQ(signature_of(request),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
  request.query = {{"lifecycle", ""}};
  EXPECT_EQ(signature_of(request),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

TEST(S3Signature, EncodesAllButWhatIsPlain) {
  EXPECT_EQ(encode("a b/ü+~-_."), "a%20b%2F%C3%BC%2B~-_.");
  EXPECT_EQ(encode_path("a b/c"), "a%20b/c");
  EXPECT_EQ(encode_query({{"b", "1"}, {"a", "x=y"}, {"uploads", ""}}), "a=x%3Dy&b=1&uploads=");
}

TEST(S3Xml, FindsElementsAndResolvesEntities) {
  const std::string xml =
      "<R xmlns=\"x\"><Key>a&amp;b &lt;&#x41;&#228;&gt; &unknown; &</Key><KeyCount>3</KeyCount>"
      "<C><Key>two</Key></C><C/><C><Key>three</Key></C><Open>never closed</R>";
  EXPECT_EQ(text_of(xml, "Key"), "a&b <A\xc3\xa4> &unknown; &");
  EXPECT_EQ(text_of(xml, "KeyCount"), "3");
  EXPECT_THAT(elements(xml, "C"), ElementsAre("<Key>two</Key>", "", "<Key>three</Key>"));
  EXPECT_EQ(text_of(xml, "Open"), std::nullopt);
  EXPECT_EQ(text_of("<Key", "Key"), std::nullopt);
  EXPECT_EQ(escape_xml("<a&\"b'>"), "&lt;a&amp;&quot;b&apos;&gt;");
}

TEST(S3Location, IsABucketAndAKey) {
  const auto location = parse_location("s3://bucket/a//b/");
  ASSERT_TRUE(location.ok());
  EXPECT_EQ(location->bucket, "bucket");
  EXPECT_EQ(location->key, "a//b");
  EXPECT_EQ(prefix_below(*location), "a//b/");
  EXPECT_EQ(prefix_below(*parse_location("s3://bucket")), "");
  for (const char* path : {"s3://", "s3:///a", "s3://a/b", "s3://a..b/c", "s3://a b c/d"}) {
    EXPECT_THAT(parse_location(path).status().message(), HasSubstr("cannot be the name")) << path;
  }
}

}  // namespace
}  // namespace fanfold::s3
