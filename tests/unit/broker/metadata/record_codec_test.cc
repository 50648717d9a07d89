#include "tests/unit/broker/metadata/world.h"

#include <cstdint>
#include <random>

namespace tidelog::broker {
namespace {

Bytes as_bytes(const std::string& text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

std::vector<MetadataRecord> one_of_each() {
  return {
      ClusterInfoRecord{.cluster_id = "b2C8gCQYQrGyLUXpjsNJKg"},
      RegisterBrokerRecord{.node_id = {7},
                           .incarnation = test_id(1),
                           .broker_epoch = std::int64_t{1} << 40,
                           .listeners = {{.name = "PLAINTEXT", .host = "::1", .port = 65'535}, {.name = "", .host = "", .port = 0}},
                           .rack = "r\xff",
                           .unclean = true},
      CreateTopicRecord{.topic_id = test_id(2),
                        .name = "t",
                        .configs = {{"a", ""}, {"b", "not UTF-8: \xc3\x28"}},
                        .partitions = {{.index = {0}, .replicas = {{0}, {300}}, .isr = {{300}}, .leader = {300}, .leader_epoch = {4}},
                                       {.index = {1}, .replicas = {{1}}, .leader = {-1}, .partition_epoch = 9},
                                       {.index = {2}, .replicas = {{1}, {2}}, .directories = {test_id(9), Uuid()}}}},
      AssignDirectoriesRecord{
          .topic_id = test_id(2),
          .partitions = {{.index = {0}, .directories = {test_id(9), test_id(10)}}, {.index = {300}, .directories = {}}}},
      DeleteTopicRecord{test_id(3)},
      AddPartitionsRecord{.topic_id = test_id(4),
                          .partitions = {{.index = {7}, .replicas = {{2}, {1}}, .isr = {{2}}, .leader = {2}}, {.index = {8}}}},
      ClientQuotaRecord{.entity = {{"client-id", "c\xff"}, {"user", std::nullopt}},
                        .values = {{"consumer_byte_rate", std::nullopt}, {"producer_byte_rate", 1.5}}},
      ProducerIdBlockRecord{.node_id = {0}, .broker_epoch = 0, .next_producer_id = {5000}},
      SetConfigRecord{.resource = "t", .key = "k", .value = ""},
      SetConfigRecord{.scope = ConfigScope::broker, .resource = "", .key = "k"},
  };
}

/// A field that nobody defined yet: number 1000, wire type varint, value 1.
const std::string kLaterField = "\xc0\x3e\x01";

TEST(MetadataRecordCodec, ReadsBackEveryKind) {
  for (const MetadataRecord& record : one_of_each()) {
    const std::string stored = encode_record(record);

    const Result<MetadataRecord> read = decode_record(as_bytes(stored));

    ASSERT_TRUE(read.has_value()) << record.index();
    EXPECT_EQ(*read, record) << record.index();
    EXPECT_EQ(encode_record(*read), stored) << record.index();
  }
}

TEST(MetadataRecordCodec, HoldsTenThousandPartitions) {
  const MetadataMachine machine = machine_with_brokers(3);
  const TopicsDecision decision = machine.create_topics({.topics = {new_topic("t", 1, 10'000, 3)}});

  const std::string stored = encode_record(decision.records.at(0));
  const Result<MetadataRecord> read = decode_record(as_bytes(stored));

  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, decision.records.at(0));
  EXPECT_LT(stored.size(), 1'000'000U);
}

TEST(MetadataRecordCodec, RefusesAKindItDoesNotKnow) {
  const Result<MetadataRecord> read = decode_record(as_bytes(std::string("\x7a\x02\x08\x01", 4)));

  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error(), Errc::unsupported);
}

TEST(MetadataRecordCodec, RefusesAFieldItDoesNotKnowBesideTheKind) {
  for (const MetadataRecord& record : one_of_each()) {
    const Result<MetadataRecord> read = decode_record(as_bytes(encode_record(record) + kLaterField));

    ASSERT_FALSE(read.has_value()) << record.index();
    EXPECT_EQ(read.error(), Errc::unsupported) << record.index();
  }
}

TEST(MetadataRecordCodec, RefusesAFieldItDoesNotKnowInsideTheKind) {
  // DeleteTopic is field 4; its own field 1 is the id.
  const std::string inside = std::string("\x0a\x10", 2) + std::string(15, '\0') + "\x01" + kLaterField;
  const std::string stored = "\x22" + std::string(1, static_cast<char>(inside.size())) + inside;

  const Result<MetadataRecord> read = decode_record(as_bytes(stored));

  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error(), Errc::unsupported);
}

TEST(MetadataRecordCodec, RefusesAConfigScopeItDoesNotKnow) {
  std::string stored = encode_record(SetConfigRecord{.resource = "t", .key = "k", .value = "v"});
  ASSERT_EQ(stored.substr(2, 2), std::string("\x08\x02", 2));
  stored[3] = 8;

  const Result<MetadataRecord> read = decode_record(as_bytes(stored));

  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error(), Errc::unsupported);
}

TEST(MetadataRecordCodec, RefusesNothingAtAll) {
  const Result<MetadataRecord> read = decode_record({});

  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error(), Errc::corrupt);
}

TEST(MetadataRecordCodec, RefusesEveryCutRecord) {
  for (const MetadataRecord& record : one_of_each()) {
    const std::string stored = encode_record(record);
    for (std::size_t size = 0; size < stored.size(); ++size) {
      EXPECT_FALSE(decode_record(as_bytes(stored.substr(0, size))).has_value()) << record.index() << " cut to " << size;
    }
  }
}

TEST(MetadataRecordCodec, ReadsGarbageAsAnErrorOrAsWhatItWouldWrite) {
  std::mt19937 random(20261124);
  const std::vector<MetadataRecord> records = one_of_each();
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string stored = encode_record(records[random() % records.size()]);
    for (unsigned changes = 1 + random() % 3; changes > 0; --changes) stored[random() % stored.size()] = static_cast<char>(random());

    const Result<MetadataRecord> read = decode_record(as_bytes(stored));

    refused += read.has_value() ? 0 : 1;
    if (read) EXPECT_EQ(encode_record(*read).size(), stored.size());
  }
  EXPECT_GT(refused, 5'000);
}

}  // namespace
}  // namespace tidelog::broker
