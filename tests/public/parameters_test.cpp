// Parameters: what a job declares, what a user may give, what the job reads.

#include <fanfold/testing.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace fanfold {
namespace {

template <class T>
bool parses(std::string_view text, T expected) {
  T value{};
  return detail::parse_parameter(text, value) && value == expected;
}
template <class T>
bool refuses(std::string_view text) {
  T value{};
  return !detail::parse_parameter(text, value);
}

TEST(Parameters, ReadNumbersWhole) {
  EXPECT_TRUE(parses<std::int32_t>("-12", -12));
  EXPECT_TRUE(parses<std::uint8_t>("255", 255));
  EXPECT_TRUE(parses<double>("2.5e-3", 0.0025));
  for (const std::string_view text : {"", " 1", "1 ", "1x", "x", "0x10", "+1", "1.5"}) {
    EXPECT_TRUE(refuses<std::int64_t>(text)) << text;
  }
  EXPECT_TRUE(refuses<std::uint8_t>("256"));
  EXPECT_TRUE(refuses<std::uint32_t>("-1"));
  EXPECT_TRUE(refuses<double>("1.5.2"));
}

TEST(Parameters, ReadBooleansInWords) {
  for (const std::string_view yes : {"true", "1", "yes"}) EXPECT_TRUE(parses<bool>(yes, true));
  for (const std::string_view no : {"false", "0", "no"}) EXPECT_TRUE(parses<bool>(no, false));
  EXPECT_TRUE(refuses<bool>("TRUE"));
  EXPECT_TRUE(refuses<bool>(""));
}

TEST(Parameters, ReadStringsAsTheyAre) { EXPECT_TRUE(parses<std::string>(" a=b ", " a=b ")); }

TEST(Parameters, DescribeThemselves) {
  Parameters parameters;
  parameters.required<std::string>("pattern", "What to look for.");
  parameters.optional<double>("ratio", 0.5, "How much.");
  parameters.optional<bool>("deep", true, "Whether.");
  parameters.optional<std::string>("mode", "count", "How.").choices({"count", "line"});
  const auto& all = parameters.all();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_TRUE(all[0].required);
  EXPECT_EQ(all[0].type, abi::ParameterType::kString);
  EXPECT_EQ(all[1].default_value, "0.5");
  EXPECT_EQ(all[1].type, abi::ParameterType::kNumber);
  EXPECT_EQ(all[2].default_value, "true");
  EXPECT_EQ(all[2].type, abi::ParameterType::kBoolean);
  EXPECT_EQ(all[3].choices, (std::vector<std::string>{"count", "line"}));
}

TEST(Parameters, RefuseASecondDeclarationOfOneName) {
  Parameters parameters;
  parameters.optional<int>("k", 1, "");
  EXPECT_THROW(parameters.required<std::string>("k", ""), std::logic_error);
}

/// Writes its parameters out.
struct Show {
  static void declare(Parameters& parameters) {
    parameters.required<std::string>("name", "Who.");
    parameters.optional<std::int32_t>("times", 2, "How often.");
    parameters.optional<double>("ratio", 0.25, "How much.");
    parameters.optional<bool>("loud", false, "Whether.");
    parameters.optional<std::string>("mode", "a", "How.").choices({"a", "b"});
  }
  void setup(Context& context) {
    text_ = context.parameter<std::string>("name") + " " +
            std::to_string(context.parameter<std::int32_t>("times")) + " " +
            std::to_string(context.parameter<double>("ratio")) + " " +
            (context.parameter<bool>("loud") ? "loud" : "soft") + " " +
            std::string(context.parameter<std::string_view>("mode"));
  }
  void map(std::string_view, Emitter<std::string_view, Nothing>& out) { out.emit(text_); }
  std::string text_;
};

std::string shown(testing::StringMap parameters) {
  return testing::run<Show>({.input = "x\n", .parameters = std::move(parameters)}).output();
}

std::string refusal(testing::StringMap parameters) {
  try {
    shown(std::move(parameters));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

TEST(Parameters, ReachTheJobWithDefaultsFilledIn) {
  EXPECT_EQ(shown({{"name", "n"}}), "n 2 0.250000 soft a\n");
  EXPECT_EQ(shown({{"name", "n"}, {"times", "-3"}, {"ratio", "2"}, {"loud", "yes"}, {"mode", "b"}}),
            "n -3 2.000000 loud b\n");
}

TEST(Parameters, OfATestAreCheckedAsOnTheCommandLine) {
  using ::testing::HasSubstr;
  EXPECT_THAT(refusal({}), HasSubstr("'name' is missing"));
  EXPECT_THAT(refusal({{"name", "n"}, {"times", "two"}}), HasSubstr("'times' cannot be 'two'"));
  EXPECT_THAT(refusal({{"name", "n"}, {"loud", "maybe"}}), HasSubstr("'loud'"));
  EXPECT_THAT(refusal({{"name", "n"}, {"mode", "c"}}), HasSubstr("'mode' cannot be 'c'"));
  EXPECT_THAT(refusal({{"name", "n"}, {"nmae", "n"}}), HasSubstr("no parameter 'nmae'"));
}

struct AsksForTooMuch {
  void setup(Context& context) { context.parameter<int>("undeclared"); }
  void map(std::string_view, Emitter<std::string_view, int>&) {}
};

struct AsksForTooLittle {
  static void declare(Parameters& parameters) { parameters.optional<std::int64_t>("k", 300, ""); }
  void setup(Context& context) { context.parameter<std::uint8_t>("k"); }
  void map(std::string_view, Emitter<std::string_view, int>&) {}
};

TEST(Parameters, ThatAreNotDeclaredOrDoNotFitAreNamed) {
  EXPECT_THROW(testing::run<AsksForTooMuch>({.input = "x"}), std::invalid_argument);
  EXPECT_THROW(testing::run<AsksForTooLittle>({.input = "x"}), std::invalid_argument);
}

}  // namespace
}  // namespace fanfold
