#include "proto/codec/single_produce.h"

#include "proto/messages/produce_request.h"
#include "proto/messages/produce_response.h"
#include "tests/unit/proto/record_vectors.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

// What is read and written by hand is what the tables read and write.
namespace tidelog::proto {
namespace {

constexpr Uuid kTopicId{{std::byte{9}, std::byte{8}}};

using Body = std::vector<std::byte>;

Body encoded(const ProduceRequest& request, std::int16_t version) {
  Output out;
  encode(request, version, out);
  return {out.bytes().begin(), out.bytes().end()};
}

Body request(std::int16_t version, std::string_view transactional_id, std::string_view topic, Bytes records) {
  const std::vector<ProduceRequest::PartitionProduceData> parts{{.index = 7, .records = {.bytes = records}}};
  const std::vector<ProduceRequest::TopicProduceData> topics{{.name = topic, .topic_id = kTopicId, .partition_data = parts}};
  ProduceRequest message;
  message.transactional_id = transactional_id;
  message.acks = -1;
  message.timeout_ms = 30'000;
  message.topic_data = topics;
  return encoded(message, version);
}

bool is_same(std::string_view a, std::string_view b) { return a.data() == b.data() && a.size() == b.size(); }
bool is_same(Bytes a, Bytes b) { return a.data() == b.data() && a.size() == b.size(); }

/// Reads `body` both ways. What is read by hand has to be what the tables say; whether it was.
bool reads_alike(Bytes body, std::int16_t version) {
  const auto alone = std::make_unique<std::byte[]>(body.size());  // So that a sanitizer sees a read behind the end.
  std::ranges::copy(body, alone.get());
  const Bytes exact{alone.get(), body.size()};
  SingleProduce single;
  if (!decode_single_produce(exact, version, single)) return false;
  ProduceRequest message;
  const Result<void> done = decode(exact, version, message);
  EXPECT_TRUE(done);
  if (!done || message.topic_data.size() != 1) return ADD_FAILURE(), false;
  const auto topic = *message.topic_data.begin();
  if (topic.partition_data.size() != 1) return ADD_FAILURE(), false;
  const auto part = *topic.partition_data.begin();
  EXPECT_TRUE(is_same(single.transactional_id, message.transactional_id));
  EXPECT_EQ(single.acks, message.acks);
  EXPECT_EQ(single.timeout_ms, message.timeout_ms);
  EXPECT_TRUE(version >= 13 ? single.topic_id == topic.topic_id : is_same(single.topic, topic.name));
  EXPECT_EQ(single.partition, part.index);
  EXPECT_TRUE(is_same(single.records, part.records.bytes));
  return true;
}

std::vector<Body> bodies(std::int16_t version) {
  const std::string long_topic(200, 't');
  const Body records(300, std::byte{5});
  return {request(version, {}, "topic", records), request(version, "tx", long_topic, Bytes(records).first(0)),
          request(version, "", "", {})};
}

TEST(SingleProduce, IsReadAsByTheTablesInEveryVersion) {
  for (std::int16_t version = ProduceRequest::kMinVersion; version <= ProduceRequest::kMaxVersion; ++version) {
    for (const Body& body : bodies(version)) EXPECT_TRUE(reads_alike(body, version)) << "version " << version;
  }
}

TEST(SingleProduce, IsNotReadWhenCut) {
  for (std::int16_t version = ProduceRequest::kMinVersion; version <= ProduceRequest::kMaxVersion; ++version) {
    for (const Body& body : bodies(version)) {
      for (std::size_t size = 0; size < body.size(); ++size) EXPECT_FALSE(reads_alike(Bytes(body).first(size), version));
    }
  }
}

/// `reads_alike` fails where the two differ.
void read_with_flips(Body body, std::int16_t version) {
  for (std::byte& byte : body) {
    for (const unsigned flip : {0x01u, 0x02u, 0x04u, 0x40u, 0x80u, 0xffu}) {
      byte ^= static_cast<std::byte>(flip);
      reads_alike(body, version);
      byte ^= static_cast<std::byte>(flip);
    }
  }
}

TEST(SingleProduce, IsReadAsByTheTablesOrNotAtAllWhenDamaged) {
  for (std::int16_t version = ProduceRequest::kMinVersion; version <= ProduceRequest::kMaxVersion; ++version) {
    for (const Body& body : bodies(version)) read_with_flips(body, version);
  }
}

TEST(SingleProduce, IsOneTopicWithOnePartition) {
  const std::vector<ProduceRequest::PartitionProduceData> parts(2);
  for (const std::size_t topic_count : {0, 1, 2}) {
    const std::vector<ProduceRequest::TopicProduceData> topics(topic_count, {.name = "t", .partition_data = parts});
    ProduceRequest message;
    message.topic_data = topics;
    for (const std::int16_t version : {3, 9, 13}) {
      SingleProduce single;
      EXPECT_FALSE(decode_single_produce(encoded(message, version), version, single));
    }
  }
}

TEST(SingleProduce, LeavesTaggedFieldsAndOtherVersionsToTheTables) {
  Body body = request(9, {}, "topic", {});
  SingleProduce single;

  EXPECT_FALSE(decode_single_produce(body, 2, single));
  EXPECT_FALSE(decode_single_produce(body, 14, single));
  body.back() = std::byte{1};
  body.insert(body.end(), {std::byte{42}, std::byte{0}});
  ProduceRequest message;
  EXPECT_TRUE(decode(Bytes(body), 9, message));
  EXPECT_FALSE(decode_single_produce(body, 9, single));
}

TEST(SingleProduced, IsWrittenAsByTheTablesInEveryVersion) {
  const std::string long_topic(200, 't');
  for (std::int16_t version = ProduceResponse::kMinVersion; version <= ProduceResponse::kMaxVersion; ++version) {
    for (const std::string_view name : {std::string_view("topic"), std::string_view(long_topic)}) {
      const std::vector<ProduceResponse::PartitionProduceResponse> parts{
          {.index = 7, .base_offset = 1LL << 40, .log_append_time_ms = 1'700'000'000'000, .log_start_offset = 12}};
      const std::vector<ProduceResponse::TopicProduceResponse> topics{{.name = name, .topic_id = kTopicId, .partition_responses = parts}};
      ProduceResponse message;
      message.responses = topics;
      Output by_tables;
      encode(message, version, by_tables);

      Output by_hand;
      encode_single_produced({.topic = name,
                              .topic_id = kTopicId,
                              .partition = 7,
                              .base_offset = {1LL << 40},
                              .log_append_time = {1'700'000'000'000},
                              .log_start_offset = {12}},
                             version, by_hand);

      EXPECT_EQ(test::to_hex(by_hand.bytes()), test::to_hex(by_tables.bytes())) << "version " << version;
    }
  }
}

}  // namespace
}  // namespace tidelog::proto
