#include "proto/codec/frame.h"
#include "tests/unit/proto/codec_vectors.h"

#include <gtest/gtest.h>

#include <map>

namespace tidelog::proto::test {
namespace {

std::vector<std::byte> frame_of(const Vector& vector) {
  std::vector<std::byte> frame = vector.header;
  frame.insert(frame.end(), vector.body.begin(), vector.body.end());
  return frame;
}

bool is_served(const Vector& vector) {
  if (vector.kind != "request" && vector.kind != "response") return false;  // The keys of others are no API's.
  const ApiInfo* api = find_api(vector.key);
  return api != nullptr && vector.version <= api->max_version;  // An unstable version has vectors, yet is not served.
}

Json client_id_json(std::string_view id) { return is_null(id) ? Json() : Json(id); }

TEST(Frame, ReadsEveryRecordedRequestHeader) {
  for (const Vector& vector : all_vectors()) {
    if (vector.kind != "request" || !is_served(vector)) continue;

    const std::vector<std::byte> frame = frame_of(vector);
    const Result<RequestFrame> request = decode_request(frame);

    ASSERT_TRUE(request) << vector.where;
    EXPECT_EQ(request->header.api_key, vector.header_json.at("requestApiKey")) << vector.where;
    EXPECT_EQ(request->header.api_version, vector.header_json.at("requestApiVersion")) << vector.where;
    EXPECT_EQ(request->header.correlation_id, vector.header_json.at("correlationId")) << vector.where;
    EXPECT_EQ(client_id_json(request->header.client_id), vector.header_json.at("clientId")) << vector.where;
    EXPECT_EQ(to_hex(request->body), to_hex(vector.body)) << vector.where;
  }
}

TEST(Frame, ReadsEveryRecordedResponseHeader) {
  for (const Vector& vector : all_vectors()) {
    if (vector.kind != "response" || !is_served(vector)) continue;

    const std::vector<std::byte> frame = frame_of(vector);
    const Result<ResponseFrame> response = decode_response(frame, vector.key, vector.version);

    ASSERT_TRUE(response) << vector.where;
    EXPECT_EQ(response->correlation_id, vector.header_json.at("correlationId")) << vector.where;
    EXPECT_EQ(to_hex(response->body), to_hex(vector.body)) << vector.where;
  }
}

TEST(Frame, WritesTheRecordedHeaders) {
  for (const Vector& vector : all_vectors()) {
    if (vector.variant == "tags" || !is_served(vector)) continue;
    Output out;
    const auto correlation_id = vector.header_json.at("correlationId").get<std::int32_t>();
    RequestHeader header{.api_key = vector.key, .api_version = vector.version, .correlation_id = correlation_id, .client_id = {}};
    std::string client_id;
    if (vector.kind == "request" && !vector.header_json.at("clientId").is_null()) {
      client_id = vector.header_json.at("clientId");
      header.client_id = client_id;
    }

    const std::size_t start =
        vector.kind == "request" ? begin_request(out, header) : begin_response(out, vector.key, vector.version, correlation_id);
    out.append(vector.body);
    end_frame(out, start);

    Output expected;
    expected.put(static_cast<std::int32_t>(frame_of(vector).size()));
    expected.append(frame_of(vector));
    EXPECT_EQ(to_hex(out.bytes()), to_hex(expected.bytes())) << vector.where;
  }
}

TEST(Frame, LengthCountsTheGapsOfItsOwnFrameOnly) {
  Output out;
  const std::size_t first = begin_response(out, 1, 4, 1);
  out.add_gap(1000, 7);
  end_response(out, first);

  const std::size_t second = begin_response(out, 1, 4, 2);
  out.put(std::int8_t{1});
  out.add_gap(50, 8);
  end_response(out, second);

  EXPECT_EQ(load_be<std::int32_t>(out.bytes().data() + first), 4 + 1000);
  EXPECT_EQ(load_be<std::int32_t>(out.bytes().data() + second), 4 + 1 + 50);
  EXPECT_EQ(out.total_bytes(), out.size() + 1050);
  ASSERT_EQ(out.gaps().size(), 2U);
  EXPECT_EQ(out.gaps()[1].token, 8U);
}

TEST(Frame, ARequestNobodyServesKeepsItsHeaderAndLosesItsBody) {
  const std::vector<std::byte> frame = from_hex("7fff0003000000090001610102");

  const Result<RequestFrame> request = decode_request(frame);

  ASSERT_TRUE(request);
  EXPECT_EQ(request->header.api_key, 0x7FFF);
  EXPECT_EQ(request->header.correlation_id, 9);
  EXPECT_EQ(request->header.client_id, "a");
  EXPECT_TRUE(request->body.empty());
}

TEST(Frame, ACutHeaderIsCorrupt) {
  // ApiVersions v3 from client "a", no tags.
  const std::vector<std::byte> frame = from_hex(
      "00120003000000090001"
      "61"
      "00");
  ASSERT_TRUE(decode_request(frame));

  for (std::size_t size = 0; size < frame.size(); ++size) {
    const std::vector<std::byte> cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(decode_request(cut)) << size;
  }
}

TEST(Frame, AHeaderThatClaimsEndlessTagsIsCorrupt) {
  const std::vector<std::byte> request = from_hex(
      "00120003000000090001"
      "61"
      "ffffffff0f"
      "0100");
  const std::vector<std::byte> response = from_hex(
      "00000009"
      "ffffffff0f"
      "0100");

  EXPECT_FALSE(decode_request(request));
  EXPECT_FALSE(decode_response(response, 0, 9));
}

TEST(ApiTable, ListsWhatKafkaListsForTheServedKeys) {
  const std::map<std::int16_t, std::pair<int, int>> kafka = {
      {10, {0, 6}}, {29, {1, 3}}, {30, {1, 3}}, {31, {1, 3}}, {21, {0, 2}}, {35, {1, 5}}, {37, {0, 3}}, {48, {0, 1}},
      {49, {0, 1}}, {17, {0, 1}}, {36, {0, 2}}, {61, {0, 0}}, {75, {0, 0}}, {0, {0, 13}}, {1, {4, 18}}, {2, {1, 11}},
      {3, {0, 13}}, {18, {0, 5}}, {19, {2, 7}}, {20, {1, 6}}, {22, {0, 5}}, {23, {2, 4}}, {32, {1, 4}}, {33, {0, 2}},
      {44, {0, 1}}, {60, {0, 2}}, {74, {0, 1}}, {8, {2, 10}}, {9, {1, 10}}, {11, {0, 9}}, {12, {0, 4}}, {13, {0, 5}},
      {14, {0, 5}}, {15, {0, 6}}, {16, {0, 5}}, {42, {0, 3}}, {47, {0, 0}}, {68, {0, 1}}, {69, {0, 1}}};

  std::map<std::int16_t, std::pair<int, int>> ours;
  for (const ApiInfo& api : served_apis()) ours[api.key] = {api.min_version, api.max_version};

  EXPECT_EQ(ours, kafka);
}

}  // namespace
}  // namespace tidelog::proto::test
