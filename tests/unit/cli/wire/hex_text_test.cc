#include "cli/wire/hex_text.h"

#include "tests/unit/proto/record_vectors.h"

#include <gtest/gtest.h>

namespace tidelog::cli {
namespace {

std::string read(std::initializer_list<std::string_view> pieces) {
  HexText text;
  std::vector<std::byte> bytes;
  for (const std::string_view piece : pieces) {
    if (!text.read(piece, bytes)) return "refused in line " + std::to_string(text.line());
  }
  return proto::test::to_hex(bytes) + (text.is_half() ? " and a half" : "");
}

TEST(HexText, ReadsTheWaysPeopleWriteIt) {
  EXPECT_EQ(read({"00 0a\nFF"}), "000aff");
  EXPECT_EQ(read({"00:0a:ff\n"}), "000aff");
  EXPECT_EQ(read({"0x00, 0x0a, 0xff"}), "000aff");
  EXPECT_EQ(read({"0x000aff"}), "000aff");
}

TEST(HexText, GoesOnOverTheEndOfAPiece) {
  EXPECT_EQ(read({"0", "00", "af", "f"}), "000aff");
  EXPECT_EQ(read({"0", "x0", "0"}), "00");
}

TEST(HexText, TellsWhatIsNone) {
  EXPECT_EQ(read({"00\n0g"}), "refused in line 2");
  EXPECT_EQ(read({"0 0"}), "refused in line 1");
  EXPECT_EQ(read({"000"}), "00 and a half");
}

}  // namespace
}  // namespace tidelog::cli
