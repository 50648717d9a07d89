#include "cli/wire/frame_printer.h"

#include "cli/text/json.h"
#include "proto/messages/api_versions_request.h"
#include "proto/messages/metadata_request.h"
#include "tests/unit/cli/wire/printed.h"

#include <gtest/gtest.h>

namespace tidelog::cli::test {
namespace {

using proto::test::all_vectors;
using proto::test::from_hex;
using proto::test::Vector;

std::optional<Asked> asked_by(const Vector& vector) {
  return Asked{.api_key = vector.key, .api_version = vector.version, .correlation_id = 0, .time_ns = {}};
}

Json json_of(Bytes frame, const std::optional<Asked>& asked = std::nullopt) {
  std::string text;
  TextOut out = to_string(text);
  const auto printer = make_json_printer(out);
  if (asked)
    print_response(whole(frame), {}, asked, *printer);
  else
    print_request(whole(frame), {}, *printer);
  out.flush();
  return lines_of(text).at(0);
}

std::string text_of(Bytes frame) {
  std::string text;
  TextOut out = to_string(text);
  print_request(whole(frame), {}, *make_text_printer(out));
  out.flush();
  return text;
}

std::string as_text(const std::vector<std::byte>& bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

/// Bytes were recorded in base64 and are shown in hexadecimal digits.
bool are_same_bytes(const Json& printed, const Json& recorded) {
  if (!printed.is_string() || !recorded.is_string()) return false;
  const std::string text = printed.get<std::string>();
  return text.size() % 2 == 0 && text.find_first_not_of("0123456789abcdef") == std::string::npos &&
         to_base64(as_text(from_hex(text))) == recorded.get<std::string>();
}

/// Records are shown otherwise than they were recorded: by what their batches say, not in base64.
bool has_same_fields(const Json& printed, const Json& recorded) {
  if (recorded.is_object()) {
    if (!printed.is_object()) return false;
    return std::ranges::all_of(recorded.items(), [&](const auto& one) {
      return !printed.contains(one.key()) || has_same_fields(printed.at(one.key()), one.value());
    });
  }
  if (recorded.is_array()) {
    if (!printed.is_array() || printed.size() != recorded.size()) return false;
    for (std::size_t i = 0; i < recorded.size(); ++i) {
      if (!has_same_fields(printed[i], recorded[i])) return false;
    }
    return true;
  }
  return printed.is_object() || printed == recorded || are_same_bytes(printed, recorded);
}

TEST(FramePrinter, ShowsTheFieldsOfEveryRecordedMessage) {
  for (const Vector& vector : all_vectors()) {
    if (vector.kind != "request" && vector.kind != "response") continue;
    const bool is_request = vector.kind == "request";

    const Json line = json_of(frame_of(vector), is_request ? std::nullopt : asked_by(vector));

    ASSERT_FALSE(line.contains("error")) << vector.where << " " << line.at("error").dump();
    ASSERT_TRUE(line.contains("body")) << vector.where;
    EXPECT_EQ(line.at("api_key"), vector.key) << vector.where;
    EXPECT_EQ(line.at("api_version"), vector.version) << vector.where;
    EXPECT_EQ(line.at("correlation_id"), vector.header_json.at("correlationId")) << vector.where;
    if (is_request) EXPECT_EQ(line.at("client_id"), vector.header_json.at("clientId")) << vector.where;
    EXPECT_TRUE(has_same_fields(line.at("body"), vector.json)) << vector.where << "\n" << line.dump() << "\n" << vector.json.dump();
    for (const proto::Field& field : vector.schema->fields) {
      const bool is_always_there = field.versions.contains(vector.version) && !field.tagged.contains(vector.version);
      EXPECT_TRUE(!is_always_there || line.at("body").contains(field.name)) << vector.where << " " << field.name;
    }
  }
}

TEST(FramePrinter, TellsTheFieldAndThePlaceOfAFailure) {
  // Metadata version 1: a topic of 100 letters in a frame that ends after two.
  const std::vector<std::byte> frame = from_hex(
      "000300010000000700016300000001"
      "00646162");

  const Json line = json_of(frame);

  EXPECT_EQ(line.at("api"), "Metadata");
  EXPECT_EQ(line.at("correlation_id"), 7);
  EXPECT_EQ(line.at("error").at("offset"), 15);
  EXPECT_EQ(line.at("error").at("field"), "topics[0].name");
  EXPECT_NE(line.at("error").at("message").get<std::string>().find("100"), std::string::npos);
  EXPECT_EQ(line.at("body").at("topics").size(), 1U);  // What came before is there.
}

TEST(FramePrinter, ShowsAnUnknownApiByItsHeader) {
  const std::vector<std::byte> frame = from_hex("03e700020000000500016368656c6c6f");

  const Json line = json_of(frame);

  EXPECT_EQ(line.at("api_key"), 999);
  EXPECT_EQ(line.at("api_version"), 2);
  EXPECT_EQ(line.at("client_id"), "c");
  EXPECT_EQ(line.at("body_bytes"), 5);
  EXPECT_EQ(line.at("body_begins"), "68656c6c6f");
  EXPECT_FALSE(line.contains("error"));
}

TEST(FramePrinter, ShowsTagsThatNobodyKnows) {
  // ApiVersions version 3: two names and tag 77 of two bytes.
  const std::vector<std::byte> frame = from_hex(
      "0012000300000001ffff00"
      "0261"
      "0262"
      "014d02beef");

  const Json line = json_of(frame);

  EXPECT_EQ(line.at("body").at("clientSoftwareName"), "a");
  EXPECT_EQ(line.at("body").at("tag 77"), "beef");
}

TEST(FramePrinter, SummarisesRecords) {
  std::size_t batches = 0;
  for (const Vector& vector : all_vectors()) {
    if (vector.kind != "request" || vector.key != 0 || vector.variant != "full" || vector.version != 9) continue;

    const Json body = json_of(frame_of(vector)).at("body");

    const Json& records = body.at("topicData")[0].at("partitionData")[0].at("records");
    ASSERT_FALSE(records.at("batches").empty());
    std::size_t bytes = 0;
    for (const Json& batch : records.at("batches")) {
      EXPECT_EQ(batch.at("crc_good"), true);
      EXPECT_GE(batch.at("count").get<int>(), 1);
      bytes += batch.at("bytes").get<std::size_t>();
      ++batches;
    }
    EXPECT_EQ(records.at("bytes"), bytes);
  }
  EXPECT_GT(batches, 0U);
}

TEST(FramePrinter, TextNamesErrorsAndApis) {
  // ApiVersions version 0: error 35, and the request 3 in versions 0 to 5.
  const std::vector<std::byte> frame = from_hex(
      "00000007"
      "0023"
      "00000001"
      "0003"
      "0000"
      "0005");
  std::string text;
  TextOut out = to_string(text);

  print_response(whole(frame), {}, Asked{.api_key = 18, .api_version = 0, .correlation_id = 7, .time_ns = {}}, *make_text_printer(out));
  out.flush();

  EXPECT_EQ(text,
            "response ApiVersions v0 correlation 7 16 bytes at 0\n"
            "  errorCode: 35 (UNSUPPORTED_VERSION)\n"
            "  apiKeys: 1\n"
            "    - apiKey: 3 (Metadata)\n"
            "      minVersion: 0\n"
            "      maxVersion: 5\n");
}

TEST(FramePrinter, TextHasALineForEachField) {
  const std::vector<std::byte> frame = from_hex(
      "000300040000000700016300000002"
      "0001610001620"
      "1");

  EXPECT_EQ(text_of(frame),
            "request Metadata v4 correlation 7 client \"c\" 22 bytes at 0\n"
            "  topics: 2\n"
            "    - name: \"a\"\n"
            "    - name: \"b\"\n"
            "  allowAutoTopicCreation: true\n");
}

TEST(FramePrinter, TextKeepsPlainValuesInALine) {
  // DeleteTopics version 1: two names and a time.
  const std::vector<std::byte> frame = from_hex(
      "001400010000000700016300000002"
      "0001610001620"
      "0000bb8");

  EXPECT_EQ(text_of(frame),
            "request DeleteTopics v1 correlation 7 client \"c\" 25 bytes at 0\n"
            "  topicNames: [\"a\", \"b\"]\n"
            "  timeoutMs: 3000\n");
}

TEST(FramePrinter, AFrameCutShortSaysHowMuchIsMissing) {
  const std::vector<std::byte> frame = from_hex("000300040000000700016300000002000161");
  std::string text;
  TextOut out = to_string(text);

  const Printed printed = print_request({.offset = 10, .size_bytes = 22, .kept = frame}, {}, *make_json_printer(out));
  out.flush();

  const Json line = lines_of(text).at(0);
  EXPECT_EQ(printed.outcome, Decoded::failed);
  EXPECT_EQ(line.at("error").at("field"), "topics[1].name");
  EXPECT_NE(line.at("error").at("message").get<std::string>().find("4 bytes of the frame are not there"), std::string::npos);
}

}  // namespace
}  // namespace tidelog::cli::test
