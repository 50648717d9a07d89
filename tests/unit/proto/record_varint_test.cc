#include "proto/record/utf8.h"
#include "proto/record/varint.h"
#include "tests/unit/proto/record_vectors.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace tidelog::proto {
namespace {

constexpr std::array<std::int64_t, 16> kEdges{0,
                                              -1,
                                              1,
                                              63,
                                              -64,
                                              64,
                                              -65,
                                              8191,
                                              -8192,
                                              8192,
                                              2147483647,
                                              -2147483648LL,
                                              1LL << 62,
                                              -(1LL << 62),
                                              std::numeric_limits<std::int64_t>::max(),
                                              std::numeric_limits<std::int64_t>::min()};

TEST(Varint, ReadsBackWhatItWrote) {
  for (const std::int64_t value : kEdges) {
    std::array<std::byte, 10> bytes{};
    const std::byte* const end = put_varint(bytes.data(), value);
    const auto size = static_cast<std::size_t>(end - bytes.data());
    Bytes from = Bytes(bytes).first(size);
    std::int64_t got = 0;

    EXPECT_TRUE(take_varlong(from, got)) << value;
    EXPECT_EQ(got, value);
    EXPECT_TRUE(from.empty());
    EXPECT_EQ(varint_size(value), size) << value;
  }
}

TEST(Varint, RefusesOneThatIsCut) {
  const std::vector<std::byte> whole = test::from_hex("ffffffff0f");

  for (std::size_t size = 0; size < whole.size(); ++size) {
    Bytes from = Bytes(whole).first(size);
    std::int32_t got = 0;
    EXPECT_FALSE(take_varint(from, got)) << size;
    EXPECT_EQ(from.size(), size);
  }
}

TEST(Varint, TakesLongFormsButNoneThatDoesNotFit) {
  struct Case {
    std::string_view hex;
    bool is_32;
    bool is_64;
  };
  constexpr std::array<Case, 6> kCases{{
      {"8080808000", true, true},              // 0 in five bytes
      {"ffffffff0f", true, true},              // the least 32-bit number
      {"ffffffff1f", false, true},             // a bit above 32
      {"808080808000", false, true},           // six bytes
      {"ffffffffffffffffff01", false, true},   // the least 64-bit number
      {"ffffffffffffffffff02", false, false},  // a bit above 64
  }};

  for (const Case& one : kCases) {
    const std::vector<std::byte> bytes = test::from_hex(one.hex);
    Bytes narrow = bytes;
    Bytes wide = bytes;
    std::int32_t number = 0;
    std::int64_t long_number = 0;
    EXPECT_EQ(take_varint(narrow, number), one.is_32) << one.hex;
    EXPECT_EQ(take_varlong(wide, long_number), one.is_64) << one.hex;
  }
}

TEST(Utf8, KnowsWellFormedText) {
  for (const std::string_view text : {"", "plain", "\xc3\xa9", "\xe6\xbc\xa2", "\xf0\x9f\x98\x80", "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
}

TEST(Utf8, RefusesOverlongFormsSurrogatesAndCutSequences) {
  for (const std::string_view text :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
        "a\xc3", "\xe6\xbc", "\xf0\x9f\x98", "\xc3(", "\xe6\xbc(", "\xf0\x9f\x98("}) {
    EXPECT_FALSE(is_utf8(text)) << test::to_hex(test::as_bytes(text));
  }
}

}  // namespace
}  // namespace tidelog::proto
