// The fingerprint and the ELF note that carries it.  (check_note reads the note of a real plugin.)

#include <fanfold/fingerprint.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

namespace fanfold {
namespace {

TEST(Fingerprint, SaysWhatMustBeEqual) {
  EXPECT_THAT(
      std::string(kFingerprint),
      ::testing::MatchesRegex("fanfold api=4 abi=itanium-1 stdlib=libstdc\\+\\+-cxx11(-debug)? "
                              "sanitizer=(none|address|thread|memory) headers=[0-9a-f]{16}"));
}

TEST(Fingerprint, LiesInAWellFormedNote) {
  static constexpr detail::FingerprintNote note;
  std::uint32_t header[3];
  std::memcpy(header, &note, sizeof header);
  EXPECT_EQ(header[0], 8u);
  EXPECT_EQ(header[1], kFingerprint.size());
  EXPECT_EQ(header[2], abi::kNoteType);
  const char* bytes = reinterpret_cast<const char*>(&note);
  EXPECT_STREQ(bytes + 12, "fanfold");
  EXPECT_EQ(std::string_view(bytes + 20, kFingerprint.size()), kFingerprint);
  EXPECT_EQ(sizeof note, 20 + (kFingerprint.size() + 3) / 4 * 4);
}

}  // namespace
}  // namespace fanfold
