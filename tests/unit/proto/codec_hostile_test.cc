#include "proto/messages/api_versions_request.h"
#include "proto/messages/api_versions_response.h"
#include "proto/messages/metadata_request.h"
#include "proto/messages/produce_request.h"
#include "proto/messages/produce_response.h"
#include "tests/unit/proto/codec_vectors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

// Bytes that are not what the format says: refused, without reading outside them and without an allocation sized by them.
namespace tidelog::proto::test {
namespace {

/// A copy whose end is the end of its allocation, so that the sanitizer sees one byte too many.
struct Exact {
  explicit Exact(Bytes from) : size(from.size()), memory(new std::byte[from.size()]) { std::ranges::copy(from, memory.get()); }
  [[nodiscard]] Bytes bytes() const { return {memory.get(), size}; }
  std::size_t size;
  std::unique_ptr<std::byte[]> memory;
};

template <class Message>
bool decodes(std::string_view hex, std::int16_t version) {
  const std::vector<std::byte> body = from_hex(hex);
  Message message;
  return decode(Bytes(body), version, message).has_value();
}

TEST(CodecHostile, EveryTruncationIsCorrupt) {
  for (const Vector& vector : all_vectors()) {
    if (vector.variant == "limits" && vector.version % 3 != 0) continue;  // Long texts: a third of the versions says as much.
    Arena arena;
    std::byte* message = from_json(Json::object(), *vector.schema, arena);
    for (std::size_t size = 0; size < vector.body.size(); ++size) {
      const Exact cut(Bytes(vector.body).first(size));

      const Result<void> decoded = decode_message(cut.bytes(), vector.version, *vector.schema, message);

      ASSERT_FALSE(decoded) << vector.where << " cut at " << size;
      EXPECT_EQ(decoded.error(), Errc::corrupt);
    }
  }
}

TEST(CodecHostile, EveryChangedByteIsReadWithinBoundsOrRefused) {
  std::size_t accepted = 0;
  for (const Vector& vector : all_vectors()) {
    if (vector.variant == "limits") continue;
    Arena arena;
    std::byte* message = from_json(Json::object(), *vector.schema, arena);
    for (std::size_t at = 0; at < vector.body.size(); ++at) {
      Exact changed(vector.body);
      changed.memory[at] ^= std::byte{0xFF};
      vector.schema->construct(message);
      if (!decode_message(changed.bytes(), vector.version, *vector.schema, message)) continue;
      ++accepted;

      Output out;
      encode_message(message, vector.version, *vector.schema, out);  // Reads every element again.

      EXPECT_LE(out.size(), changed.size) << vector.where << " at " << at;
    }
  }
  EXPECT_GT(accepted, 0U);
}

TEST(CodecHostile, CountsBeyondTheBytesAreRefused) {
  EXPECT_FALSE(
      decodes<ProduceRequest>("ffff"
                              "0001"
                              "00000001"
                              "7fffffff"
                              "00",
                              3));
  EXPECT_FALSE(
      decodes<ProduceRequest>("00"
                              "0001"
                              "00000001"
                              "ffffffff0f"
                              "00",
                              9));
  EXPECT_FALSE(
      decodes<ProduceRequest>("00"
                              "0001"
                              "00000001"
                              "808080800801",
                              9));
  EXPECT_FALSE(decodes<MetadataRequest>("7fffffff", 0));
}

TEST(CodecHostile, TwentyMillionClaimedTagsAreRefused) {
  EXPECT_FALSE(
      decodes<ApiVersionsRequest>("0101"
                                  "80dac409"
                                  "0100",
                                  3));
  EXPECT_FALSE(
      decodes<ApiVersionsRequest>("0101"
                                  "ffffffff0f"
                                  "0100",
                                  3));
}

TEST(CodecHostile, AVarintOfMoreThanFiveBytesIsRefused) {
  EXPECT_TRUE(
      decodes<ApiVersionsRequest>("0101"
                                  "8080808000",
                                  3));
  EXPECT_FALSE(
      decodes<ApiVersionsRequest>("0101"
                                  "808080808000",
                                  3));
}

TEST(CodecHostile, NullWhereNoneMayBeIsRefused) {
  EXPECT_FALSE(
      decodes<ApiVersionsRequest>("00"
                                  "01"
                                  "00",
                                  3));
  EXPECT_FALSE(
      decodes<ProduceRequest>("ffff"
                              "0001"
                              "00000001"
                              "ffffffff",
                              3));
}

TEST(CodecHostile, CountsBelowMinusOneAreNull) {
  const std::vector<std::byte> body = from_hex(
      "fffffffe"
      "01");
  MetadataRequest message;

  const Result<void> decoded = decode(Bytes(body), 4, message);

  ASSERT_TRUE(decoded);
  EXPECT_TRUE(message.topics.is_null());
}

TEST(CodecHostile, BytesBehindTheMessageAreIgnored) {
  EXPECT_TRUE(
      decodes<ApiVersionsRequest>("0101"
                                  "00"
                                  "deadbeef",
                                  3));
}

TEST(CodecHostile, KnownTagsMayComeTwiceAndOutOfOrder) {
  // Epoch (tag 1) 5, then features (tag 0) none, then the epoch again: 7.
  const std::vector<std::byte> body = from_hex(
      "0000"
      "01"
      "00000000"
      "03"
      "01080000000000000005"
      "000101"
      "01080000000000000007");
  ApiVersionsResponse message;

  const Result<void> decoded = decode(Bytes(body), 3, message);

  ASSERT_TRUE(decoded);
  EXPECT_EQ(message.finalized_features_epoch, 7);
}

TEST(CodecHostile, AKnownTagMustFillItsSize) {
  EXPECT_FALSE(
      decodes<ApiVersionsResponse>("0000"
                                   "01"
                                   "00000000"
                                   "01"
                                   "0109"
                                   "000000000000000500",
                                   3));
  EXPECT_FALSE(
      decodes<ApiVersionsResponse>("0000"
                                   "01"
                                   "00000000"
                                   "01"
                                   "0107"
                                   "00000000000005",
                                   3));
}

TEST(CodecHostile, AnEmptyTextIsNotNull) {
  const std::vector<std::byte> body = from_hex(
      "01"
      "01"
      "00");
  ApiVersionsRequest message;

  ASSERT_TRUE(decode(Bytes(body), 3, message));

  EXPECT_FALSE(is_null(message.client_software_name));
  EXPECT_TRUE(message.client_software_name.empty());
}

TEST(CodecHostile, CountsElementsOfAllArraysAndStopsAtTheLimit) {
  // Metadata v1: three topics named "a".
  const std::vector<std::byte> body = from_hex(
      "00000003"
      "000161"
      "000161"
      "000161");

  const Result<std::size_t> all = count_elements(Bytes(body), 1, MetadataRequest::kSchema, 3);
  const Result<std::size_t> fewer = count_elements(Bytes(body), 1, MetadataRequest::kSchema, 2);

  ASSERT_TRUE(all);
  EXPECT_EQ(*all, 3U);
  ASSERT_FALSE(fewer);
  EXPECT_EQ(fewer.error(), Errc::too_large);
}

TEST(CodecHostile, CountsTagsAsElements) {
  // ApiVersions v3: two empty strings, then two unknown tags without bytes.
  const std::vector<std::byte> body = from_hex(
      "0101"
      "02"
      "6400"
      "6500");

  const Result<std::size_t> all = count_elements(Bytes(body), 3, ApiVersionsRequest::kSchema, 10);
  const Result<std::size_t> fewer = count_elements(Bytes(body), 3, ApiVersionsRequest::kSchema, 1);

  ASSERT_TRUE(all);
  EXPECT_EQ(*all, 2U);
  EXPECT_EQ(fewer.error(), Errc::too_large);
}

TEST(CodecHostile, CountsWhatIsInsideATagAndStopsAtTheLimitThere) {
  // ProduceResponse v10: no topic, no throttling, then tag 0 with two endpoints of nodes.
  const std::vector<std::byte> body = from_hex(
      "01"
      "00000000"
      "01"
      "0017"
      "03"
      "0000000101000000020000"
      "0000000101000000020000");

  const Result<std::size_t> all = count_elements(Bytes(body), 10, ProduceResponse::kSchema, 3);
  const Result<std::size_t> fewer = count_elements(Bytes(body), 10, ProduceResponse::kSchema, 2);

  ASSERT_TRUE(all);
  EXPECT_EQ(*all, 3U);
  ASSERT_FALSE(fewer);
  EXPECT_EQ(fewer.error(), Errc::too_large);
}

TEST(CodecHostile, AClaimOfTwentyMillionTagsIsRefusedAtOnce) {
  const std::vector<std::byte> body = from_hex(
      "0101"
      "80dac409"
      "6400");

  const Result<std::size_t> counted = count_elements(Bytes(body), 3, ApiVersionsRequest::kSchema, SIZE_MAX);

  EXPECT_EQ(counted.error(), Errc::corrupt);
}

}  // namespace
}  // namespace tidelog::proto::test
