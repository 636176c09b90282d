// CSV: fields as RFC 4180 has them, and records that end where the splitter says, whatever the
// fields look like.

#include <fanfold/csv.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace fanfold {
namespace {

using Fields = std::vector<std::string>;

/// The first record of `text`; `rest` is where the next one begins.
Fields parse(const std::string& text, std::size_t* rest = nullptr) {
  CsvRow row;
  const char* const end = row.parse(text.data(), text.data() + text.size());
  if (rest != nullptr) *rest = static_cast<std::size_t>(end - text.data());
  return {row.begin(), row.end()};
}

TEST(CsvRow, HasFieldsBetweenCommas) {
  EXPECT_EQ(parse("a,b c, d"), (Fields{"a", "b c", " d"}));
  EXPECT_EQ(parse(",,"), (Fields{"", "", ""}));
  EXPECT_EQ(parse("one"), (Fields{"one"}));
}

TEST(CsvRow, EndsAtLineFeedOrCarriageReturnLineFeed) {
  std::size_t rest = 0;
  EXPECT_EQ(parse("a,b\nc", &rest), (Fields{"a", "b"}));
  EXPECT_EQ(rest, 4u);
  EXPECT_EQ(parse("a,b\r\nc", &rest), (Fields{"a", "b"}));
  EXPECT_EQ(rest, 5u);
  EXPECT_EQ(parse("a\rb,c", &rest), (Fields{"a\rb", "c"}));
  EXPECT_EQ(rest, 5u);
}

TEST(CsvRow, TakesQuotesOffAndHalvesDoubledOnes) {
  EXPECT_EQ(parse("\"a,b\",\"c\nd\",\"\"\n"), (Fields{"a,b", "c\nd", ""}));
  EXPECT_EQ(parse("\"say \"\"hi\"\"\",x"), (Fields{"say \"hi\"", "x"}));
  EXPECT_EQ(parse("\"\"\"\",\"\"\"\"\"\""), (Fields{"\"", "\"\""}));
}

TEST(CsvRow, MakesTheBestOfQuotesInOddPlaces) {
  EXPECT_EQ(parse("5\" pipe,6\" pipe\n").size(), 1u) << "two stray quotes hold a comma together";
  EXPECT_EQ(parse("\"ab\"c,d"), (Fields{"abc", "d"}));
}

TEST(CsvRow, RefusesAQuoteThatDoesNotEnd) {
  EXPECT_THROW(parse("\"abc"), std::runtime_error);
  EXPECT_THROW(parse("a,b\"c\nd"), std::runtime_error);
  EXPECT_THROW(parse("\""), std::runtime_error);
}

TEST(CsvRow, NamesFieldsByItsHeader) {
  CsvRow row;
  row.use_header("id,\"full \"\"name\"\"\",id");
  const std::string text = "1,Ann,2";
  row.parse(text.data(), text.data() + text.size());
  EXPECT_EQ(row.field("full \"name\""), "Ann");
  EXPECT_EQ(row.field("id"), "1") << "of two columns with one name the first";
  EXPECT_TRUE(row.has("id"));
  EXPECT_FALSE(row.has("ID"));
  EXPECT_THROW(row.field("ID"), std::out_of_range);
}

TEST(CsvRow, SaysWhichFieldIsMissing) {
  CsvRow row;
  row.use_header("a,b,c");
  const std::string text = "1,2";
  row.parse(text.data(), text.data() + text.size());
  EXPECT_EQ(row[1], "2");
  EXPECT_THROW(row[2], std::out_of_range);
  EXPECT_THROW(row.field("c"), std::out_of_range);
}

TEST(CsvRow, ChangesItsNamesWithTheFile) {
  CsvRow row;
  row.use_header("a,b");
  row.use_header("b,a");
  const std::string text = "1,2";
  row.parse(text.data(), text.data() + text.size());
  EXPECT_EQ(row.field("a"), "2");
}

TEST(CsvRow, ShowsTheRecordAsItStandsInTheFile) {
  CsvRow row;
  const std::string text = "\"a\"\"\",b\r\nnext";
  row.parse(text.data(), text.data() + text.size());
  EXPECT_EQ(row.text(), "\"a\"\"\",b");
}

std::string quoted(const std::string& field, std::mt19937_64& random) {
  const bool must = field.find_first_of(",\"\r\n") != std::string::npos;
  if (!must && random() % 2 == 0) return field;
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

TEST(CsvRow, ReadsWhateverAWriterQuotes) {
  std::mt19937_64 random(6);
  for (int i = 0; i < 20000; ++i) {
    Fields fields(1 + random() % 4);
    std::string text;
    for (std::string& field : fields) {
      for (std::size_t left = random() % 5; left > 0; --left) field += ",\"\r\nab"[random() % 6];
      text += (&field == &fields[0] ? "" : ",") + quoted(field, random);
    }
    std::size_t rest = 0;
    EXPECT_EQ(parse(text + "\r\nnext", &rest), fields) << text;
    EXPECT_EQ(rest, text.size() + 2) << text;
    EXPECT_EQ(parse(text), fields) << text;
  }
}

TEST(CsvRow, EndsEveryRecordAtTheFirstLineEndAfterAnEvenNumberOfQuotes) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 50000; ++i) {
    std::string text(random() % 12, '\0');
    for (char& c : text) c = "\",\r\na"[random() % 5];
    bool inside = false;
    std::size_t end = text.size();
    for (std::size_t at = 0; at < text.size() && end == text.size(); ++at) {
      inside ^= text[at] == '"';
      if (!inside && text[at] == '\n') end = at + 1;
    }
    // Of exactly the right size, so that a sanitizer sees what is read beyond.
    const auto memory = std::make_unique<char[]>(text.size());
    text.copy(memory.get(), text.size());
    CsvRow row;
    if (inside && end == text.size()) {
      EXPECT_THROW(row.parse(memory.get(), memory.get() + text.size()), std::runtime_error) << text;
    } else {
      EXPECT_EQ(row.parse(memory.get(), memory.get() + text.size()), memory.get() + end) << text;
    }
  }
}

}  // namespace
}  // namespace fanfold
