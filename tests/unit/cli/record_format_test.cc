#include "cli/record_format.h"

#include <gtest/gtest.h>

namespace tidelog::cli {
namespace {

struct RecordFormatTest : testing::Test {
  record_view record() const { return record_view("logs", 3, 42, 1700).set_content("key", "value").set_headers(headers); }
  static std::string write(std::string_view format, const record_view& record) {
    const result<RecordFormat> parsed = RecordFormat::parse(format);
    EXPECT_TRUE(parsed) << format;
    std::string out;
    if (parsed) parsed->append(out, record);
    return out;
  }
  std::vector<header_view> headers{{"a", "1"}, {"b", bytes_view()}};
};

TEST_F(RecordFormatTest, WritesEveryVerb) {
  EXPECT_EQ(write("%t %p %o %T %k %K %s %S %h %%", record()), "logs 3 42 1700 key 3 value 5 a=1,b=NULL %");
}

TEST_F(RecordFormatTest, WritesEscapes) { EXPECT_EQ(write("a\\n\\t\\r\\\\\\x41", record()), "a\n\t\r\\A"); }

TEST_F(RecordFormatTest, ANulIsAByteLikeOthers) { EXPECT_EQ(write("%s\\0", record()), std::string("value\0", 6)); }

TEST_F(RecordFormatTest, ANullKeyHasTheLengthMinusOne) {
  EXPECT_EQ(write("%k|%K|%S", record_view("t", 0, 0, 0).set_content({}, "")), "|-1|0");
}

TEST_F(RecordFormatTest, RefusesWhatItDoesNotKnow) {
  for (const char* text : {"%", "%z", "\\", "\\q", "\\x", "\\x4", "\\xzz"}) EXPECT_FALSE(RecordFormat::parse(text)) << text;
}

TEST_F(RecordFormatTest, JsonKeepsTextAndEncodesBytes) {
  EXPECT_EQ(record_json(record_view("t", 0, 7, 9).set_content({}, "a\"\n\xc3\xa9")),
            R"({"topic":"t","partition":0,"offset":7,"timestamp":9,"key":null,"value":"a\"\n)"
            "\xc3\xa9"
            R"(","headers":[]})");
  EXPECT_EQ(record_json(record_view("t", 0, 7, 9).set_content("k", "\xff\xfe\x01")),
            R"({"topic":"t","partition":0,"offset":7,"timestamp":9,"key":"k","value_base64":"//4B","headers":[]})");
}

}  // namespace
}  // namespace tidelog::cli
