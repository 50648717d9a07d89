#include "tests/unit/proto/codec_vectors.h"

#include <gtest/gtest.h>

#include <map>

// What Apache Kafka's own classes wrote, read and written again here: every message that is served or stored, in every version.
namespace tidelog::proto::test {
namespace {

/// Variant `tags` is `full` with unknown tagged fields added: written again, without them, it is `full`.
std::vector<std::byte> expected_bytes(const Vector& vector) {
  if (vector.variant != "tags") return vector.body;
  Arena arena;
  Output out;
  encode_message(from_json(vector.json, *vector.schema, arena), vector.version, *vector.schema, out);
  return {out.bytes().begin(), out.bytes().end()};
}

TEST(CodecVectors, CoverEveryServedVersionInBothDirections) {
  std::map<std::string, std::size_t> seen;
  for (const Vector& vector : all_vectors()) ++seen[vector.schema->name + std::to_string(vector.version)];

  for (const ApiInfo& api : served_apis()) {
    for (std::int16_t v = api.request->versions.first; v <= api.request->versions.last; ++v) {
      EXPECT_GE(seen[api.request->name + std::to_string(v)], 5U) << api.name << " v" << v;
      EXPECT_GE(seen[api.response->name + std::to_string(v)], 5U) << api.name << " v" << v;
    }
  }
}

TEST(CodecVectors, CoverEveryVersionOfWhatIsStored) {
  std::map<std::string, std::size_t> seen;
  for (const Vector& vector : all_vectors()) ++seen[vector.schema->name + std::to_string(vector.version)];

  for (const Schema* schema : stored_schemas()) {
    for (std::int16_t v = schema->versions.first; v <= schema->versions.last; ++v) {
      EXPECT_GE(seen[schema->name + std::to_string(v)], 5U) << schema->name << " v" << v;
    }
  }
}

TEST(CodecVectors, DecodeToTheRecordedMeaning) {
  for (const Vector& vector : all_vectors()) {
    Arena arena;
    std::byte* message = from_json(Json::object(), *vector.schema, arena);

    const Result<void> decoded = decode_message(vector.body, vector.version, *vector.schema, message);

    ASSERT_TRUE(decoded) << vector.where;
    EXPECT_EQ(to_json(*vector.schema, message, vector.version), vector.json) << vector.where;
  }
}

TEST(CodecVectors, ReceivedMessagesEncodeToTheSameBytes) {
  for (const Vector& vector : all_vectors()) {
    Arena arena;
    std::byte* message = from_json(Json::object(), *vector.schema, arena);
    ASSERT_TRUE(decode_message(vector.body, vector.version, *vector.schema, message)) << vector.where;
    Output out;

    encode_message(message, vector.version, *vector.schema, out);

    EXPECT_EQ(to_hex(out.bytes()), to_hex(expected_bytes(vector))) << vector.where;
  }
}

TEST(CodecVectors, MessagesBuiltInMemoryEncodeToTheRecordedBytes) {
  for (const Vector& vector : all_vectors()) {
    if (vector.variant == "tags") continue;
    Arena arena;
    const std::byte* message = from_json(vector.json, *vector.schema, arena);
    Output out;

    encode_message(message, vector.version, *vector.schema, out);

    EXPECT_EQ(to_hex(out.bytes()), to_hex(vector.body)) << vector.where;
  }
}

TEST(CodecVectors, DecodingAFreshMessageAgainFromItsEncodingChangesNothing) {
  for (const Vector& vector : all_vectors()) {
    Arena arena;
    std::byte* first = from_json(Json::object(), *vector.schema, arena);
    std::byte* second = from_json(Json::object(), *vector.schema, arena);
    ASSERT_TRUE(decode_message(vector.body, vector.version, *vector.schema, first)) << vector.where;
    Output out;
    encode_message(first, vector.version, *vector.schema, out);

    const Result<void> decoded = decode_message(out.bytes(), vector.version, *vector.schema, second);

    ASSERT_TRUE(decoded) << vector.where;
    EXPECT_EQ(to_json(*vector.schema, second, vector.version), vector.json) << vector.where;
  }
}

}  // namespace
}  // namespace tidelog::proto::test
